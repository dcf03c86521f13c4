import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { AttemptEnd } from "../../../actors/execution/call-failure.ts";
import {
  decideBackoff,
  decideRetry,
  type RetrySituation,
} from "../../../actors/execution/retry-decision.ts";

const ENDS: readonly AttemptEnd[] = [
  ...(["no_replica", "refused", "not_taken", "lost", "failed", "answered"] as const),
  ...(["timed_out", "cancelled", "misdirected", "mismatched"] as const),
];

type Given = Partial<Omit<RetrySituation, "end">>;

/** The decision in short: `fail`, `fail: limit`, `pass_on`, `retry same`, `retry any`. */
function decide(end: AttemptEnd, given: Given = {}): string {
  const decision = decideRetry({
    ...{ retry: null, idempotent: false, retries: 0, hasOther: false },
    ...{ leftMs: 1_000, hasBudget: true, ...given, end },
  });
  if (decision.action === "retry") return `retry ${decision.on}`;
  if (decision.action === "fail" && decision.limit !== null) return `fail: ${decision.limit}`;
  return decision.action;
}

const plain: Given = {};
const idempotent: Given = { idempotent: true };
const any: Given = { retry: { allNodes: 2 } };
const same: Given = { retry: { sameNode: 2 } };
const hasOther = true;

describe("what follows a failed attempt", () => {
  const rows: readonly (readonly [end: AttemptEnd, given: Given, decision: string])[] = [
    // Nothing has happened: the next one, at once.
    ["not_taken", { ...plain, hasOther }, "pass_on"],
    ["not_taken", { ...idempotent, hasOther }, "pass_on"],
    ["not_taken", { ...any, hasOther, retries: 2, hasBudget: false }, "pass_on"],
    ["not_taken", { ...same, hasOther }, "pass_on"],
    ["not_taken", { ...plain, hasOther, leftMs: 0 }, "fail"],
    ["not_taken", plain, "fail"],
    ["not_taken", idempotent, "fail"],
    ["not_taken", any, "retry any"],
    ["not_taken", same, "retry same"],
    ["not_taken", { ...any, retries: 2 }, "fail: retries"],
    ["no_replica", plain, "fail"],
    ["no_replica", idempotent, "fail"],
    ["no_replica", any, "retry any"],
    // An open breaker is left alone.
    ["refused", { ...plain, hasOther }, "pass_on"],
    ["refused", { ...plain, hasOther, leftMs: -1 }, "fail"],
    ["refused", any, "fail"],
    // It is another state of the service; the others may be the one that is meant.
    ["mismatched", { ...plain, hasOther }, "pass_on"],
    ["mismatched", { ...any, hasOther, retries: 2 }, "pass_on"],
    ["mismatched", plain, "fail"],
    ["mismatched", any, "fail"],
    ["mismatched", { ...any, hasOther, leftMs: 0 }, "fail"],
    // It may have run.
    ["lost", { ...plain, hasOther }, "fail"],
    ["lost", { ...idempotent, hasOther }, "retry any"],
    ["lost", { ...idempotent, hasOther, retries: 7 }, "retry any"],
    ["lost", { ...idempotent, retries: 1 }, "fail: retries"],
    ["lost", idempotent, "fail"],
    ["lost", { ...idempotent, hasOther, hasBudget: false }, "fail: budget"],
    ["lost", any, "retry any"],
    ["lost", { ...any, retries: 1 }, "retry any"],
    ["lost", { ...any, retries: 2 }, "fail: retries"],
    ["lost", { ...idempotent, ...any, hasOther, retries: 2 }, "fail: retries"],
    ["lost", same, "retry same"],
    // It broke.
    ["failed", { ...plain, hasOther }, "fail"],
    ["failed", { ...idempotent, hasOther }, "fail"],
    ["failed", { ...any, hasOther }, "retry any"],
    ["failed", any, "retry any"],
    ["failed", same, "retry same"],
    ["failed", { ...same, hasOther, retries: 2 }, "fail: retries"],
    ["failed", { ...any, leftMs: 0 }, "fail: deadline"],
    ["failed", { ...any, leftMs: Number.NaN }, "fail: deadline"],
    ["failed", { ...any, hasBudget: false }, "fail: budget"],
    ["failed", { ...any, leftMs: Number.POSITIVE_INFINITY }, "retry any"],
  ];
  for (const [end, given, decision] of rows) {
    it(`${end} ${JSON.stringify(given)}: ${decision}`, () => {
      assert.equal(decide(end, given), decision);
    });
  }

  for (const end of ["answered", "timed_out", "cancelled", "misdirected"] as const) {
    it(`${end}: never anything`, () => {
      assert.equal(decide(end, { ...idempotent, ...any, hasOther }), "fail");
    });
  }

  it("never repeats what may have run, unless the function says so", () => {
    const situation = fc.record({
      hasOther: fc.boolean(),
      retries: fc.nat(3),
      leftMs: fc.double({ noNaN: true }),
      hasBudget: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.constantFrom(...ENDS), situation, (end, given) => {
        const decision = decide(end, given);
        const mayHaveRun = !["no_replica", "refused", "not_taken", "mismatched"].includes(end);
        assert.ok(decision === "fail" || (decision === "pass_on" && !mayHaveRun), decision);
      }),
    );
  });
});

describe("the backoff", () => {
  it("is full jitter: from 0 up to 100 ms × 2^retries, and within the deadline", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(10), fc.integer({ min: 1, max: 300_000 }), random, (n, leftMs, r) => {
        const bound = Math.min(100 * 2 ** n, leftMs);
        assert.equal(
          decideBackoff(n, leftMs, () => r),
          r * bound,
        );
        assert.ok(decideBackoff(n, leftMs, () => r) < leftMs);
      }),
    );
    assert.equal(
      decideBackoff(0, Number.POSITIVE_INFINITY, () => 0.5),
      50,
    );
    assert.equal(
      decideBackoff(3, Number.POSITIVE_INFINITY, () => 0.5),
      400,
    );
  });
});
