import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  encodeFrame,
  FrameDecoder,
  FrameError,
  type FrameKind,
  frameHeaderBytes,
  frameKind,
  maxPayloadBytes,
} from "../../../runtime/cluster/frame.ts";

interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

/** The frames that a decoder finds in the pieces; the payloads as they are, views included. */
function decode(pieces: readonly Uint8Array[], decoder = new FrameDecoder()): Frame[] {
  const frames: Frame[] = [];
  for (const piece of pieces) {
    decoder.push(piece, (kind, payload) => {
      frames.push({ kind, payload });
      return true;
    });
  }
  return frames;
}

/** The bytes cut at the places named, which are taken modulo the length. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((place, n) => bytes.subarray(place, places[n] ?? bytes.length));
}

const anyFrame: fc.Arbitrary<Frame> = fc
  .tuple(fc.constantFrom(...Object.values(frameKind)), fc.uint8Array({ maxLength: 40 }))
  .map(([kind, bytes]) => ({ kind, payload: Buffer.from(bytes) }));

test("a frame is its length without the length field, its kind, its payload", () => {
  const frame = encodeFrame(frameKind.bye, Buffer.from("end"));
  assert.equal(frame.toString("hex"), "0000000406656e64");
  assert.deepEqual(decode([frame]), [{ kind: frameKind.bye, payload: Buffer.from("end") }]);
});

test("whatever the cuts, the frames that went in come out", () => {
  const cuts = fc.array(fc.nat(2_000), { maxLength: 60 });
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 20 }), cuts, (frames, places) => {
      const bytes = Buffer.concat(frames.map(({ kind, payload }) => encodeFrame(kind, payload)));
      const decoder = new FrameDecoder();
      assert.deepEqual(decode(split(bytes, places), decoder), frames);
      assert.equal(decoder.pendingBytes, 0);
    }),
  );
});

test("byte by byte as well, with frames of no payload", () => {
  const frames = [frameKind.ping, frameKind.batch, frameKind.bye].map((kind, n) =>
    encodeFrame(kind, Buffer.alloc(n * 3, n)),
  );
  const bytes = Buffer.concat(frames);
  const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  assert.deepEqual(
    decode(pieces).map(({ kind, payload }) => [kind, payload.length]),
    [
      [frameKind.ping, 0],
      [frameKind.batch, 3],
      [frameKind.bye, 6],
    ],
  );
});

test("a frame that came whole is not copied", () => {
  const bytes = Buffer.concat([
    encodeFrame(frameKind.batch, Buffer.from("one")),
    encodeFrame(frameKind.batch, Buffer.from("two")),
  ]);
  for (const { payload } of decode([bytes])) assert.equal(payload.buffer, bytes.buffer);
  // Bytes that are no Buffer are looked at in place too.
  const plain = new Uint8Array(bytes);
  for (const { payload } of decode([plain])) assert.equal(payload.buffer, plain.buffer);
});

test("a frame that came in pieces does not keep the pieces", () => {
  const bytes = encodeFrame(frameKind.batch, Buffer.from("pieces"));
  const [first, second] = split(bytes, [7]) as [Buffer, Buffer];
  const [frame] = decode([first, second]);
  assert.notEqual(frame?.payload.buffer, bytes.buffer);
  assert.equal(frame?.payload.buffer.byteLength, 6);
});

test("stops where it is told and gives back the rest", () => {
  const [one, two, three] = ["one", "two", "three"].map((text) =>
    encodeFrame(frameKind.handshake, Buffer.from(text)),
  ) as [Buffer, Buffer, Buffer];
  const bytes = Buffer.concat([one, two, three]);
  for (let cut = 0; cut <= one.length; cut += 1) {
    const decoder = new FrameDecoder();
    const taken: string[] = [];
    const take = (_kind: FrameKind, payload: Buffer): boolean => {
      taken.push(payload.toString());
      return taken.length < 2;
    };
    assert.equal(decoder.push(bytes.subarray(0, cut), take).length, 0);
    const rest = decoder.push(bytes.subarray(cut), take);
    assert.deepEqual([taken, rest], [["one", "two"], three]);
  }
});

test("a length over the limit is refused from its four bytes", () => {
  const limit = 2_048;
  const decoder = new FrameDecoder(limit);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(limit + 2);
  assert.throws(
    () => decode([header], decoder),
    (error) =>
      error instanceof FrameError &&
      error.code === "oversized_frame" &&
      error.message === "payload of a frame: expected at most 2048 bytes, received 2049",
  );
  const largest = encodeFrame(frameKind.handshake, Buffer.alloc(limit));
  assert.equal(decode([largest], new FrameDecoder(limit)).length, 1);
  assert.throws(() => decode([Buffer.from("ffffffff01", "hex")]), { code: "oversized_frame" });
});

test("a length of 0 and unknown kinds are refused", () => {
  assert.throws(() => decode([Buffer.from("00000000", "hex")]), { code: "malformed" });
  for (const kind of [0, 8, 255]) {
    const bytes = Buffer.from([0, 0, 0, 1, kind]);
    assert.throws(() => decode([bytes]), { code: "malformed", message: /received \d+$/ });
    assert.throws(() => decode(split(bytes, [1, 4])), { code: "malformed" });
  }
});

test("random bytes in random pieces end in frames or in a FrameError, and hold one frame at most", () => {
  const header = fc
    .tuple(fc.constantFrom(0, 1, 5, 300, maxPayloadBytes + 1, 2 ** 31, 2 ** 32 - 1), fc.nat(8))
    .map(([length, kind]) => {
      const bytes = Buffer.alloc(frameHeaderBytes);
      bytes.writeUInt32BE(length);
      bytes[4] = kind;
      return new Uint8Array(bytes);
    });
  const pieces = fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), header), { maxLength: 30 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const decoder = new FrameDecoder();
      let allocatedBytes = 0;
      const { allocUnsafeSlow } = Buffer;
      Buffer.allocUnsafeSlow = (size) => {
        allocatedBytes = Math.max(allocatedBytes, size);
        return allocUnsafeSlow(size);
      };
      try {
        for (const { kind, payload } of decode(parts, decoder)) {
          assert.ok(kind >= 1 && kind <= 7 && payload.length <= maxPayloadBytes);
        }
      } catch (error) {
        assert.ok(error instanceof FrameError, `${error}`);
        assert.ok(error.code === "malformed" || error.code === "oversized_frame");
      } finally {
        Buffer.allocUnsafeSlow = allocUnsafeSlow;
      }
      assert.ok(allocatedBytes <= maxPayloadBytes);
    }),
    { numRuns: 500 },
  );
});
