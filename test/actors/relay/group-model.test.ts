import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type GroupKind, groupKinds, type MemberState } from "../../../actors/relay/group-kind.ts";
import type { GroupAnswer, GroupOrigin } from "../../../actors/relay/group-messages.ts";
import { type FanoutView, GroupKit } from "./group-kit.ts";
import { NaiveGroup } from "./naive-group.ts";

const users = ["ann", "bob", "cem", "dan"];
const fanouts = [0, 1, 2];
const changing = ["accept", "mute", "unmute", "remove", "promote", "demote"] as const;
const settings = { messagesPerSecond: null, maxMembers: 3 };

const user = fc.constantFrom(...users);
const fanout = fc.constantFrom(...fanouts);
const session = fc.nat(3);

/** One of a copy of the group: admins are active. */
const stranger: fc.Arbitrary<Omit<MemberState, "joinedAt">> = fc
  .record({
    userId: user,
    role: fc.constantFrom("admin" as const, "member" as const),
    status: fc.constantFrom("active" as const, "pending" as const, "muted" as const),
    version: fc.integer({ min: 1, max: 6 }),
  })
  .map((given) => (given.role === "admin" ? { ...given, status: "active" } : given));

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ what: fc.constant("enter" as const), fanout, session }),
  },
  { weight: 6, arbitrary: fc.record({ what: fc.constant("cut" as const), fanout, session }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant("send" as const), userId: user }) },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constantFrom(...changing, "accept" as const, "accept" as const),
      by: fc.oneof({ weight: 2, arbitrary: user }, fc.constant(null)),
      userId: user,
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("leave" as const), userId: user }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("pass" as const),
      ms: fc.constantFrom(1_000, 5_000, 9_990, 15_000, 29_900, 31_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("move" as const), follow: fc.subarray(fanouts) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("lose" as const), fanout }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("reenter" as const), fanout }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("merge" as const),
      states: fc.uniqueArray(stranger, { selector: ({ userId }) => userId, maxLength: 2 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const userOf = (index: number, number: number): string =>
  users[(index + number) % users.length] as string;
const byUser = (states: readonly MemberState[]): MemberState[] =>
  states.toSorted((a, b) => (a.userId < b.userId ? -1 : 1));

function codeOf(answer: GroupAnswer<{ readonly ok: boolean; readonly code?: string }>): string {
  assert.ok("ok" in answer);
  return answer.ok ? "ok" : (answer.code ?? "");
}

/** A group, and after its end the next one, beside its model. */
class Pair {
  readonly #kind: GroupKind;
  readonly #isDurable: boolean;
  #kit: GroupKit;
  #model: NaiveGroup;
  /** What each session of the model is to have received. */
  readonly #expected = new Map<string, number[]>();
  /** Fan-outs that the group has not heard of since it has moved. */
  readonly #behind = new Set<number>();
  /** What the fan-outs knew that were lost: it may have been the way to them. */
  readonly #lost = new Map<number, FanoutView>();

  private constructor(kind: GroupKind, isDurable: boolean, kit: GroupKit) {
    this.#kind = kind;
    this.#isDurable = isDurable;
    this.#kit = kit;
    this.#model = this.#newModel();
  }

  static async start(kind: GroupKind, isDurable: boolean): Promise<Pair> {
    const origin: GroupOrigin = { type: "new", kind, isDurable, creator: null };
    return new Pair(kind, isDurable, await GroupKit.start(origin, settings, fanouts.length));
  }

  async apply(one: Step): Promise<void> {
    // No two things happen in the same ms.
    await this.#pass(1);
    await this.#endIfOver();
    if (one.what === "enter") await this.#enter(one.fanout, one.session);
    else if (one.what === "cut") await this.#cut(one.fanout, one.session);
    else if (one.what === "send") await this.#send(one.userId);
    else if (one.what === "leave") {
      const outcome = this.#model.leave(one.userId);
      assert.equal(codeOf(await this.#ask(this.#kit.group.ask.leave(one.userId))), outcome);
    } else if (one.what === "pass") await this.#pass(one.ms);
    else if (one.what === "move") await this.#move(one.follow);
    else if (one.what === "lose") await this.#lose(one.fanout);
    else if (one.what === "reenter") await this.#reenter(one.fanout);
    else if (one.what === "merge") await this.#merge(one.states);
    else {
      const outcome = this.#model.operate(one.what, one.by, one.userId);
      const asked = this.#kit.group.ask.operate(one.what, one.by, one.userId);
      assert.equal(codeOf(await this.#ask(asked)), outcome);
    }
    await this.#endIfOver();
    await this.#check();
  }

  async #enter(index: number, number: number): Promise<void> {
    await this.#follow(index);
    const userId = userOf(index, number);
    const outcome = this.#model.enter(userId, `${index}/${number}`);
    const { refusals } = this.#kit.fanout(index);
    const before = refusals.length;
    await this.#kit.enter(index, number, userId);
    const refused = outcome === "ok" || outcome === "closed" ? [] : [outcome];
    assert.deepEqual(refusals.slice(before), refused);
  }

  async #cut(index: number, number: number): Promise<void> {
    await this.#follow(index);
    this.#model.cut([`${index}/${number}`]);
    await this.#kit.exit(index, number);
  }

  async #send(userId: string): Promise<void> {
    const receivers = this.#model.members.receivers();
    const outcome = this.#model.members.send(userId);
    const answer = await this.#kit.send(userId);
    assert.equal(codeOf(answer), outcome);
    if (outcome !== "ok") return;
    this.#model.said += 1;
    const { said } = this.#model;
    assert.deepEqual(answer, { ok: true, recipients: receivers.length, offset: said });
    for (const key of receivers) this.#expected.get(key)?.push(said);
  }

  async #pass(ms: number): Promise<void> {
    this.#model.pass(ms);
    await this.#kit.advance(ms);
  }

  async #move(follow: readonly number[]): Promise<void> {
    const { kernel, group, fanouts: views } = this.#kit;
    const state = await this.#ask(group.ask.export());
    assert.ok(state);
    const { members, away } = this.#model;
    assert.deepEqual(state.members, members.states());
    assert.deepEqual([...(state.connected ?? [])].sort(), this.#model.connected().sort());
    const departed = [...away.values()].map((known) => known.state);
    assert.deepEqual(byUser(state.departed ?? []), byUser(departed));
    const next = await GroupKit.start({ type: "moved", state }, settings, 0, kernel);
    next.fanouts.push(...views);
    group.tell.movedTo(next.group);
    await next.settle();
    this.#model.move();
    this.#kit = next;
    for (const index of fanouts) {
      if (next.fanout(index).sessions.size > 0) this.#behind.add(index);
    }
    for (const index of follow) await this.#follow(index);
  }

  /** The fan-out finds the group where it is now. */
  async #follow(index: number): Promise<void> {
    if (!this.#behind.delete(index)) return;
    await this.#claim(index);
  }

  async #claim(index: number): Promise<void> {
    const view = this.#kit.fanout(index);
    const claim = view.claim("room", this.#kind, this.#isDurable);
    this.#model.reenter(
      claim.members.map(({ userId, sessions }) => [
        userId,
        sessions.map((known) => `${index}/${known.session}`),
      ]),
    );
    this.#kit.group.tell.reenter(view.ref, claim);
    await this.#kit.settle();
    // What was sent meanwhile is the fan-out's affair.
    for (const [number, { offsets }] of view.sessions) {
      this.#expected.set(`${index}/${number}`, [...offsets]);
    }
    await this.#endIfOver();
  }

  async #lose(index: number): Promise<void> {
    const view = this.#kit.fanout(index);
    this.#lost.set(index, view);
    this.#behind.delete(index);
    const keys = this.#keys().filter((key) => key.startsWith(`${index}/`));
    // The group hears of those alone that have sessions.
    if (keys.length > 0) this.#model.cut(keys);
    this.#kit.kernel.kernel.find(view.ref.id)?.stop({ kind: "killed", message: "killed" });
    await this.#kit.settle();
    await this.#kit.addFanout();
    this.#kit.fanouts[index] = this.#kit.fanouts.pop() as FanoutView;
  }

  /** The fan-out was not lost, it could not be reached; whoever has come to it since is in its stead. */
  async #reenter(index: number): Promise<void> {
    await this.#follow(index);
    const known = this.#lost.get(index);
    const view = this.#kit.fanout(index);
    this.#lost.delete(index);
    if (known === undefined || view.sessions.size > 0) return;
    for (const [number, it] of known.sessions) view.sessions.set(number, it);
    for (const [userId, it] of known.members) view.members.set(userId, it);
    view.epoch = known.epoch;
    view.offset = known.offset;
    await this.#claim(index);
  }

  async #merge(given: readonly Omit<MemberState, "joinedAt">[]): Promise<void> {
    const { group } = this.#kit;
    const answer = await this.#ask(group.ask.info(null));
    assert.ok("info" in answer);
    const { epoch, offset, createdAt } = answer.info;
    const members = given.map((state) => ({ ...state, joinedAt: this.#model.now }));
    const place = { groupId: "room", kind: this.#kind, isDurable: this.#isDurable, epoch, offset };
    const connected = members.map(({ userId }) => userId);
    this.#model.merge(members);
    await this.#ask(group.ask.merge({ ...place, createdAt, members, messages: [], connected }));
  }

  /** What follows is another group. */
  async #endIfOver(): Promise<void> {
    assert.equal(this.#kit.isOver, this.#model.isOver, "whether it is over");
    if (!this.#model.isOver) return;
    const { kernel } = this.#kit;
    const [kind, isDurable] = [this.#kind, this.#isDurable];
    const origin: GroupOrigin = { type: "new", kind, isDurable, creator: null };
    this.#kit = await GroupKit.start(origin, settings, fanouts.length, kernel);
    this.#model = this.#newModel();
    for (const known of [this.#expected, this.#behind, this.#lost]) known.clear();
  }

  #newModel(): NaiveGroup {
    const now = this.#kit.kernel.clock.wallTime();
    return new NaiveGroup(this.#kind, this.#isDurable, settings.maxMembers, now);
  }

  #keys(): string[] {
    return this.#model.members.people.flatMap(({ sessions }) => sessions).sort();
  }

  async #ask<T>(asked: Promise<T>): Promise<T> {
    const answer = await this.#kit.kernel.until(asked);
    await this.#kit.settle();
    return answer;
  }

  async #check(): Promise<void> {
    const { members } = this.#model;
    const answer = await this.#ask(this.#kit.group.ask.info(null));
    assert.ok("info" in answer);
    const expected = members.people.map(({ sessions, version: _, ...member }) => ({
      ...{ ...member, devices: sessions.length },
    }));
    assert.deepEqual(answer.info.members, expected);
    const seen = fanouts
      .filter((index) => !this.#behind.has(index))
      .flatMap((index) =>
        [...this.#kit.fanout(index).sessions.keys()].map((number) => `${index}/${number}`),
      );
    assert.deepEqual(seen.sort(), this.#keys());
    for (const { userId, role, status, sessions } of members.people) {
      for (const key of sessions) {
        const [index, number] = key.split("/").map(Number) as [number, number];
        const view = this.#kit.fanout(index);
        const known = view.members.get(userId);
        assert.deepEqual([known?.role, known?.status], [role, status], `${key} is told`);
        const { receives, offsets } = view.sessions.get(number) ?? {};
        assert.equal(receives, status !== "pending", `${key} receives`);
        if (!this.#expected.has(key)) this.#expected.set(key, []);
        assert.deepEqual(offsets, this.#expected.get(key), `${key} has received`);
      }
    }
    for (const key of this.#expected.keys()) {
      if (!seen.includes(key)) this.#expected.delete(key);
    }
  }
}

test("who is in a group, as what, and who receives is as a naive model has it, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...groupKinds),
      fc.boolean(),
      fc.array(step, { maxLength: 50, size: "max" }),
      async (kind, isDurable, steps) => {
        const pair = await Pair.start(kind, isDurable);
        for (const one of steps) await pair.apply(one);
      },
    ),
    { numRuns: 200 },
  );
});
