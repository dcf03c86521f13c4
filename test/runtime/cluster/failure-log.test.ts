import assert from "node:assert/strict";
import { test } from "node:test";
import { FailureLog } from "../../../runtime/cluster/failure-log.ts";

test("the same failure is news once a minute, another one at once", () => {
  const failures = new FailureLog();
  assert.equal(failures.isNews("a@h:1", "refused", 0), true);
  assert.equal(failures.isNews("a@h:1", "refused", 59_999), false);
  assert.equal(failures.isNews("a@h:1", "wrong cookie", 10), true);
  assert.equal(failures.isNews("b@h:1", "refused", 10), true);
  assert.equal(failures.isNews("a@h:1", "refused", 60_000), true);
  assert.equal(failures.isNews("a@h:1", "refused", 60_001), false);
});

test("what works again is news when it fails", () => {
  const failures = new FailureLog();
  failures.isNews("a@h:1", "refused", 0);
  failures.isNews("a@h:10", "refused", 0);
  failures.forget("a@h:1");
  assert.equal(failures.isNews("a@h:1", "refused", 1), true);
  assert.equal(failures.isNews("a@h:10", "refused", 1), false);
});

test("remembers a bounded number of failures", () => {
  const failures = new FailureLog();
  for (let i = 0; i < 1_001; i += 1) failures.isNews(`n${i}`, "why", 0);
  assert.equal(failures.isNews("n1000", "why", 1), false);
  assert.equal(failures.isNews("n0", "why", 1), true, "the oldest was forgotten");
});
