import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../../runtime/core/index.ts";

const take = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random());
};

test("a seed gives the same numbers every time, another seed others", () => {
  assert.deepEqual(take(7, 100), take(7, 100));
  assert.notDeepEqual(take(7, 100), take(8, 100));
});

test("the numbers lie in [0, 1) and are spread evenly", () => {
  const counts = new Array<number>(10).fill(0);
  for (const number of take(1, 100_000)) {
    assert.ok(number >= 0 && number < 1);
    counts[Math.floor(number * 10)] = (counts[Math.floor(number * 10)] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`);
});
