import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { groupKinds, type MemberState } from "../../../actors/relay/group-kind.ts";
import { Membership } from "../../../actors/relay/membership.ts";
import { maxRemoved, removedMs } from "../../../actors/relay/removed-members.ts";

const users = ["ann", "bob", "cem", "dan"];
const noLimit = 1_000;
/** Wall clock, ms: later than all versions that are no time. */
const start = 1_000_000;

const member = (membership: Membership, userId: string): string => {
  const { role, status } = membership.get(userId) ?? { role: "none", status: "gone" };
  return `${role} ${status}`;
};

/** Another copy of the group. */
const copyOf = (membership: Membership): Membership =>
  Membership.restore(structuredClone(membership.state()));

/** The first one, with all that the other one knows. */
function merged(one: Membership, other: Membership): Membership {
  const result = copyOf(one);
  const { members, removed } = structuredClone(other.state());
  result.merge(members, removed);
  return result;
}

/** By user, as the place of equals depends on who was here first. */
const sorted = (membership: Membership): readonly MemberState[] =>
  [...membership.members()].sort((a, b) => (a.userId < b.userId ? -1 : 1));

const removedIn = (membership: Membership): unknown =>
  (membership.state().removed ?? []).toSorted((a, b) => (a.userId < b.userId ? -1 : 1));

/** ann, the admin, and others, all accepted, in a durable group where members can be muted. */
function groupOf(...others: readonly string[]): Membership {
  const membership = Membership.create("strict_private", true, "ann", start);
  for (const userId of others) {
    membership.join(userId, start, noLimit);
    membership.accept("ann", userId);
  }
  return membership;
}

