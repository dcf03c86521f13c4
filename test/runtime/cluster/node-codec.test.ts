import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Actor, ActorRef } from "../../../runtime/actor/index.ts";
import { encodeAlone } from "../../../runtime/cluster/encode-alone.ts";
import { FrameDecoder, FrameError, frameHeaderBytes } from "../../../runtime/cluster/frame.ts";
import type { LargeMessage } from "../../../runtime/cluster/large-message.ts";
import { decodeBatch, encodeBatchFrame } from "../../../runtime/cluster/node-codec.ts";
import { type NodeEnvelope, nodeKind } from "../../../runtime/cluster/node-envelope.ts";
import { HERE } from "../../../runtime/core/index.ts";
import { testKernel } from "../../../runtime/testing/index.ts";

const oneName = "one@127.0.0.1:9101";
const otherName = "other@127.0.0.1:9102";

const one = testKernel({ nodeName: oneName, incarnation: 1_767_225_600_000 * 1_024 });
const other = testKernel({ nodeName: otherName, incarnation: 1_767_225_600_001 * 1_024 });

/** The only envelope of a frame. */
function envelopeOf(frame: Buffer | LargeMessage | null): NodeEnvelope {
  assert.ok(Buffer.isBuffer(frame));
  const [envelope] = decodeBatch(frame.subarray(frameHeaderBytes), other.kernel);
  assert.ok(envelope !== undefined);
  return envelope;
}

/** What arrives at the other node of what left this one. */
function travelled(batch: readonly NodeEnvelope[]): readonly NodeEnvelope[] {
  let arrived: readonly NodeEnvelope[] = [];
  new FrameDecoder().push(encodeBatchFrame(batch, one.kernel), (_kind, payload) => {
    arrived = decodeBatch(payload, other.kernel);
    return true;
  });
  return arrived;
}

class Idle extends Actor {}

const reason = { kind: "normal", message: "done" } as const;
const address = [2, 1_767_225_600_000 * 1_024, 118] as const;

test("every kind of envelope arrives as it left", async () => {
  const agent = await one.spawn(Idle);
  const batch: NodeEnvelope[] = [
    [nodeKind.tell, ...address, "note", ["a", { b: [1, null] }]],
    [nodeKind.ask, ...address, "get", [], 7, Number.POSITIVE_INFINITY],
    [nodeKind.answer, 7, { text: "é😀", large: 2n ** 70n, at: new Date(5) }],
    [nodeKind.answer, 8, undefined],
    [nodeKind.failure, 9, { name: "TroupeError", code: "no_actor", message: "gone" }],
    [nodeKind.cancel, 10],
    [nodeKind.signal, ...address, { type: "stop", reason, shutdownMs: 50 }],
  ];
  assert.deepEqual(travelled(batch), batch);
  const hello = envelopeOf(encodeBatchFrame([[nodeKind.hello, agent]], one.kernel));
  assert.equal(hello[0], nodeKind.hello);
  assert.equal((hello[1] as ActorRef).node, oneName);
});

test("a ref of this node arrives with its name; one of the other node is local there", async () => {
  const mine = await one.spawn(Idle);
  const theirs = await other.spawn(Idle);
  const { thread, id, incarnation } = theirs;
  const seenHere = one.kernel.ref({ node: otherName, thread, id, incarnation });
  const third = one.kernel.ref({ node: "third@h:1", thread: 1, id: 2, incarnation: 3 });
  const batch = travelled([[nodeKind.answer, 1, { mine, list: [seenHere, third] }]]);
  const value = batch[0]?.[2] as { mine: ActorRef; list: [ActorRef, ActorRef] };

  assert.ok(value.mine instanceof ActorRef);
  assert.equal(`${value.mine}`, `<${oneName}.0.${mine.id}>`);
  assert.equal(value.mine.incarnation, mine.incarnation);
  assert.equal(value.list[0], theirs);
  assert.equal(value.list[0].node, HERE);
  assert.equal(`${value.list[1]}`, "<third@h:1.1.2>");
});

test("plain values arrive as they left", () => {
  // The codec renames this one key: it would set the prototype of what it builds.
  const values = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));
  fc.assert(
    fc.property(fc.array(values, { maxLength: 5 }), (args) => {
      const plain = JSON.parse(JSON.stringify(args)) as unknown[];
      const sent: NodeEnvelope = [nodeKind.tell, ...address, "note", plain];
      assert.deepEqual(travelled([sent, sent]), [sent, sent]);
    }),
  );
});

test("the frame is written where it was packed: the header lies before the payload", () => {
  const frame = encodeBatchFrame([[nodeKind.cancel, 1]], one.kernel);
  assert.equal(frame.readUInt32BE(0), frame.length - 4);
  // A later frame does not touch the bytes of an earlier one.
  const before = Buffer.from(frame);
  for (let n = 0; n < 1_000; n += 1) encodeBatchFrame([[nodeKind.answer, n, "x"]], one.kernel);
  assert.deepEqual(frame, before);
});

test("bytes in a message are views of the payload", () => {
  const frame = encodeBatchFrame([[nodeKind.answer, 1, Buffer.alloc(100, 7)]], one.kernel);
  const payload = frame.subarray(frameHeaderBytes);
  const bytes = decodeBatch(payload, other.kernel)[0]?.[2] as Buffer;
  assert.deepEqual(Buffer.from(bytes), Buffer.alloc(100, 7));
  assert.equal(bytes.buffer, payload.buffer);
});

