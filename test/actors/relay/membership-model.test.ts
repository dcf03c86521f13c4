import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { groupKinds, type MemberState } from "../../../actors/relay/group-kind.ts";
import { type Decision, Membership } from "../../../actors/relay/membership.ts";
import type { RelayRefusal } from "../../../actors/relay/refusal.ts";
import { NaiveMembership } from "./naive-membership.ts";

const users = ["ann", "bob", "cem", "__proto__", ""];
const keys = Array.from({ length: 12 }, (_, number) => `session ${number}`);
/** Which sessions end together when a thread dies. */
const keysOfThread = (thread: number): string[] => keys.filter((_, index) => index % 3 === thread);

const changing = ["accept", "mute", "unmute", "promote", "demote", "remove"] as const;
/** Most of what is done has to be allowed, or little would happen. */
const often = [...changing, "accept", "accept", "mute", "mute"] as const;
const user = fc.constantFrom(...users);
const systemOrUser = fc.oneof({ weight: 2, arbitrary: user }, fc.constant(null));
const key = fc.constantFrom(...keys);

const state: fc.Arbitrary<MemberState> = fc
  .record(
    {
      userId: user,
      role: fc.constantFrom("admin" as const, "member" as const),
      status: fc.constantFrom("active" as const, "pending" as const, "muted" as const),
      joinedAt: fc.nat(20),
      version: fc.nat(20),
    },
    { noNullPrototype: true },
  )
  .map((given) => (given.role === "admin" ? { ...given, status: "active" } : given));

const removal = fc.record({ userId: user, removedAt: fc.nat(20) }, { noNullPrototype: true });

