import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RetryBudget } from "../../../actors/execution/retry-budget.ts";

test("three retries are always allowed", () => {
  const budget = new RetryBudget();
  for (let retry = 0; retry < 3; retry++) {
    assert.ok(budget.hasRoom);
    budget.beginRetry();
  }
  assert.equal(budget.hasRoom, false);
  budget.endRetry();
  assert.ok(budget.hasRoom);
});

test("a fifth of the calls in flight may be retries", () => {
  const budget = new RetryBudget();
  for (let call = 0; call < 104; call++) budget.beginCall();
  for (let retry = 0; retry < 20; retry++) {
    assert.ok(budget.hasRoom);
    budget.beginRetry();
  }
  assert.equal(budget.hasRoom, false);
  budget.beginCall();
  assert.ok(budget.hasRoom);
});

test("never more than 20 % of the calls in flight, or three, are begun; less room is used", () => {
  const steps = fc.array(fc.constantFrom("call", "end", "retry", "retried"), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (list) => {
      const budget = new RetryBudget();
      for (const step of list) {
        const { calls, retries } = budget;
        if (step === "call") budget.beginCall();
        else if (step === "end" && calls > 0) budget.endCall();
        else if (step === "retried" && retries > 0) budget.endRetry();
        else if (step === "retry") {
          assert.equal(budget.hasRoom, retries + 1 <= Math.max(3, 0.2 * calls));
          if (budget.hasRoom) budget.beginRetry();
        }
      }
    }),
  );
});
