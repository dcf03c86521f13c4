import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { encodeFrame, frameKind } from "../../../runtime/cluster/frame.ts";
import { type NodeEnvelope, nodeKind } from "../../../runtime/cluster/index.ts";
import { testKernel } from "../../../runtime/testing/index.ts";
import { ChannelEnd, type ChannelPair, channelPair } from "./channel-pair.ts";
import { PipedConnection } from "./piped-connection.ts";

const mib = 1024 * 1024;

function tell(id: number, ...args: unknown[]): NodeEnvelope {
  return [nodeKind.tell, 1, 5, id, "note", args];
}

/** The first arguments of the tells that came, for one actor or for all. */
function told(end: ChannelEnd, id?: number): unknown[] {
  return end.envelopes
    .filter((it) => it[0] === nodeKind.tell && (id === undefined || it[3] === id))
    .map((it) => (it[5] as unknown[])[0]);
}

test("what is sent in one turn leaves in one write, in order", async () => {
  const { one, two, settle } = await channelPair();
  for (let n = 0; n < 200; n += 1) one.channel.send(tell(n % 7, n));
  assert.equal(one.connection.writes, 0);
  await settle();
  assert.equal(one.connection.writes, 1);
  assert.deepEqual(told(two), [...Array(200).keys()]);
});

test("many leave before the turn is over; order holds around a large one", async () => {
  const { one, two, settle } = await channelPair();
  for (let n = 0; n < 1_000; n += 1) one.channel.send(tell(1, n));
  assert.equal(one.connection.writes, 3);
  one.channel.send(tell(1, 1_000, Buffer.alloc(64 * 1024)));
  one.channel.send(tell(1, 1_001));
  assert.equal(one.connection.writes, 4);
  await settle();
  assert.equal(one.connection.writes, 5);
  assert.deepEqual(told(two), [...Array(1_002).keys()]);
});

test("order to each actor holds whatever the sizes; all arrive", async () => {
  const size = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 10_000, max: 500_000 }) },
  );
  const step = fc.record({
    id: fc.integer({ min: 1, max: 3 }),
    size,
    // The size of a list of lists is not seen from outside.
    form: fc.constantFrom("text", "bytes", "list"),
    pauseMs: fc.constantFrom(0, 0, 0, 1, 5),
  });
  const speeds = fc.constantFrom(2_000, 50_000, 1_000_000, Number.POSITIVE_INFINITY);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), speeds, async (sends, bytesPerMs) => {
      const { one, two, advance } = await channelPair();
      one.connection.bytesPerMs = bytesPerMs;
      for (const [n, { id, size: bytes, form, pauseMs }] of sends.entries()) {
        const text = "x".repeat(bytes / 4);
        const forms = {
          text: text.repeat(4),
          bytes: Buffer.alloc(bytes),
          list: [[text, text, text]],
        };
        one.channel.send(tell(id, n, forms[form as keyof typeof forms]));
        if (pauseMs > 0) await advance(pauseMs);
      }
      await advance(4_000);
      for (const id of [1, 2, 3]) {
        const expected = [...sends.entries()].filter(([, send]) => send.id === id);
        assert.deepEqual(
          told(two, id),
          expected.map(([n]) => n),
        );
      }
      assert.equal(one.channel.bufferedBytes, 0);
      one.channel.close("done");
      await advance(2_000);
      assert.equal(one.kernel.clock.pendingTimers, 0);
    }),
    { numRuns: 100 },
  );
});