const operation = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      what: fc.constant("join" as const),
      userId: user,
      at: fc.nat(20),
      maxMembers: fc.integer({ min: 3, max: 9 }),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      what: fc.constantFrom(...often),
      by: systemOrUser,
      userId: user,
      at: fc.nat(20),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ what: fc.constant("attach" as const), userId: user, key }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("detach" as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant("leave" as const), userId: user, at: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("lose" as const), thread: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("merge" as const),
      states: fc.uniqueArray(state, { selector: ({ userId }) => userId, maxLength: 4 }),
      removed: fc.uniqueArray(removal, { selector: ({ userId }) => userId, maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("settle" as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("restart" as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const outcome = (decision: Decision | RelayRefusal | null): string =>
  decision === null || decision.ok ? "ok" : decision.code;

const byUser = (states: readonly MemberState[]): Map<string, MemberState> =>
  new Map(states.map((member) => [member.userId, member]));

/** A decision's changes are exactly what differs between the states, those who went first. */
function assertChanges(decision: Decision, from: MemberState[], to: MemberState[]): void {
  const [before, after] = [byUser(from), byUser(to)];
  const expected = new Map(
    [...new Set([...before.keys(), ...after.keys()])]
      .map((userId) => ({
        userId,
        before: before.get(userId) ?? null,
        after: after.get(userId) ?? null,
      }))
      .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after))
      .map((change) => [change.userId, change]),
  );
  const changes = decision.ok ? decision.changes : [];
  const isStaying = changes.map(({ after }) => after !== null);
  assert.deepEqual(isStaying, isStaying.toSorted(), "those who went come first");
  assert.equal(new Set(changes.map(({ userId }) => userId)).size, changes.length);
  assert.deepEqual(new Map(changes.map((change) => [change.userId, change])), expected);
}

function assertAgree(membership: Membership, naive: NaiveMembership): void {
  assert.deepEqual([...membership.members()], naive.states());
  const removed = (membership.state().removed ?? []).map((one) => [one.userId, one.removedAt]);
  assert.deepEqual(new Map(removed as [string, number][]), naive.removed);
  assert.equal(membership.size, naive.people.length);
  assert.equal(membership.isEmpty, naive.people.length === 0);
  assert.equal(membership.recipients, naive.receivers().length);
  for (const userId of users) {
    const person = naive.find(userId);
    assert.equal(membership.sessionsOf(userId), person?.sessions.length ?? 0);
    assert.equal(membership.receives(userId), !!person && person.status !== "pending");
    assert.equal(outcome(membership.decideSend(userId)), naive.send(userId));
    assert.equal(outcome(membership.decideRead(userId)), naive.read(userId));
    assert.equal(outcome(membership.decideInfo(userId)), naive.info(userId));
    assert.equal(outcome(membership.decideDelete(userId)), naive.delete(userId));
  }
  if (naive.isSettled && !membership.isEmpty) {
    const admins = [...membership.members()].filter(({ role }) => role === "admin");
    assert.ok(admins.length > 0, "there is an admin");
    assert.ok(admins.every(({ status }) => status === "active"));
  }
}

type Deciding = Exclude<Operation, { what: "attach" | "restart" }>;

/** Whose sessions these are, of those that there are. */
function ownersOf(naive: NaiveMembership, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const owner = naive.people.find(({ sessions }) => sessions.includes(key));
    return owner === undefined ? [] : [owner.userId];
  });
}

function decide(membership: Membership, naive: NaiveMembership, given: Deciding): Decision {
  switch (given.what) {
    case "join":
      return membership.join(given.userId, given.at, given.maxMembers);
    case "leave":
      return membership.leave(given.userId, given.at);
    case "detach":
      return membership.detachAll(ownersOf(naive, [given.key]));
    case "lose":
      return membership.detachAll(ownersOf(naive, keysOfThread(given.thread)));
    case "merge":
      return membership.merge(given.states, given.removed);
    case "settle":
      return membership.settle();
    default:
      return membership[given.what](given.by, given.userId, given.at);
  }
}

function imitate(naive: NaiveMembership, given: Deciding): string {
  switch (given.what) {
    case "join":
      return naive.join(given.userId, given.at, given.maxMembers);
    case "leave":
      return naive.leave(given.userId, given.at);
    case "detach":
      return naive.detachAll([given.key]);
    case "lose":
      return naive.detachAll(keysOfThread(given.thread));
    case "merge":
      return naive.merge(given.states, given.removed);
    case "settle":
      return naive.settle();
    default:
      return naive[given.what](given.by, given.userId, given.at);
  }
}

/** A group and its model. */
class Pair {
  membership: Membership;
  readonly naive: NaiveMembership;

  constructor(membership: Membership) {
    this.membership = membership;
    this.naive = new NaiveMembership(membership.kind, membership.isDurable);
    const members = [...membership.members()];
    for (const { userId, joinedAt } of members) this.naive.join(userId, joinedAt, 1);
  }

  apply(given: Operation): void {
    const { naive } = this;
    if (given.what === "attach") {
      this.#attach(given.userId, given.key);
    } else if (given.what === "restart") {
      this.membership = Membership.restore(structuredClone(this.membership.state()));
      naive.restart();
    } else {
      const before = [...this.membership.members()];
      const decision = decide(this.membership, naive, given);
      assert.equal(outcome(decision), imitate(naive, given));
      assertChanges(decision, before, [...this.membership.members()]);
    }
  }

  #attach(userId: string, sessionKey: string): void {
    const isThere = this.naive.people.some(({ sessions }) => sessions.includes(sessionKey));
    if (isThere) return;
    assert.equal(this.membership.attach(userId), this.naive.attach(userId, sessionKey));
  }
}

test("members, statuses, permissions and recipients are those of a naive model, whatever happens", () => {
  const start = fc.record({
    kind: fc.constantFrom(...groupKinds),
    isDurable: fc.boolean(),
    creator: fc.option(user),
  });
  fc.assert(
    fc.property(start, fc.array(operation, { maxLength: 80, size: "max" }), (given, operations) => {
      const { kind, isDurable, creator } = given;
      const pair = new Pair(Membership.create(kind, isDurable, creator, 1));
      assertAgree(pair.membership, pair.naive);
      for (const each of operations) {
        pair.apply(each);
        assertAgree(pair.membership, pair.naive);
      }
    }),
    { numRuns: 1_500 },
  );
});
