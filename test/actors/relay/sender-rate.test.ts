import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { SenderRate } from "../../../actors/relay/sender-rate.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("it admits what a list of all admitted messages admits, and says the wait exactly", () => {
  const send = fc.record({
    waitMs: fc.oneof(
      fc.constant(0),
      fc.nat(40),
      fc.nat(600),
      fc.constantFrom(333.3, 999, 999.5, 1_000, 2_500),
    ),
    userId: fc.constantFrom("ann", "bob", "__proto__", "constructor"),
  });
  const sends = fc.array(send, { maxLength: 200, size: "max" });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), sends, (max, all) => {
      const rate = new SenderRate(max);
      const admitted = new Map<string, number[]>();
      let now = 5_000_000;
      for (const { waitMs, userId } of all) {
        now += waitMs;
        const times = admitted.get(userId) ?? [];
        admitted.set(userId, times);
        const inWindow = times.filter((at) => at + 1_000 > now);
        const oldest = inWindow[0] ?? now;
        const expected = inWindow.length < max ? 0 : Math.ceil(oldest + 1_000 - now);
        assert.equal(rate.admit(userId, now), expected);
        if (expected === 0) times.push(now);
      }
    }),
    { numRuns: 500 },
  );
});

test("one who waits as long as it was told is admitted, and nobody a millisecond earlier", () => {
  const rate = new SenderRate(2);
  assert.equal(rate.admit("ann", 100), 0);
  assert.equal(rate.admit("ann", 400.5), 0);
  assert.equal(rate.admit("ann", 400.75), 700);
  assert.equal(rate.admit("ann", 1_099.5), 1);
  assert.equal(rate.admit("ann", 1_100), 0);
  assert.equal(rate.admit("ann", 1_100), 301);
  assert.equal(rate.admit("bob", 1_100), 0);
});

test("without a limit all are admitted", () => {
  const rate = new SenderRate(null);
  for (let i = 0; i < 1_000; i += 1) assert.equal(rate.admit("ann", 0), 0);
});

test("anything but null or a whole number from 1 on is refused", () => {
  for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new SenderRate(wrong), RangeError);
  }
});

test("senders of long ago are not held", () => {
  const rate = new SenderRate(1_000);
  const before = usedBytes();
  // Each sends 8 kB of times, all of them 16 MB.
  for (let user = 0; user < 2_000; user += 1) {
    for (let i = 0; i < 1_000; i += 1) rate.admit(`user ${user}`, user * 100);
  }
  assert.ok(usedBytes() - before < 2_000_000);
  assert.equal(rate.admit("user 1999", 1_999 * 100), 1_000);
});

function usedBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