test("an answer of 50 MB does not hold up a ping, an ask or the answers to others", async () => {
  const { one, two, advance, clock } = await channelPair();
  // 100 MB/s
  one.connection.bytesPerMs = 100_000;
  one.channel.send([nodeKind.answer, 1, Buffer.alloc(50 * mib, 7)]);
  await advance(100);
  assert.equal(two.envelopes.length, 0);

  const sentAt = clock.now();
  let tookMs = 0;
  two.onEnvelope = () => {
    tookMs = clock.now() - sentAt;
    two.onEnvelope = () => {};
  };
  one.channel.send([nodeKind.answer, 2, "small"]);
  await advance(30);
  assert.deepEqual(two.envelopes, [[nodeKind.answer, 2, "small"]]);
  assert.ok(tookMs <= 20, `${tookMs} ms`);

  await advance(600);
  const [, large] = two.envelopes;
  assert.deepEqual([large?.[0], large?.[1]], [nodeKind.answer, 1]);
  assert.deepEqual(large?.[2], Buffer.alloc(50 * mib, 7));
  // Both have pinged while it was under way.
  assert.ok(two.channel.rttMs !== null && two.channel.rttMs <= 20, `${two.channel.rttMs} ms`);
  assert.ok(one.channel.rttMs !== null && one.channel.rttMs <= 20, `${one.channel.rttMs} ms`);
  assert.ok(one.connection.mostBuffered < 0.4 * mib);
});

test("a cancel does not overtake the large ask that it is for", async () => {
  const { one, two, advance } = await channelPair();
  one.connection.bytesPerMs = 10_000;
  one.channel.send([nodeKind.ask, 1, 5, 9, "work", ["x".repeat(mib)], 77, 5_000]);
  await advance(5);
  one.channel.send([nodeKind.cancel, 77]);
  one.channel.send([nodeKind.cancel, 78]);
  await advance(300);
  assert.deepEqual(
    two.envelopes.map((it) => [it[0], it[0] === nodeKind.ask ? it[6] : it[1]]),
    [
      [nodeKind.cancel, 78],
      [nodeKind.ask, 77],
      [nodeKind.cancel, 77],
    ],
  );
});

test("a slow peer takes the room; what waits is bounded by the sender who looks", async () => {
  const { one, two, advance } = await channelPair({ maxBufferedBytes: mib });
  one.connection.bytesPerMs = 0;
  let sent = 0;
  for (; sent < 100_000 && one.channel.hasRoom; sent += 1)
    one.channel.send(tell(1, sent, "x".repeat(200)));
  assert.equal(one.channel.hasRoom, false);
  assert.ok(one.channel.bufferedBytes < 1.1 * mib, `${one.channel.bufferedBytes}`);
  assert.ok(one.connection.bufferedBytes < 0.4 * mib);
  // Answers pass.
  one.channel.send([nodeKind.answer, 1, "yes"]);
  one.connection.bytesPerMs = 100_000;
  one.connection.write([]);
  await advance(100);
  assert.equal(one.channel.hasRoom, true);
  assert.equal(one.channel.bufferedBytes, 0);
  assert.deepEqual(told(two), [...Array(sent).keys()]);
  assert.deepEqual(two.envelopes.at(-1), [nodeKind.answer, 1, "yes"]);
});

test("one that cannot be encoded is told of; the others of its turn leave", async () => {
  const { one, two, settle } = await channelPair();
  one.channel.send(tell(1, "before"));
  one.channel.send(tell(1, () => "never"));
  one.channel.send([nodeKind.answer, 4, Symbol("never")]);
  one.channel.send(tell(1, "after"));
  await settle();
  assert.deepEqual(told(two), ["before", "after"]);
  assert.deepEqual([two.envelopes[1]?.[0], two.envelopes[1]?.[1]], [nodeKind.failure, 4]);
  assert.deepEqual(
    one.unsent.map(({ envelope, error }) => [envelope[4], error.code]),
    [["note", "not_serialisable"]],
  );
  assert.equal(one.kernel.logLines.filter((line) => line.includes("cannot leave")).length, 2);
});

test("a message over the limit is not sent", async () => {
  const { one, two, settle } = await channelPair({ maxMessageBytes: mib });
  one.channel.send(tell(1, Buffer.alloc(mib)));
  one.channel.send([nodeKind.answer, 4, Buffer.alloc(mib)]);
  await settle();
  assert.deepEqual(
    one.unsent.map(({ error }) => error.code),
    ["message_too_large"],
  );
  const [failure] = two.envelopes;
  assert.deepEqual([failure?.[0], failure?.[1]], [nodeKind.failure, 4]);
});

