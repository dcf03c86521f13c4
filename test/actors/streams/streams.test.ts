import assert from "node:assert/strict";
import { test } from "node:test";
import { Actor, type ActorRef, type Signal } from "#runtime";
import { type ProbeHandle, type TestKernel, testKernel } from "#runtime/testing";
import type { Response } from "../../../actors/request/response.ts";
import {
  type StreamEnd,
  type Streamed,
  type StreamOpening,
  streamWindowChars,
} from "../../../actors/request/stream-messages.ts";
import { maxStreams, Streams } from "../../../actors/streams/streams.ts";

/** What a producer is told. */
interface Producer {
  "troupe:grant"(consumer: ActorRef, id: number, count: number): void;
  "troupe:stop"(consumer: ActorRef, id: number): void;
}

/** An actor that takes streams, for the test to hold by its parts. */
class Consumer extends Actor {
  readonly #streams: Streams;

  constructor(hand: (streams: Streams) => void) {
    super();
    this.#streams = new Streams(this.context);
    hand(this.#streams);
  }

  streamed(...message: Streamed): void {
    this.#streams.receive(...message);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.terminated(signal.ref, signal.reason);
  }
}

/** One consumer, one producer, and what came out. */
class Stage {
  readonly kernel: TestKernel = testKernel();
  readonly concluded: (string | null)[] = [];
  readonly delivered: string[] = [];
  readonly ends: Response[] = [];
  room = Number.POSITIVE_INFINITY;
  streams!: Streams;
  consumer!: ActorRef<Consumer>;
  producer!: ProbeHandle<Producer>;

  static async open(): Promise<Stage> {
    const at = new Stage();
    at.consumer = await at.kernel.spawn(Consumer, {
      args: [
        (streams: Streams) => {
          at.streams = streams;
        },
      ],
    });
    at.producer = await at.kernel.probe<Producer>(["troupe:grant", "troupe:stop"]);
    return at;
  }

  offer(requestId = "r1"): StreamOpening {
    const offer = this.streams.offer(requestId);
    assert.ok(offer.ok);
    return offer.opening;
  }

  begin(opening: StreamOpening): ReturnType<Streams["begin"]> {
    const conclude = (last: Response): Response => {
      this.concluded.push(last.code ?? null);
      return last;
    };
    const texts = { function: "fake.count", tell: (detail: string) => `told: ${detail}` };
    return this.streams.begin(opening, this.producer.ref, conclude, texts);
  }

  start(stream: ReturnType<Streams["begin"]>): void {
    stream.start({
      hasRoom: () => this.room > 0,
      chunk: (text) => {
        this.room -= 1;
        this.delivered.push(text);
      },
      end: (response) => this.ends.push(response),
    });
  }

  /** The producer speaks; `isFirst` says who it is. */
  async say(id: number, chunks: string[], end: StreamEnd | null, isFirst = false): Promise<void> {
    this.consumer.tell.streamed(id, chunks, end, isFirst ? this.producer.ref : null);
    await this.kernel.settle();
  }

  /** What the producer was told: the numbers granted, and stops. */
  heard(): (number | "stop")[] {
    return this.producer.record.messages.map(({ method, args }) => {
      // An address, which means the same on every node.
      assert.ok(args[0].equals(this.consumer));
      return method === "troupe:grant" ? (args[2] as number) : "stop";
    });
  }
}

const complete: StreamEnd = { ok: true, last: null };

test("what comes before begin and start is kept, in order", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  assert.equal(opening.window, 64);
  await at.say(opening.id, ["1"], null, true);
  const stream = at.begin(opening);
  await at.say(opening.id, ["2", "3"], complete);
  assert.deepEqual(at.delivered, []);
  at.start(stream);
  assert.deepEqual([at.delivered, at.ends.length, at.concluded], [["1", "2", "3"], 1, [null]]);
  assert.equal(at.streams.size, 0);
});

test("chunks are granted in steps, and only those that were delivered", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  await at.say(opening.id, [], null, true);
  at.start(at.begin(opening));
  at.room = 20;
  const many = (count: number): string[] => new Array(count).fill("0");
  await at.say(opening.id, many(15), null);
  assert.deepEqual(at.heard(), []);
  await at.say(opening.id, many(49), null);
  assert.deepEqual([at.delivered.length, at.heard()], [20, [20]]);
  at.room = 44;
  at.streams.resume();
  await at.kernel.settle();
  assert.equal(at.delivered.length, 64);
  const granted = at.heard().map(Number);
  assert.ok(granted.reduce((sum, one) => sum + one) > 64 - 16);
  assert.ok(granted.every((one) => one >= 16));
});

test("large chunks are granted before there are as many as a step", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  await at.say(opening.id, [], null, true);
  at.start(at.begin(opening));
  const large = JSON.stringify("x".repeat(streamWindowChars));
  await at.say(opening.id, ["0", large], null);
  assert.deepEqual(at.heard(), [2]);
  await at.say(opening.id, ["0"], null);
  assert.deepEqual(at.heard(), [2]);
  await at.say(opening.id, [large], null);
  assert.deepEqual(at.heard(), [2, 2]);
});

test("streams that wait for room are served in turn", async () => {
  const at = await Stage.open();
  at.room = 0;
  for (const id of ["a", "b"]) {
    const opening = at.offer(id);
    at.start(at.begin(opening));
    await at.say(opening.id, [`${id}1`, `${id}2`, `${id}3`], complete, true);
  }
  at.room = 4;
  at.streams.resume();
  assert.deepEqual(at.delivered, ["a1", "b1", "a2", "b2"]);
  at.room = 9;
  at.streams.resume();
  assert.deepEqual(at.delivered.slice(4), ["a3", "b3"]);
  assert.equal(at.ends.length, 2);
});

