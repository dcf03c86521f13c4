import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  encodeJsonString,
  maxJsonDepth,
  parseJsonText,
} from "../../../actors/channel/json-text.ts";

function nestArrays(levels: number): string {
  return "[".repeat(levels) + "]".repeat(levels);
}

function nestObjects(levels: number): string {
  return `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
}

const tooDeep = { ok: false, reason: "nested deeper than 512 levels" };

describe("parseJsonText", () => {
  test("answers text that is not JSON with a value", () => {
    for (const text of [
      "",
      "not json",
      "{",
      "[1,]",
      "\ufeff[]",
      "undefined",
      "'a'",
      "[".repeat(100_000),
    ]) {
      assert.deepEqual(parseJsonText(text), { ok: false, reason: "not JSON" });
    }
  });

  test("takes the greatest depth and refuses one level more, in arrays and in objects", () => {
    for (const nest of [nestArrays, nestObjects]) {
      assert.ok(parseJsonText(nest(maxJsonDepth)).ok);
      assert.deepEqual(parseJsonText(nest(maxJsonDepth + 1)), tooDeep);
    }
    const mixed = `${'[{"a":'.repeat(300)}1${"}]".repeat(300)}`;
    assert.deepEqual(parseJsonText(mixed), tooDeep);
  });

  test("survives 100,000 brackets", () => {
    assert.deepEqual(parseJsonText(nestArrays(100_000)), tooDeep);
    assert.deepEqual(parseJsonText(nestObjects(100_000)), tooDeep);
  });

  test("finds the deep part beside shallow ones", () => {
    const deep = nestArrays(maxJsonDepth);
    assert.deepEqual(parseJsonText(`[1,"[[[",{"a":[]},${deep},2]`), tooDeep);
  });

  test("does not take breadth or brackets inside strings for depth", () => {
    assert.ok(parseJsonText(`[${Array(5000).fill("[[]]").join(",")}]`).ok);
    assert.ok(parseJsonText(JSON.stringify("[".repeat(5000))).ok);
  });

  test("a __proto__ key is an own property and pollutes nothing, the depth walk included", () => {
    const padding = '"x":"'.padEnd(2000, "x");
    const parsed = parseJsonText(`{"__proto__":{"polluted":true,"a":[]},${padding}"}`);
    assert.ok(parsed.ok);
    const value = parsed.value as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.ok(Object.hasOwn(value, "__proto__"));
    assert.equal(value["polluted"], undefined);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });

  test("the depth of a __proto__ key counts", () => {
    assert.deepEqual(parseJsonText(`{"__proto__":${nestArrays(maxJsonDepth)}}`), tooDeep);
  });
});

describe("encodeJsonString", () => {
  test("writes null as null", () => {
    assert.equal(encodeJsonString(null), "null");
  });

  test("is JSON.stringify for any string, lone surrogates included", () => {
    const unit = fc.oneof(
      fc.nat({ max: 0x7f }),
      fc.constantFrom(0x22, 0x5c, 0x1f, 0x20, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0x2028),
    );
    const text = fc.array(unit, { maxLength: 12 }).map((units) => String.fromCharCode(...units));
    fc.assert(fc.property(text, (s) => encodeJsonString(s) === JSON.stringify(s)));
  });
});