test("both sides send signs of life; a peer that answers is not suspected", async () => {
  const { one, two, advance } = await channelPair();
  await advance(60_000);
  assert.deepEqual([one.ends, two.ends], [[], []]);
  assert.ok(one.connection.writes >= 2 * 119, `${one.connection.writes}`);
  assert.equal(one.channel.rttMs, 0);
  assert.ok(one.channel.phi < 1);
});

test("silence ends the channel by the suspicion time, with all that waits told of", async () => {
  const { one, two, advance, clock } = await channelPair();
  await advance(20_000);
  one.connection.bytesPerMs = 0;
  two.connection.bytesPerMs = 0;
  const cutAt = clock.now();
  one.channel.send([nodeKind.ask, 1, 5, 9, "work", ["x".repeat(mib)], 77, 5_000]);
  one.channel.send(tell(9, "behind"));
  one.channel.send([nodeKind.cancel, 3]);
  while (one.ends.length === 0) await advance(100);
  assert.ok(clock.now() - cutAt <= 5_000, `${clock.now() - cutAt} ms`);
  assert.match(one.ends[0]?.[0] ?? "", /^no sign of life for \d+ ms$/);
  assert.equal(one.ends[0]?.[1], false);
  assert.deepEqual(
    one.unsent.map(({ envelope, error }) => [envelope[0], envelope[5], error.code]),
    [
      [nodeKind.ask, [], "unreachable"],
      [nodeKind.tell, [], "unreachable"],
    ],
  );
  assert.equal(one.connection.isOver, true);
  assert.ok(two.ends.length === 1);
  assert.equal(clock.pendingTimers, 0);
});

test("a bye comes after what was sent, and both sides know that it was meant", async () => {
  const { one, two, advance, clock } = await channelPair();
  one.connection.bytesPerMs = 10_000;
  one.channel.send(tell(1, "x".repeat(mib)));
  one.channel.send(tell(1, "last"));
  one.channel.close("the node leaves");
  one.channel.close("again");
  one.channel.send(tell(1, "too late"));
  await advance(200);
  assert.deepEqual(told(two).at(-1), "last");
  assert.equal(two.envelopes.length, 2);
  assert.deepEqual(one.ends, [["the node leaves", true]]);
  assert.deepEqual(two.ends, [["the node leaves", true]]);
  assert.deepEqual(
    one.unsent.map(({ envelope, error }) => [envelope[5], error.code]),
    [[["too late"], "unreachable"]],
  );
  assert.equal(clock.pendingTimers, 0);
});

test("what comes in while this side says bye is still taken", async () => {
  const { one, two, advance } = await channelPair();
  one.connection.bytesPerMs = 10_000;
  one.channel.send(tell(1, "x".repeat(mib)));
  one.channel.close("the node leaves");
  two.channel.send([nodeKind.answer, 1, "in time"]);
  await advance(200);
  assert.deepEqual(one.envelopes, [[nodeKind.answer, 1, "in time"]]);
});

test("a bye that cannot leave ends after a second", async () => {
  const { one, advance, clock } = await channelPair();
  one.connection.bytesPerMs = 0;
  one.channel.send(tell(1, "x".repeat(mib)));
  one.channel.send(tell(2, "y"));
  await advance(1);
  one.channel.close("the node leaves");
  await advance(999);
  assert.deepEqual(one.ends, []);
  await advance(1);
  assert.deepEqual(one.ends, [["the node leaves", true]]);
  assert.equal(one.unsent.length >= 1, true);
  assert.equal(clock.pendingTimers, 0);
});

test("a connection that breaks is told once; nothing after it", async () => {
  const { one, two, settle, clock } = await channelPair();
  one.channel.send(tell(1, "unsent"));
  two.connection.destroy();
  assert.deepEqual(one.ends, [["closed by the other side", false]]);
  assert.deepEqual(two.ends, [["closed by this side", false]]);
  assert.equal(one.unsent.length, 1);
  one.channel.send(tell(1, "late"));
  one.channel.close("late");
  await settle();
  assert.equal(one.unsent.length, 2);
  assert.deepEqual([one.ends.length, two.ends.length, clock.pendingTimers], [1, 1, 0]);
});

