import assert from "node:assert/strict";
import { test } from "node:test";
import { RefusalLog } from "../../../actors/channel/refusal-log.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";

test("ten lines in ten seconds, then the number of those that were left out", () => {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const log = new RefusalLog((level, message, fields) => {
    assert.deepEqual([level, message], ["warn", "connection refused"]);
    lines.push(fields ?? {});
  }, clock);
  for (let i = 0; i < 1_000; i++) log.add("no token", { ipAddress: "10.0.0.1" });
  assert.equal(lines.length, 10);
  assert.deepEqual(lines[9], { reason: "no token", ipAddress: "10.0.0.1" });
  clock.advance(9_999);
  log.add("no token", {});
  assert.equal(lines.length, 10);
  clock.advance(1);
  log.add("no token", { origin: "x".repeat(10_000) });
  assert.equal(lines.length, 11);
  assert.equal(lines[10]?.["leftOut"], 991);
  assert.equal(String(lines[10]?.["origin"]).length, 200);
  log.add("no token", {});
  assert.equal("leftOut" in (lines[11] ?? {}), false);
});