test("a stop drops what waits, and ends with cancelled", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  at.start(at.begin(opening));
  at.room = 1;
  await at.say(opening.id, ["1", "2"], null, true);
  assert.equal(at.streams.stop("r1"), true);
  assert.equal(at.streams.stop("r1"), false);
  await at.say(opening.id, ["3"], complete);
  assert.deepEqual([at.delivered, at.heard(), at.concluded], [["1"], ["stop"], ["cancelled"]]);
  assert.deepEqual([at.ends[0]?.code, at.ends[0]?.request_id], ["cancelled", "r1"]);
});

test("one that is stopped while it is being opened ends when it is", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  assert.equal(at.streams.stop("r1"), true);
  const stream = at.begin(opening);
  at.start(stream);
  assert.equal(at.ends[0]?.code, "cancelled");
  await at.say(opening.id, [], null, true);
  assert.deepEqual(at.heard(), ["stop"]);
});

test("one that was withdrawn is stopped when it says its first", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  at.streams.withdraw(opening);
  assert.equal(at.streams.size, 0);
  assert.equal(at.streams.offer("r1").ok, true, "the id is free again");
  await at.say(opening.id, ["1"], null, true);
  assert.deepEqual(at.heard(), ["stop"]);
});

test("closing concludes each, also one whose call is answered later, and delivers nothing", async () => {
  const at = await Stage.open();
  const [open, opening] = [at.offer("a"), at.offer("b")];
  at.start(at.begin(open));
  await at.say(open.id, ["1"], null, true);
  at.streams.closeAll();
  at.start(at.begin(opening));
  await at.say(open.id, ["2"], complete);
  assert.deepEqual(at.concluded, ["cancelled", "cancelled"]);
  assert.deepEqual([at.delivered, at.ends, at.heard()], [["1"], [], ["stop"]]);
});

test("a producer that stops ends its streams behind what it said", async () => {
  const at = await Stage.open();
  const [a, b] = [at.offer("a"), at.offer("b")];
  for (const opening of [a, b]) {
    at.start(at.begin(opening));
    await at.say(opening.id, [], null, true);
  }
  at.room = 0;
  at.consumer.tell.streamed(a.id, ["1"], complete, null);
  at.kernel.kernel.signal(at.producer.ref, {
    type: "kill",
    reason: { kind: "killed", message: "by the test" },
  });
  await at.kernel.settle();
  at.room = 9;
  at.streams.resume();
  assert.deepEqual(at.delivered, ["1"]);
  const codes = at.ends.map(({ request_id, code = null }) => [request_id, code]);
  assert.deepEqual(codes.sort(), [
    ["a", null],
    ["b", "outcome_unknown"],
  ]);
});

for (const [kind, said, at1s, later] of [
  ["shutdown", complete, null, "complete"],
  ["crash", null, null, "outcome_unknown"],
  ["node_down", null, "outcome_unknown", "outcome_unknown"],
] as const) {
  test(`a producer on another node that ends with ${kind}: ${later}`, async () => {
    const at = await Stage.open();
    const { kernel } = at.kernel;
    const route = { tell: () => true, ask: () => {}, signal: () => {} };
    kernel.routes.nodes = { to: () => route } as unknown as typeof kernel.routes.nodes;
    const far = kernel.ref({ node: "b@h:1", thread: 1, id: 7, incarnation: 1 });
    at.producer = { ...at.producer, ref: far as typeof at.producer.ref };
    const opening = at.offer();
    at.start(at.begin(opening));
    await at.say(opening.id, ["1"], null, true);
    kernel.signal(at.consumer, {
      ...{ type: "terminated", ref: far, reason: { kind, message: "by the test" } },
    });
    await at.kernel.advance(900);
    assert.deepEqual(at.ends[0]?.code ?? null, at1s);
    // What it said last comes by another connection than word of its end.
    await at.say(opening.id, ["2"], said);
    await at.kernel.advance(200);
    assert.deepEqual(
      at.ends.map(({ code = "complete" }) => code),
      [later],
    );
    assert.deepEqual(at.delivered, at1s === null ? ["1", "2"] : ["1"]);
    assert.equal(at.streams.size, 0);
  });
}

test("an internal end is told as the executor tells it", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  at.start(at.begin(opening));
  const end = { ok: false, code: "internal", message: "Internal", detail: "secret" } as const;
  await at.say(opening.id, [], end, true);
  assert.deepEqual([at.ends[0]?.error, at.ends[0]?.code], ["told: secret", "internal"]);
});

test("the end of a stream that failed may tell when to come back", async () => {
  const at = await Stage.open();
  const opening = at.offer();
  at.start(at.begin(opening));
  const failed = { ok: false, code: "sold_out", message: "None left", detail: null } as const;
  await at.say(opening.id, [], { ...failed, retryAfterMs: 69.5 }, true);
  assert.deepEqual([at.ends[0]?.code, at.ends[0]?.retry_after_ms], ["sold_out", 70]);
});

test("there is a bound, and each request id has one stream", async () => {
  const at = await Stage.open();
  const first = at.offer("0");
  const taken = at.streams.offer("0");
  assert.equal(taken.ok ? "" : taken.code, "invalid_request");
  for (let i = 1; i < maxStreams; i++) at.offer(`${i}`);
  const full = at.streams.offer("one more");
  assert.equal(full.ok ? "" : full.code, "queue_full");
  at.streams.withdraw(first);
  assert.ok(at.streams.offer("one more").ok);
});