test("an answer that cannot be encoded becomes a failure", () => {
  const envelope: NodeEnvelope = [nodeKind.answer, 5, () => 1];
  const { message, error } = encodeAlone(envelope, one.kernel, 1_000);
  assert.equal(error?.code, "not_serialisable");
  assert.match(error?.message ?? "", /^the answer cannot leave its node: a message cannot hold/);
  const sent = envelopeOf(message);
  assert.deepEqual([sent[0], sent[1]], [nodeKind.failure, 5]);
  assert.equal((sent[2] as { code: string }).code, "not_serialisable");
});

test("what is too large is refused by its size; an answer becomes a failure", () => {
  const text = "x".repeat(2_000);
  const told = encodeAlone([nodeKind.tell, 1, 2, 3, "note", [text]], one.kernel, 1_000);
  assert.equal(told.message, null);
  assert.equal(told.error?.code, "message_too_large");
  assert.match(told.error?.message ?? "", /^the message note has 20\d\d bytes; at most 1000 may/);
  const answered = encodeAlone([nodeKind.answer, 1, text], one.kernel, 1_000);
  const sent = envelopeOf(answered.message);
  assert.equal((sent[2] as { code: string }).code, "message_too_large");
  assert.equal(encodeAlone([nodeKind.answer, 1, text], one.kernel, 3_000).error, null);
});

test("a signal keeps its kind and loses the details that cannot be sent", () => {
  const error = { name: "E", code: "", message: "m", cause: () => 1 } as never;
  const crash = { kind: "crash", message: "E: m", error } as const;
  const ref = one.kernel.ref({ node: HERE, thread: 0, id: 99, incarnation: 1 });
  const envelope: NodeEnvelope = [
    nodeKind.signal,
    1,
    2,
    3,
    { type: "terminated", ref, reason: crash },
  ];
  const { message } = encodeAlone(envelope, one.kernel, 1_000);
  const sent = envelopeOf(message);
  const signal = sent[4] as { type: string; reason: unknown };
  assert.deepEqual(
    [signal.type, signal.reason],
    ["terminated", { kind: "crash", message: "E: m" }],
  );
});

test("what is no batch of envelopes is malformed, field by field", () => {
  const cases: [unknown, RegExp][] = [
    ["text", /^batch: expected a list, received string$/],
    [[3], /^envelope: expected a list, received number$/],
    [[[9]], /^kind of envelope: expected 0 to 6, received number$/],
    [[[nodeKind.tell, "0", 1, 2, "m", []]], /^thread: expected a number/],
    [[[nodeKind.tell, 0, Number.NaN, 2, "m", []]], /^incarnation: expected a number/],
    [[[nodeKind.tell, 0, 1, null, "m", []]], /^id: expected a number, received null$/],
    [[[nodeKind.tell, 0, 1, 2, 5, []]], /^method: expected a string/],
    [[[nodeKind.ask, 0, 1, 2, "m", {}, 1, 1]], /^args: expected a list/],
    [[[nodeKind.ask, 0, 1, 2, "m", [], 1]], /^remainingMs: expected a number/],
    [[[nodeKind.answer]], /^askId: expected a number/],
    [[[nodeKind.failure, 1, "no"]], /^error: expected an object with the text message/],
    [[[nodeKind.signal, 0, 1, 2, {}]], /^signal: expected an object with the text type/],
    [[[nodeKind.hello, null]], /^agent: expected a ref, received null/],
  ];
  for (const [batch, message] of cases) {
    const frame = encodeBatchFrame(batch as never, one.kernel);
    assert.throws(() => decodeBatch(frame.subarray(frameHeaderBytes), other.kernel), {
      name: "FrameError",
      code: "malformed",
      message,
    });
  }
});

test("random payloads, and good ones with changed bytes, are envelopes or a FrameError", () => {
  const good = Buffer.from(
    encodeBatchFrame(
      [
        [nodeKind.ask, ...address, "get", [{ id: 1, name: "n" }], 7, 5_000],
        [nodeKind.answer, 7, [new Map([["k", new Set([1])]]), "text".repeat(20), 2n ** 70n]],
      ],
      one.kernel,
    ).subarray(frameHeaderBytes),
  );
  const changed = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1 });
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    changed.map((changes) => {
      const bytes = new Uint8Array(good);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(payload, (bytes) => {
      try {
        for (const envelope of decodeBatch(Buffer.from(bytes), other.kernel)) {
          assert.ok(Array.isArray(envelope));
        }
      } catch (error) {
        assert.ok(error instanceof FrameError, `${error}`);
        assert.equal(error.code, "malformed");
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a signal that lacks what its kind needs is malformed", async () => {
  const ref = await one.spawn(Idle);
  const sound = [
    { type: "stop", reason },
    { type: "kill", reason },
    { type: "watch", watcher: ref },
    { type: "unwatch", watcher: ref },
    { type: "link", peer: ref },
    { type: "unlink", peer: ref },
    { type: "terminated", ref, reason },
    { type: "exit", ref, reason, origin: ref },
  ];
  const envelopeOf = (signal: object) => [nodeKind.signal, ...address, signal] as never;
  for (const signal of sound) {
    assert.equal(travelled([envelopeOf(signal)]).length, 1, signal.type);
    for (const field of Object.keys(signal)) {
      const { [field as "type"]: _left, ...rest } = signal;
      if (field === "origin") continue;
      assert.throws(() => travelled([envelopeOf(rest)]), FrameError, `${signal.type} ${field}`);
      const junk = { ...signal, [field]: { key: 1 } };
      assert.throws(() => travelled([envelopeOf(junk)]), FrameError, `${signal.type} ${field}`);
    }
  }
});