const doing = ["join", "leave", "accept", "mute", "unmute", "promote", "demote", "remove"] as const;
const step = fc.record({
  what: fc.constantFrom(...doing, "accept", "join", "mute"),
  userId: fc.constantFrom(...users),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const steps = fc.array(step, { maxLength: 12 });

function play(membership: Membership, all: readonly Step[], from: number): void {
  for (const [index, { what, userId }] of all.entries()) {
    const at = from + index;
    // A group that nobody is left in has ended.
    if (membership.isEmpty) return;
    if (what === "join") membership.join(userId, at, noLimit);
    else if (what === "leave") membership.leave(userId, at);
    else membership[what](null, userId, at);
  }
}

/** Two copies that have gone on from one group, each by itself, and that group. */
const copies = fc
  .record({
    kind: fc.constantFrom(...groupKinds),
    before: steps,
    here: steps,
    there: steps,
    // How much later what was decided there was decided.
    lag: fc.integer({ min: -20, max: 20 }),
  })
  .map(({ kind, before, here, there, lag }) => {
    const origin = Membership.create(kind, true, "ann", start);
    play(origin, before, start);
    const [one, other] = [copyOf(origin), copyOf(origin)];
    play(one, here, start + 100);
    play(other, there, start + 100 + lag);
    return { origin, one, other, there };
  })
  .filter(({ one, other }) => !one.isEmpty && !other.isEmpty);

test("two copies become the same, whichever takes in the other, and once is enough", () => {
  fc.assert(
    fc.property(copies, ({ one, other }) => {
      const both = merged(one, other);
      assert.deepEqual(sorted(both), sorted(merged(other, one)));
      assert.deepEqual(removedIn(both), removedIn(merged(other, one)));
      for (const again of [one, other, both]) {
        assert.deepEqual(sorted(merged(both, again)), sorted(both));
      }
    }),
    { numRuns: 500 },
  );
});

test("an old copy changes nothing, and nobody comes back by it who was removed", () => {
  fc.assert(
    fc.property(copies, ({ origin, one, other }) => {
      assert.deepEqual(sorted(merged(one, origin)), sorted(one));
      assert.deepEqual(sorted(merged(origin, one)), sorted(one));
      const both = merged(merged(origin, one), other);
      for (const [copy, elsewhere] of [
        [one, other],
        [other, one],
      ] as const) {
        for (const { userId } of origin.members()) {
          if (copy.get(userId) !== undefined) continue;
          const isAnew = (elsewhere.get(userId)?.joinedAt ?? 0) > start + 50;
          assert.ok(isAnew || both.get(userId) === undefined, `${userId} was removed`);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("who was muted on one side is muted, whatever the other side has decided without knowing", () => {
  fc.assert(
    fc.property(copies, ({ one, other, there }) => {
      const wereMuted = there.filter(({ what }) => what === "mute" || what === "unmute");
      for (const { userId } of one.members()) {
        if (wereMuted.some((each) => each.userId === userId)) continue;
        const [here, elsewhere] = [one.get(userId), other.get(userId)];
        const isOne = here?.joinedAt === elsewhere?.joinedAt;
        if (here?.status !== "muted" || !isOne || here.version <= start + 50) continue;
        assert.equal(merged(other, one).get(userId)?.status, "muted", userId);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what was decided while the other copy was away stays decided", () => {
  const disk = groupOf("bob", "cem", "dan", "eve");
  disk.promote("ann", "dan");
  disk.join("fay", start, noLimit);
  const survivor = copyOf(disk);
  survivor.remove("ann", "bob", start + 1);
  survivor.mute("ann", "cem", start + 2);
  survivor.demote("ann", "dan");
  survivor.leave("eve", start + 3);
  survivor.accept("ann", "fay");
  const both = merged(disk, survivor);
  assert.deepEqual(
    ["ann", "bob", "cem", "dan", "eve", "fay"].map((userId) => member(both, userId)),
    ["admin active", "none gone", "member muted", "member active", "none gone", "member active"],
  );
  assert.deepEqual(merged(copyOf(both), disk).state(), both.state(), "after a restart as well");
});

test("of what both sides decided, removal and muting count, though they came first", () => {
  const one = groupOf("bob", "cem", "dan");
  const other = copyOf(one);
  one.remove("ann", "bob", start + 1);
  other.mute("ann", "bob", start + 2);
  one.mute("ann", "cem", start + 1);
  for (const act of ["promote", "demote", "promote"] as const) other[act]("ann", "cem");
  one.remove("ann", "dan", start + 1);
  other.promote("ann", "dan");
  const both = merged(one, other);
  assert.deepEqual(
    ["bob", "cem", "dan"].map((userId) => member(both, userId)),
    ["none gone", "member muted", "none gone"],
  );
});

test("who knows of a mute, or a removal, may take it back", () => {
  const one = groupOf("bob", "cem");
  one.mute("ann", "bob", start + 1);
  const other = copyOf(one);
  other.unmute("ann", "bob");
  assert.equal(member(merged(one, other), "bob"), "member active");
  other.promote("ann", "cem");
  other.remove("ann", "cem", start + 2);
  other.join("cem", start + 3, noLimit);
  assert.equal(member(merged(one, other), "cem"), "member pending", "what it was has ended");
  other.accept("ann", "cem");
  assert.equal(member(merged(one, other), "cem"), "member active");
});

test("a clock that is behind lets nobody stay, and keeps nobody out", () => {
  const one = groupOf("bob");
  const other = copyOf(one);
  other.remove("ann", "bob", start - 500);
  assert.equal(member(merged(one, other), "bob"), "none gone");
  other.join("bob", start - 400, noLimit);
  assert.equal(member(merged(one, other), "bob"), "member pending");
});

test("where nobody knew of a membership, who joined anew is what it was, but for what it was punished for", () => {
  const disk = groupOf("bob", "cem");
  disk.promote("ann", "bob");
  const survivor = Membership.restore({ kind: "strict_private", isDurable: true, members: [] });
  for (const userId of ["ann", "bob", "cem"]) survivor.join(userId, start + 9, noLimit);
  survivor.accept(null, "ann");
  survivor.accept(null, "cem");
  survivor.mute(null, "cem", start + 10);
  const both = merged(disk, survivor);
  assert.deepEqual(
    ["ann", "bob", "cem"].map((userId) => member(both, userId)),
    ["admin active", "admin active", "member muted"],
  );
});

test("an admin who took over because none was there steps back when one returns", () => {
  const disk = groupOf("bob", "cem");
  const [, bob, cem] = structuredClone(disk.state().members);
  const survivor = Membership.restore({ kind: "strict_private", isDurable: true, members: [] });
  survivor.merge([bob, cem] as MemberState[]);
  survivor.settle();
  assert.equal(member(survivor, "bob"), "admin active");
  const both = merged(survivor, disk);
  assert.deepEqual([member(both, "ann"), member(both, "bob")], ["admin active", "member active"]);
});

test("sessions of a member stay its own when the other copy's state counts", () => {
  const disk = groupOf("bob", "cem");
  const survivor = copyOf(disk);
  survivor.mute("ann", "bob", start + 1);
  survivor.remove("ann", "cem", start + 1);
  for (const userId of ["bob", "cem"]) disk.attach(userId);
  const { members, removed } = survivor.state();
  const decision = disk.merge(members, removed);
  assert.ok(decision.ok);
  assert.deepEqual(
    decision.changes.map(({ userId, after }) => [userId, after?.status ?? "gone"]),
    [
      ["cem", "gone"],
      ["bob", "muted"],
    ],
  );
  assert.deepEqual([disk.sessionsOf("bob"), disk.sessionsOf("cem"), disk.recipients], [1, 0, 1]);
});

test("of those who were removed the last 1,000 are remembered, for 30 days, in durable groups", () => {
  const membership = groupOf();
  const leave = (userId: string, at: number): void => {
    membership.join(userId, at, noLimit);
    membership.leave(userId, at + 1);
  };
  const names = (): unknown[] => membership.state().removed?.map(({ userId }) => userId) ?? [];
  for (let n = 0; n <= maxRemoved; n += 1) leave(`user ${n}`, start + n);
  assert.deepEqual([names().length, names()[0]], [maxRemoved, "user 1"]);
  leave("user 2", start + 5_000);
  assert.deepEqual([names()[0], names()[1], names().at(-1)], ["user 1", "user 3", "user 2"]);
  leave("later", start + removedMs + 4_000);
  assert.deepEqual(names(), ["user 2", "later"]);
  assert.deepEqual(copyOf(membership).state(), membership.state());

  const passing = Membership.create("public", false, "ann", start);
  passing.join("bob", start, noLimit);
  passing.leave("bob", start + 1);
  assert.equal(passing.state().removed, undefined);
});
