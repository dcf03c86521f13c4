import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Assembly } from "../../../runtime/cluster/assembly.ts";
import { encodeFrame, FrameDecoder, frameKind } from "../../../runtime/cluster/frame.ts";
import { LargeMessage } from "../../../runtime/cluster/large-message.ts";
import { type NodeEnvelope, nodeKind } from "../../../runtime/cluster/node-envelope.ts";
import { Outbox } from "../../../runtime/cluster/outbox.ts";

const kib = 1_024;
const maxFrameBytes = 72 * kib;
const maxStreamBytes = 1_000 * kib;

/** A payload that can be told from all others; at least 10 bytes. */
function payloadOf(order: number, target: string, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes, order % 251);
  payload.writeUInt32BE(order, 0);
  payload.write(target.padEnd(6), 4, "latin1");
  return payload;
}

function frameOf(order: number, target: string, bytes = 10): Buffer {
  return encodeFrame(frameKind.batch, payloadOf(order, target, bytes));
}

/** A large message that is `bytes` long as a whole. */
function largeOf(order: number, target: string, bytes: number): LargeMessage {
  return new LargeMessage(payloadOf(order, target, bytes - 4), []);
}

function cancel(askId: number): NodeEnvelope {
  return [nodeKind.cancel, askId];
}

interface Arrived {
  readonly order: number;
  readonly target: string;
}

/** The other side: what it makes of the chunks, with the bounds that it keeps. */
class Reader {
  readonly messages: Arrived[] = [];
  readonly #decoder = new FrameDecoder();
  readonly #assembly = new Assembly(maxStreamBytes);

  take(chunks: readonly Uint8Array[]): Arrived[] {
    const before = this.messages.length;
    for (const bytes of chunks) {
      this.#decoder.push(bytes, (kind, payload) => {
        const whole = kind === frameKind.chunk ? this.#assembly.take(payload) : payload;
        // A large message begins with the number of its attachments.
        const at = kind === frameKind.chunk ? 4 : 0;
        if (whole !== null) this.messages.push(this.#check(whole.subarray(at)));
        return true;
      });
    }
    return this.messages.slice(before);
  }

  #check(payload: Buffer): Arrived {
    const order = payload.readUInt32BE(0);
    const filler = payload.subarray(10);
    assert.ok(
      filler.every((byte) => byte === order % 251),
      "the bytes are as they were",
    );
    return { order, target: payload.toString("latin1", 4, 10).trim() };
  }
}

function byteLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function orders(messages: readonly Arrived[]): number[] {
  return messages.map(({ order }) => order);
}

test("frames leave in their order, as many as there is room for, uncopied", () => {
  const outbox = new Outbox(maxStreamBytes);
  const frames = [1, 2, 3].map((order) => frameOf(order, "a", 40 * kib));
  for (const frame of frames) outbox.add(frame, []);
  assert.equal(outbox.bytes, 3 * (40 * kib + 5));
  assert.deepEqual(outbox.take(50 * kib), frames.slice(0, 2));
  assert.equal(outbox.bytes, 40 * kib + 5);
  const [last] = outbox.take(1);
  assert.equal(last, frames[2]);
  assert.deepEqual([outbox.isEmpty, outbox.bytes, outbox.take(100)], [true, 0, []]);
});

test("small frames and pings overtake a large one", () => {
  const outbox = new Outbox(60 * kib * kib);
  outbox.addLarge("large", largeOf(1, "large", 50 * kib * kib), []);
  assert.ok(byteLength(outbox.take(256 * kib)) < 257 * kib);
  outbox.add(frameOf(2, "other"), []);
  const ping = encodeFrame(frameKind.ping, Buffer.alloc(8));
  outbox.addUrgent(ping);
  const chunks = outbox.take(256 * kib);
  assert.equal(chunks[0], ping);
  const before = chunks.findIndex((chunk) => chunk.length === 15);
  assert.ok(byteLength(chunks.slice(0, before)) < 70 * kib);
});

test("large messages share the way in turns", () => {
  const outbox = new Outbox(maxStreamBytes);
  const reader = new Reader();
  outbox.addLarge("a", largeOf(1, "a", 400 * kib), []);
  outbox.addLarge("b", largeOf(2, "b", 100 * kib), []);
  outbox.addLarge(null, largeOf(3, "", 100 * kib), []);
  reader.take(outbox.take(400 * kib));
  assert.deepEqual(orders(reader.messages), [2, 3]);
  reader.take(outbox.take(400 * kib));
  assert.deepEqual(orders(reader.messages), [2, 3, 1]);
});

test("what follows a large message to the same target waits for it; others do not", () => {
  const outbox = new Outbox(maxStreamBytes);
  const reader = new Reader();
  assert.equal(outbox.hasLanes, false);
  outbox.addLarge("a", largeOf(1, "a", 200 * kib), []);
  assert.deepEqual(
    [outbox.hasLanes, outbox.hasLane("a"), outbox.hasLane("b")],
    [true, true, false],
  );
  outbox.addToTarget("a", frameOf(2, "a"), []);
  outbox.addToTarget("b", frameOf(3, "b"), []);
  while (!outbox.isEmpty) reader.take(outbox.take(1));
  assert.deepEqual(orders(reader.messages), [3, 1, 2]);
  assert.equal(outbox.hasLanes, false);
});

