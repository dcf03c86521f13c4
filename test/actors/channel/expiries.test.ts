import assert from "node:assert/strict";
import { test } from "node:test";
import { Expiries } from "../../../actors/channel/expiries.ts";

test("what has ended is taken once: not before its time, within a second after it", () => {
  const expiries = new Expiries<string>();
  expiries.add("a", 10_001);
  expiries.add("b", 11_000);
  expiries.add("c", 11_001);
  assert.deepEqual(expiries.take(10_999), []);
  assert.deepEqual(expiries.take(11_000), ["a", "b"]);
  assert.deepEqual(expiries.take(11_000), []);
  assert.deepEqual(expiries.take(12_000), ["c"]);
});

test("what was removed does not end, and a clock that jumps leaves nothing out", () => {
  const expiries = new Expiries<string>();
  const remove = expiries.add("a", 1_000);
  expiries.add("b", 1_000);
  remove();
  remove();
  expiries.add("c", 9_000_000);
  assert.deepEqual(expiries.take(1e12).sort(), ["b", "c"]);
  remove();
});
