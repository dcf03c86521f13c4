import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { attachmentSize, detachLarge } from "../../../runtime/cluster/attachment.ts";
import { encodeAlone } from "../../../runtime/cluster/encode-alone.ts";
import { FrameError, frameHeaderBytes } from "../../../runtime/cluster/frame.ts";
import { decodeLarge, LargeMessage } from "../../../runtime/cluster/large-message.ts";
import { decodeBatch, encodeBatchFrame } from "../../../runtime/cluster/node-codec.ts";
import { type NodeEnvelope, nodeKind } from "../../../runtime/cluster/node-envelope.ts";
import { testKernel } from "../../../runtime/testing/index.ts";

const { kernel } = testKernel({ nodeName: "one@h:1" });
const limit = 64 * 1024 * 1024;

function encode(envelope: NodeEnvelope): LargeMessage {
  const { message } = encodeAlone(envelope, kernel, limit);
  assert.ok(message instanceof LargeMessage);
  return message;
}

/** All bytes of a message, taken in pieces of the sizes given, over and over. */
function allBytes(message: LargeMessage, sizes: readonly number[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (let n = 0; message.left > 0; n += 1) {
    const size = sizes[n % sizes.length] as number;
    const before = message.left;
    const taken = message.next(size);
    const bytes = taken.reduce((sum, piece) => sum + piece.length, 0);
    assert.ok(bytes > 0 && bytes <= size);
    assert.equal(before - message.left, bytes);
    pieces.push(...taken);
  }
  return Buffer.concat(pieces);
}

function arrived(envelope: NodeEnvelope): NodeEnvelope {
  const message = encode(envelope);
  const { bytes } = message;
  const whole = allBytes(message, [64 * 1024]);
  assert.equal(whole.length, bytes);
  const [decoded] = decodeLarge(whole, kernel);
  assert.ok(decoded !== undefined);
  return decoded;
}

const size = attachmentSize;

test("large bytes and texts arrive as they left, wherever they stand", () => {
  const bytes = Buffer.alloc(size, 3);
  const values: unknown[] = [
    bytes,
    new Uint8Array(bytes),
    "é😀x".repeat(size),
    `${"a".repeat(size)}\ud800 lone`.toWellFormed(),
    { small: 1, file: bytes, text: "x".repeat(size), inner: { again: bytes } },
    new Float64Array(size),
    [bytes, bytes],
  ];
  for (const value of values) {
    assert.deepEqual(arrived([nodeKind.answer, 7, value]), [nodeKind.answer, 7, value]);
    const ask: NodeEnvelope = [nodeKind.ask, 1, 2, 3, "put", [0, value, "end", value], 8, 5_000];
    assert.deepEqual(arrived(ask), ask);
  }
});

test("bytes are not copied on the way out, nor on the way in", () => {
  const bytes = Buffer.alloc(size, 3);
  const message = encode([nodeKind.answer, 7, { bytes }]);
  const pieces = message.next(10 * size);
  assert.ok(pieces.some((piece) => piece.buffer === bytes.buffer));
  const whole = Buffer.concat(pieces);
  const [envelope] = decodeLarge(whole, kernel);
  assert.equal((envelope?.[2] as { bytes: Buffer } | undefined)?.bytes.buffer, whole.buffer);
});

test("what is sent is not changed by that", () => {
  const value = Object.freeze({ file: Buffer.alloc(size), name: "n" });
  const envelope: NodeEnvelope = [nodeKind.tell, 1, 2, 3, "put", Object.freeze([value])];
  const detached = detachLarge(envelope);
  assert.equal(detached.attachments[0], value.file);
  assert.notEqual(detached.envelope, envelope);
  assert.ok(Buffer.isBuffer(value.file));
  const small: NodeEnvelope = [nodeKind.tell, 1, 2, 3, "put", [{ file: Buffer.alloc(size - 1) }]];
  assert.equal(detachLarge(small).envelope, small);
});

test("texts are cut between characters, whatever the pieces", () => {
  const text = fc.string({ unit: "binary", minLength: 5, maxLength: 40 });
  const sizes = fc.array(fc.integer({ min: 4, max: 50 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(text, sizes, (part, pieces) => {
      const expected = Buffer.from(part);
      const whole = allBytes(new LargeMessage(Buffer.from("batch"), [part]), pieces);
      assert.deepEqual(whole.subarray(-expected.length), expected);
    }),
  );
});

test("a Proxy that throws cannot be sent, and is said to be", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const { message, error } = encodeAlone([nodeKind.tell, 1, 2, 3, "m", [proxy]], kernel, limit);
  assert.equal(message, null);
  assert.equal(error?.code, "not_serialisable");
});

function table(entries: readonly (readonly [type: number, bytes: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 5);
  bytes.writeUInt32BE(entries.length, 0);
  for (const [n, [type, length]] of entries.entries()) {
    bytes[4 + n * 5] = type;
    bytes.writeUInt32BE(length, 5 + n * 5);
  }
  return bytes;
}

test("a message that lies about its attachments is malformed", () => {
  const wrong: [Buffer, RegExp][] = [
    [Buffer.alloc(2), /^a message of 2 bytes: expected/],
    [Buffer.alloc(4), /^a batch cannot be decoded/],
    [Buffer.from("ffffffff00", "hex"), /^a message of 5 bytes: expected 4294967295 attachments$/],
    [table([[0, 0xffff_ffff]]), /^attachment: expected \d+ to 0 bytes, received 4294967295$/],
    [Buffer.concat([table([[0, 1]]), Buffer.alloc(9)]), /^attachment: expected \d+ to 9 bytes/],
    [
      Buffer.concat([table([[9, size]]), Buffer.alloc(size)]),
      /^type of attachment: expected 0 to 2/,
    ],
  ];
  for (const [bytes, message] of wrong) {
    assert.throws(() => decodeLarge(bytes, kernel), { code: "malformed", message });
  }
});

test("an attachment belongs to its message alone", () => {
  const envelope: NodeEnvelope = [nodeKind.answer, 7, Buffer.alloc(size)];
  const batch = encodeBatchFrame([detachLarge(envelope).envelope], kernel);
  arrived(envelope);
  assert.throws(() => decodeBatch(batch.subarray(frameHeaderBytes), kernel), {
    code: "malformed",
    message: /a message names an attachment that is not there$/,
  });
});

test("random messages are envelopes or a FrameError", () => {
  const good = allBytes(encode([nodeKind.answer, 7, Buffer.alloc(size)]), [size]);
  const changes = fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const changed = changes.map((places) => {
    const bytes = Buffer.from(good);
    for (const [at, value] of places) bytes[at] = value;
    return bytes;
  });
  const random = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(changed, random), (bytes) => {
      try {
        for (const envelope of decodeLarge(bytes, kernel)) assert.ok(Array.isArray(envelope));
      } catch (error) {
        assert.ok(error instanceof FrameError, `${error}`);
      }
    }),
    { numRuns: 150 },
  );
});