test("a large message does not overtake the small ones before it", () => {
  const outbox = new Outbox(maxStreamBytes);
  const reader = new Reader();
  // More than one turn of ordinary frames.
  for (let order = 1; order <= 9; order += 1) outbox.add(frameOf(order, "a", 30 * kib), []);
  outbox.addLarge("a", largeOf(10, "a", 80 * kib), []);
  while (!outbox.isEmpty) reader.take(outbox.take(64 * kib));
  assert.deepEqual(orders(reader.messages), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("a very large message has its turn though smaller ones keep coming", () => {
  const outbox = new Outbox(maxStreamBytes);
  const reader = new Reader();
  outbox.addLarge(null, largeOf(0, "", 300 * kib), []);
  reader.take(outbox.take(1));
  outbox.addLarge(null, largeOf(1, "huge", 950 * kib), []);
  let order = 2;
  while (!reader.messages.some(({ target }) => target === "huge")) {
    outbox.addLarge(null, largeOf(order, "", 100 * kib), []);
    outbox.addLarge(null, largeOf(order + 1, "", 100 * kib), []);
    order += 2;
    assert.ok(order < 100, "it is passed for ever");
    reader.take(outbox.take(128 * kib));
    outbox.taken(kib * kib);
  }
});

test("what is on its way of large messages is bounded; all else leaves beside it", () => {
  const outbox = new Outbox(64 * kib * kib);
  outbox.addLarge("a", largeOf(1, "a", 3 * kib * kib), []);
  const first = byteLength(outbox.take(10 * kib * kib));
  assert.ok(first >= kib * kib && first < 1.1 * kib * kib, `${first} bytes`);
  assert.deepEqual(outbox.take(100 * kib), []);
  outbox.add(frameOf(2, "b"), []);
  assert.equal(outbox.take(100 * kib).length, 1);
  outbox.taken(256 * kib);
  const more = byteLength(outbox.take(10 * kib * kib));
  assert.ok(more >= 200 * kib && more < 350 * kib, `${more} bytes`);
  // Word of more than ever left gives no more room than there is.
  outbox.taken(2 ** 32 - 1);
  assert.ok(byteLength(outbox.take(10 * kib * kib)) < 1.1 * kib * kib);
});

test("the end gives back what was not wholly sent, in order", () => {
  const outbox = new Outbox(maxStreamBytes);
  outbox.add(frameOf(1, "a"), [cancel(1), cancel(2)]);
  outbox.take(1);
  outbox.addLarge("a", largeOf(3, "a", 200 * kib), [cancel(3)]);
  outbox.add(frameOf(4, "b"), [cancel(4), cancel(5)]);
  outbox.addToTarget("a", frameOf(6, "a"), [cancel(6)]);
  outbox.take(64 * kib + 100);
  assert.deepEqual(outbox.clear(), [cancel(3), cancel(6)]);
  assert.deepEqual([outbox.isEmpty, outbox.bytes, outbox.hasLanes], [true, 0, false]);
});

test("whatever comes: once, whole, in order to each target, within the reader's bounds", () => {
  const size = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 10, max: 2 * kib }) },
    { weight: 1, arbitrary: fc.integer({ min: 70 * kib, max: 300 * kib }) },
    { weight: 1, arbitrary: fc.constantFrom(maxFrameBytes, maxFrameBytes + 1, maxStreamBytes) },
  );
  const step = fc.oneof(
    fc.record({ to: fc.constantFrom("a", "b", "c", ""), size }),
    fc.record({ budget: fc.integer({ min: 1, max: 300 * kib }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const outbox = new Outbox(maxStreamBytes);
      const reader = new Reader();
      let sent = 0;
      let waitingBytes = 0;
      const take = (budget: number): void => {
        const before = outbox.bytes;
        outbox.taken(kib * kib);
        const chunks = outbox.take(budget);
        assert.ok(chunks.length > 0 || before === 0, "something leaves as long as something waits");
        assert.ok(byteLength(chunks) < budget + maxFrameBytes + 64 * kib, "the budget is kept");
        reader.take(chunks);
      };
      for (const it of steps) {
        if ("budget" in it) {
          take(it.budget);
          continue;
        }
        sent += 1;
        waitingBytes += it.size + 5;
        const target = it.to === "" ? null : it.to;
        if (it.size > maxFrameBytes) outbox.addLarge(target, largeOf(sent, it.to, it.size), []);
        else outbox.addToTarget(target, frameOf(sent, it.to, it.size), []);
      }
      assert.ok(outbox.bytes <= waitingBytes);
      for (let n = 0; !outbox.isEmpty; n += 1) {
        assert.ok(n < 10_000, "it ends");
        take(100 * kib);
      }
      assert.equal(outbox.bytes, 0);
      assert.equal(outbox.hasLanes, false);
      assert.deepEqual(
        orders(reader.messages).toSorted((one, other) => one - other),
        [
          ...Array(sent)
            .keys()
            .map((n) => n + 1),
        ],
      );
      for (const to of ["a", "b", "c"]) {
        const arrived = orders(reader.messages.filter(({ target }) => target === to));
        assert.deepEqual(
          arrived,
          arrived.toSorted((one, other) => one - other),
        );
      }
    }),
    { numRuns: 150 },
  );
});
