import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ProbeHandle, testKernel } from "#runtime/testing";
import { slowBytes } from "../../../actors/relay/fanout-group.ts";
import type { Claim, EnterRequest, ReenterAnswer } from "../../../actors/relay/fanout-messages.ts";
import {
  accepted,
  asGroup,
  type FakeChannel,
  FanoutKit,
  type GroupPort,
  member,
} from "./fanout-kit.ts";

/** What a client has seen of the group: every message once, in order, or word that it misses it. */
class Reader {
  readonly session: number;
  readonly channel: FakeChannel;
  isSlow = false;
  /** The next offset; null: it is not in yet. */
  next: number | null = null;
  epoch = "";

  constructor(session: number, channel: FakeChannel) {
    this.session = session;
    this.channel = channel;
  }

  read(): void {
    for (const line of this.channel.taken()) {
      const [event, text = ""] = line.split(/ (.*)/);
      if (event === "joined") this.#join(JSON.parse(text));
      else if (event === "relay_gap") this.#miss(JSON.parse(text));
      else {
        assert.equal(`${event} ${text}`, `msg m${this.next}`, `session ${this.session}`);
        this.next = Number(text.slice(1)) + 1;
      }
    }
  }

  #join(answer: { epoch: string; offset: number; recovered?: boolean }): void {
    this.epoch = answer.epoch;
    this.next = answer.recovered ? Math.max(1, answer.offset - 1) : answer.offset + 1;
  }

  #miss(gap: { epoch: string; from: number; to: number }): void {
    if (gap.epoch === this.epoch || gap.to >= (this.next ?? 0)) assert.equal(gap.from, this.next);
    this.epoch = gap.epoch;
    this.next = gap.to + 1;
  }
}

/** A group of which the test knows everything, and its clients. */
class World {
  readonly kit: FanoutKit;
  group: ProbeHandle<GroupPort>;
  readonly readers: Reader[] = [];
  epoch = 1;
  offset = 0;
  users = 0;

  constructor(kit: FanoutKit, group: ProbeHandle<GroupPort>) {
    this.kit = kit;
    this.group = group;
  }

  static async start(seed: number): Promise<World> {
    const kit = await FanoutKit.start({ presence: false }, testKernel({ seed }));
    return new World(kit, await kit.probe());
  }

  /** Messages are sent, all in one turn. */
  send(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.offset += 1;
      this.kit.tell.deliver("g", this.offset, `m${this.offset}`);
    }
  }

  /** Somebody joins; one that comes back gets the last two messages. */
  async join(isBack: boolean): Promise<void> {
    this.users += 1;
    const { session, channel } = this.kit.client(`user ${this.users}`);
    this.readers.push(new Reader(session, channel));
    this.kit.tell.enter(session, "g", {});
    await this.kit.settle();
    if (this.kit.searches.length > 0) await this.kit.found(this.group);
    const asked = this.#told("enter").at(-1)?.args[1] as EnterRequest;
    assert.equal(asked.session, session);
    const from = Math.max(1, this.offset - 1);
    const missed = isBack ? texts(from, this.offset) : [];
    const recovered = isBack ? true : null;
    const place = { epoch: `e${this.epoch}`, offset: this.offset };
    this.kit.tell.entered("g", asked.no, accepted(asked.userId, { ...place, recovered, missed }));
  }

  async leave(which: number): Promise<void> {
    const [reader] = this.readers.splice(which % this.readers.length, 1);
    if (reader === undefined) return;
    await this.kit.settle();
    reader.read();
    await this.kit.exit(reader.session);
  }

  async slow(which: number): Promise<void> {
    const reader = this.readers[which % this.readers.length];
    if (reader === undefined) return;
    // Not in the middle of a turn: what is sent in it is weighed at its end.
    await this.kit.settle();
    reader.isSlow = !reader.isSlow;
    reader.channel.unreadBytes = reader.isSlow ? slowBytes + 1 : 0;
    if (!reader.isSlow) this.kit.tell.room(reader.session);
  }

  /** The group moves; meanwhile messages are sent. */
  async move(count: number): Promise<void> {
    const next = await this.kit.probe();
    this.kit.tell.moved("g", asGroup(next));
    await this.#settleIn(next);
    const from = this.offset + 1;
    this.offset += this.readers.length === 0 ? 0 : count;
    this.#answer({ recovered: true, missed: texts(from, this.offset) });
  }

  /** The group is lost, with some messages that nobody has seen. */
  async lose(count: number): Promise<void> {
    const next = await this.kit.probe();
    await this.kit.end(this.group);
    if (this.kit.searches.length > 0) await this.kit.found(next);
    await this.#settleIn(next);
    this.epoch += 1;
    this.offset += count;
    this.#answer({ recovered: false, missed: [] });
  }

  async check(): Promise<void> {
    await this.kit.settle();
    for (const reader of this.readers) {
      reader.read();
      if (!reader.isSlow) assert.equal(reader.next, this.offset + 1, `session ${reader.session}`);
    }
  }

  async #settleIn(next: ProbeHandle<GroupPort>): Promise<void> {
    await this.kit.settle();
    this.group = next;
  }

  #answer({ recovered, missed }: Pick<ReenterAnswer, "recovered" | "missed">): void {
    const claim = this.#told("reenter").at(-1)?.args[1] as Claim | undefined;
    if (claim === undefined) return;
    const members = claim.members.map(({ userId }) => member(userId));
    const place = { epoch: `e${this.epoch}`, offset: this.offset };
    this.kit.tell.reentered("g", { ...place, recovered, missed, members, presence: null });
  }

  #told(method: string): ProbeHandle<GroupPort>["record"]["messages"] {
    return this.group.record.messages.filter((message) => message.method === method);
  }
}

function texts(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `m${from + i}`);
}

const number = fc.nat({ max: 5 });
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("send" as const), number) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("join" as const), number) },
  fc.tuple(fc.constant("leave" as const), number),
  { weight: 3, arbitrary: fc.tuple(fc.constant("slow" as const), number) },
  fc.tuple(fc.constant("move" as const), number),
  fc.tuple(fc.constant("lose" as const), number),
  { weight: 3, arbitrary: fc.tuple(fc.constant("check" as const), number) },
);

test("whatever happens, no client gets a message twice or misses one unawares", async () => {
  const operations = fc.array(operation, { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000 }), operations, async (seed, steps) => {
      const world = await World.start(seed);
      for (const [step, count] of steps) {
        if (step === "send") world.send(count);
        else if (step === "join") await world.join(count % 2 === 1);
        else await world[step](count);
      }
      await world.check();
    }),
    { numRuns: 100 },
  );
});
