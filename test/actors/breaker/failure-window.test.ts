import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { FailureWindow } from "../../../actors/breaker/failure-window.ts";

const buckets = 10;

it("holds what a list holds whose items are as old as nine whole tenths, whatever the steps", () => {
  const step = fc.record({
    ms: fc.oneof(fc.nat(12), fc.nat(40), fc.constantFrom(90, 99, 100, 101, 110, 1_000)),
    calls: fc.nat(5),
    failures: fc.nat(5),
  });
  const windows = fc.constantFrom(10, 30, 100, 105);
  fc.assert(
    fc.property(windows, fc.array(step, { maxLength: 150, size: "max" }), (windowMs, steps) => {
      const window = new FailureWindow(windowMs);
      const all: { tenth: number; calls: number; failures: number }[] = [];
      let nowMs = 0;
      for (const { ms, calls, failures } of steps) {
        nowMs += ms;
        const now = Math.floor(nowMs / (windowMs / buckets));
        window.add(calls, failures, nowMs);
        all.push({ tenth: now, calls, failures });
        const recent = all.filter(({ tenth }) => tenth > now - buckets);
        assert.deepEqual(window.counts(nowMs), {
          calls: recent.reduce((sum, one) => sum + one.calls, 0),
          failures: recent.reduce((sum, one) => sum + one.failures, 0),
        });
      }
    }),
    { numRuns: 500 },
  );
});

it("is empty when it was cleared", () => {
  const window = new FailureWindow(100);
  window.add(5, 3, 0);
  window.clear();
  assert.deepEqual(window.counts(1), { calls: 0, failures: 0 });
});
