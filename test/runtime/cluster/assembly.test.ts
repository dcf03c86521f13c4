import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Assembly, chunkHeaderBytes, maxStreams } from "../../../runtime/cluster/assembly.ts";
import { FrameError } from "../../../runtime/cluster/frame.ts";

function chunk(stream: number, wholeBytes: number, data: Uint8Array): Buffer {
  const payload = Buffer.alloc(chunkHeaderBytes + data.length);
  payload.writeUInt32BE(stream, 0);
  payload.writeUInt32BE(wholeBytes, 4);
  payload.set(data, chunkHeaderBytes);
  return payload;
}

test("chunks of several messages make each of them whole", () => {
  const assembly = new Assembly(100);
  assert.equal(assembly.take(chunk(1, 6, Buffer.from("abc"))), null);
  assert.equal(assembly.take(chunk(2, 4, Buffer.from("12"))), null);
  assert.deepEqual([assembly.streamCount, assembly.reservedBytes], [2, 10]);
  assert.deepEqual(assembly.take(chunk(1, 6, Buffer.from("def"))), Buffer.from("abcdef"));
  assert.deepEqual(assembly.take(chunk(2, 4, Buffer.from("34"))), Buffer.from("1234"));
  assert.deepEqual([assembly.streamCount, assembly.reservedBytes], [0, 0]);
  // A number is free again afterwards.
  assert.deepEqual(assembly.take(chunk(1, 1, Buffer.from("x"))), Buffer.from("x"));
});

test("the messages under way together are never larger than one may be", () => {
  const assembly = new Assembly(100);
  assert.throws(() => assembly.take(chunk(1, 101, Buffer.from("a"))), {
    name: "FrameError",
    code: "oversized_frame",
    message: "large messages under way: expected at most 100 bytes together, received 101",
  });
  assembly.take(chunk(1, 60, Buffer.from("a")));
  assert.throws(() => assembly.take(chunk(2, 41, Buffer.from("a"))), { code: "oversized_frame" });
  assembly.take(chunk(2, 40, Buffer.from("a")));
  assert.equal(assembly.reservedBytes, 100);
});

test("no more than 64 are under way", () => {
  const assembly = new Assembly(1_000);
  for (let n = 0; n < maxStreams; n += 1) assembly.take(chunk(n, 2, Buffer.from("a")));
  const one = chunk(maxStreams, 2, Buffer.from("a"));
  assert.throws(() => assembly.take(one), { code: "malformed" });
});

test("a chunk without data, with another length than before, or with too much is refused", () => {
  const refused = { name: "FrameError", code: "malformed" };
  assert.throws(() => new Assembly(9).take(Buffer.alloc(3)), refused);
  assert.throws(() => new Assembly(9).take(chunk(1, 3, Buffer.alloc(0))), refused);
  assert.throws(() => new Assembly(9).take(chunk(1, 3, Buffer.alloc(4))), refused);
  const assembly = new Assembly(9);
  assembly.take(chunk(1, 3, Buffer.alloc(2)));
  assert.throws(() => assembly.take(chunk(1, 4, Buffer.alloc(1))), refused);
  assert.throws(() => assembly.take(chunk(1, 3, Buffer.alloc(2))), refused);
});

test("random payloads end in a message, in nothing or in a FrameError, within the bound", () => {
  const numbers = fc.tuple(
    fc.nat(3),
    fc.oneof(fc.nat(40), fc.constant(2 ** 32 - 1)),
    fc.uint8Array({ maxLength: 20 }),
  );
  const payload = fc.oneof(
    numbers.map(([stream, whole, data]) => chunk(stream, whole, data)),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 40 }), (payloads) => {
      const assembly = new Assembly(100);
      for (const part of payloads) {
        try {
          assembly.take(part);
        } catch (error) {
          assert.ok(error instanceof FrameError, `${error}`);
        }
        assert.ok(assembly.reservedBytes >= 0 && assembly.reservedBytes <= 100);
      }
    }),
    { numRuns: 500 },
  );
});
