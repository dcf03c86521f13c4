import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type BackoffPolicy, decideBackoff } from "../../../runtime/supervision/backoff.ts";

const policy: BackoffPolicy = {
  minMs: 100,
  maxMs: 1_000,
  factor: 2,
  jitter: 0,
  resetAfterMs: 10_000,
};

/** The delays of children that ran for the given times, one restart after the other. */
function delays(
  ranForMs: readonly number[],
  chosen: BackoffPolicy,
  random: () => number = () => 0.5,
): number[] {
  let restartsInRow = 0;
  return ranForMs.map((ranMs) => {
    const decision = decideBackoff(chosen, restartsInRow, ranMs, random);
    restartsInRow = decision.restartsInRow;
    return decision.delayMs;
  });
}

describe("backoff", () => {
  it("restarts at once first, then doubles from minMs up to maxMs", () => {
    const crashedAtOnce = Array.from({ length: 8 }, () => 0);
    assert.deepEqual(delays(crashedAtOnce, policy), [0, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it("starts over when the child ran for resetAfterMs, not a millisecond before", () => {
    assert.deepEqual(delays([0, 0, 9_999, 10_000, 0], policy), [0, 100, 200, 0, 100]);
  });

  it("takes full jitter from the injected randomness, and rounds up", () => {
    const full = { ...policy, jitter: 1 };
    assert.equal(decideBackoff(full, 3, 0, () => 0).delayMs, 400);
    assert.equal(decideBackoff(full, 3, 0, () => 0.25).delayMs, 300);
    assert.equal(decideBackoff(full, 3, 0, () => 1 - Number.EPSILON).delayMs, 1);
  });

  it("lets jitter shorten no more than its share", () => {
    const half = { ...policy, jitter: 0.5 };
    assert.equal(decideBackoff(half, 3, 0, () => 1 - Number.EPSILON).delayMs, 201);
  });

  it("never waits with minMs 0", () => {
    const off = { ...policy, minMs: 0, factor: 100 };
    assert.deepEqual(delays([0, 0, 0], off), [0, 0, 0]);
    // 0 times a growth that overflowed to Infinity must not become NaN.
    assert.equal(decideBackoff(off, 1_000_000, 0, () => 0).delayMs, 0);
  });

  it("stays finite after any number of restarts", () => {
    const decision = decideBackoff({ ...policy, factor: 100 }, 1_000_000, 0, () => 0);
    assert.deepEqual(decision, { delayMs: 1_000, restartsInRow: 1_000_001 });
  });

  it("is a whole number within its bounds, whatever the policy", () => {
    const policies = fc
      .record({
        minMs: fc.integer({ min: 1, max: 10_000 }),
        extraMs: fc.nat(100_000),
        factor: fc.double({ min: 1, max: 100, noNaN: true }),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ minMs, extraMs, factor, jitter }) => ({
        ...{ minMs, maxMs: minMs + extraMs, factor, jitter, resetAfterMs: 1 },
      }));
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 2_000 }), draw, (chosen, inRow, drawn) => {
        const { delayMs } = decideBackoff(chosen, inRow, 0, () => drawn);
        assert.ok(Number.isInteger(delayMs) && delayMs >= 1 && delayMs <= chosen.maxMs);
        const longest = decideBackoff(chosen, inRow, 0, () => 0).delayMs;
        assert.ok(delayMs <= longest);
        assert.ok(delayMs >= Math.floor(longest * (1 - chosen.jitter)) - 1);
      }),
    );
  });
});
