import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MAX_PRINTED_LENGTH, printReceived } from "../../../actors/registry/received.ts";

describe("printReceived", () => {
  const rows: readonly (readonly [value: unknown, text: string])[] = [
    [null, "null"],
    [undefined, "undefined"],
    [1.5, "1.5"],
    [Number.NaN, "NaN"],
    [5n, "5n"],
    ["a\n", '"a\\n"'],
    [() => 1, "function"],
    [Symbol("s"), "Symbol(s)"],
    [[1, "a", [null]], '[1,"a",[null]]'],
    [{ a: { b: [] } }, '{"a":{"b":[]}}'],
    [[[[[[1]]]]], "[[[[…]]]]"],
    ["x".repeat(100), `"${"x".repeat(MAX_PRINTED_LENGTH - 1)}…`],
    ["\ud83d", '"\ufffd"'],
  ];
  for (const [value, text] of rows) {
    it(text, () => assert.equal(printReceived(value), text));
  }

  it("is JSON for a small JSON value without deep nesting", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const json = JSON.stringify(value);
        fc.pre(json.length <= MAX_PRINTED_LENGTH && json.isWellFormed());
        assert.equal(printReceived(JSON.parse(json)), json);
      }),
    );
  });

  it("is bounded whatever the size or the cycles", () => {
    const loop: unknown[] = [];
    for (let index = 0; index < 1000; index++) loop.push(loop);
    for (const value of [loop, new Array(1e6).fill("abc"), "é".repeat(1e6)]) {
      assert.ok(printReceived(value).length <= MAX_PRINTED_LENGTH + 1);
    }
  });
});
