import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { frameHeaderBytes } from "../../../runtime/cluster/frame.ts";
import * as nodeCodec from "../../../runtime/cluster/node-codec.ts";
import { nodeKind } from "../../../runtime/cluster/node-envelope.ts";
import { testKernel } from "../../../runtime/testing/index.ts";
import * as threadCodec from "../../../runtime/thread/wire.ts";

const { kernel } = testKernel({ nodeName: "one@127.0.0.1:9101" });

/** Keys that mean something to JavaScript, to msgpackr or to both. */
const nastyKeys = [
  ...["__proto__", "__keys__", "toJSON", "constructor", "prototype", "hasOwnProperty"],
  ...["then", "valueOf", "toString", "__defineGetter__", "length", "map", "0", "", "a", "b"],
];

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, 0, 1.5, "", "text"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...nastyKeys), tie("value")), { maxLength: 5 })
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** How a value travels, as its text: it says which keys are an object's own, and in which order. */
const ways: Readonly<Record<string, (value: unknown) => unknown>> = {
  "to another thread": (value) => {
    const encoded = threadCodec.encodeBatch([[threadCodec.kind.answer, 1, value]]);
    return threadCodec.decodeBatch(encoded, kernel)[0]?.[2];
  },
  "to another node": (value) => {
    const frame = nodeCodec.encodeBatchFrame([[nodeKind.answer, 1, value]], kernel);
    return nodeCodec.decodeBatch(frame.subarray(frameHeaderBytes), kernel)[0]?.[2];
  },
};

test("odd records arrive in maps and sets as well; an object of a class cannot be one", () => {
  const odd = JSON.parse('{"__proto__":{"__keys__":[1]},"a":{"toJSON":1,"constructor":2}}');
  class Odd {
    readonly __keys__ = 1;
  }
  for (const travel of Object.values(ways)) {
    const value = [new Map([["odd", odd]]), new Set([odd]), Number.NaN];
    const [map, set] = travel(value) as [Map<string, unknown>, Set<unknown>];
    for (const arrived of [map.get("odd"), ...set]) {
      assert.equal(JSON.stringify(arrived), JSON.stringify(odd));
    }
    assert.throws(() => travel([odd, new Odd()]), /only plain data can have a key/);
    assert.deepEqual(travel({ a: 1 }), { a: 1 }, "what comes next is unharmed");
  }
});

for (const [name, travel] of Object.entries(ways)) {
  test(`whatever keys the objects of JSON have, it arrives as it left: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 4 }), (values) => {
        for (const value of values) {
          const arrived = travel(value);
          assert.equal(JSON.stringify(arrived), JSON.stringify(value));
          assert.deepEqual(arrived, value);
        }
      }),
      { numRuns: 1_000 },
    );
  });
}
