import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameBudget } from "../../../actors/channel/frame-budget.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";

test("a burst of a second's worth passes, one frame more does not", () => {
  const clock = new ManualClock();
  const budget = new FrameBudget({ clock, perSecond: 10 });
  for (let i = 0; i < 10; i++) assert.equal(budget.spend(), true);
  assert.equal(budget.spend(), false);
  clock.advance(100);
  assert.equal(budget.spend(), true);
  assert.equal(budget.spend(), false);
});

test("a steady client at the rate is never refused", () => {
  const clock = new ManualClock();
  const budget = new FrameBudget({ clock, perSecond: 100 });
  for (let i = 0; i < 5_000; i++) {
    assert.equal(budget.spend(), true, `frame ${i}`);
    clock.advance(10);
  }
});

test("the clock is read once in a bucket", () => {
  let reads = 0;
  const clock = Object.assign(new ManualClock(), {
    now: () => {
      reads += 1;
      return 0;
    },
  });
  const budget = new FrameBudget({ clock, perSecond: 1_000 });
  for (let i = 0; i < 1_000; i++) budget.spend();
  assert.equal(reads, 1);
});

test("it takes all that a token bucket takes, and never over twice as much at once", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 400 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), gaps, (perSecond, waits) => {
      const clock = new ManualClock();
      const budget = new FrameBudget({ clock, perSecond });
      const passed: number[] = [];
      let tokens = perSecond;
      for (const wait of waits) {
        clock.advance(wait);
        tokens = Math.min(perSecond, tokens + (wait * perSecond) / 1_000);
        const mayPass = tokens >= 1 + 1e-9;
        const passes = budget.spend();
        if (mayPass) assert.ok(passes, "a frame that the bucket has a token for");
        if (passes) {
          tokens = Math.max(0, tokens - 1);
          passed.push(clock.now());
        }
      }
      for (const [first, from] of passed.entries()) {
        for (let last = first; last < passed.length; last++) {
          const seconds = ((passed[last] ?? 0) - from) / 1_000;
          assert.ok(last - first + 1 <= perSecond * (seconds + 2) + 1e-6);
        }
      }
    }),
    { numRuns: 300 },
  );
});