test("an envelope that ends the channel is the last that comes", async () => {
  const { one, two, settle } = await channelPair();
  two.onEnvelope = () => two.connection.destroy();
  one.channel.send(tell(1, 1));
  one.channel.send(tell(1, 2));
  await settle();
  assert.deepEqual(told(two), [1]);
});

test("bytes from behind the handshake come first, and not before the owner can listen", async () => {
  const kernel = testKernel();
  const { one, settle } = await channelPair();
  const sent: Uint8Array[] = [];
  one.connection.write = (chunks) => sent.push(...chunks);
  for (const text of ["rest", "early"]) {
    one.channel.send(tell(1, text));
    await settle();
  }
  const [rest, early] = sent as [Uint8Array, Uint8Array];
  const [side] = PipedConnection.pair(kernel.clock);
  const end = new ChannelEnd(kernel, side, {}, [rest.subarray(0, 9), rest.subarray(9)]);
  side.receive(early);
  side.destroy();
  assert.deepEqual([end.envelopes, end.ends], [[], []]);
  await kernel.settle();
  assert.deepEqual(told(end), ["rest", "early"]);
  assert.deepEqual(end.ends, [["closed by this side", false]]);
});

const wrongBytes: Record<string, [bytes: Buffer, reason: RegExp]> = {
  "a handshake": [
    encodeFrame(frameKind.handshake, Buffer.from("{}")),
    /^malformed: a handshake on an established connection$/,
  ],
  "a frame that is too long": [Buffer.from("7fffffff02", "hex"), /^oversized_frame: payload/],
  "a batch that is none": [
    encodeFrame(frameKind.batch, Buffer.from([0x93, 1])),
    /^malformed: a batch cannot be decoded: /,
  ],
  "a ping with another payload": [
    encodeFrame(frameKind.ping, Buffer.alloc(9)),
    /^malformed: ping: expected 8 bytes, received 9$/,
  ],
  "a chunk of a message that is too large": [
    encodeFrame(frameKind.chunk, Buffer.from("00000001ffffffff61", "hex")),
    /^oversized_frame: large messages under way/,
  ],
};

for (const [what, [bytes, reason]] of Object.entries(wrongBytes)) {
  test(`${what} ends the channel with a reason`, async () => {
    const { one } = await channelPair();
    one.connection.receive(bytes);
    assert.match(one.ends[0]?.[0] ?? "", reason);
    assert.deepEqual([one.ends.length, one.connection.isOver], [1, true]);
    one.connection.receive(bytes);
  });
}

test("random bytes never do worse than end the channel", async () => {
  let pair: ChannelPair = await channelPair();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }),
      async (pieces) => {
        pair = await channelPair();
        for (const bytes of pieces) {
          const header = Buffer.alloc(5);
          header.writeUInt32BE(bytes.length + 1);
          header[4] = ((bytes[0] ?? 0) % 6) + 1;
          pair.one.connection.receive(Buffer.concat([header, bytes]));
        }
        assert.ok(pair.one.ends.length <= 1);
        pair.one.connection.destroy();
        assert.equal(pair.clock.pendingTimers, 0);
      },
    ),
    { numRuns: 100 },
  );
});

test("pings of a peer that does not read cost no memory", async () => {
  const { one } = await channelPair();
  one.connection.bytesPerMs = 0;
  const ping = encodeFrame(frameKind.ping, Buffer.alloc(8));
  const many = Buffer.concat(Array.from({ length: 1_000 }, () => ping));
  for (let n = 0; n < 100; n += 1) one.connection.receive(many);
  assert.ok(one.channel.bufferedBytes < 300 * 1_024, `${one.channel.bufferedBytes} bytes wait`);
});
