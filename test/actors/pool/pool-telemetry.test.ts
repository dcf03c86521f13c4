import assert from "node:assert/strict";
import { test } from "node:test";
import { attachWorkerPool, type TelemetryEvent } from "../../../actors/diagnostics/index.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually } from "../../fixtures/running-system.ts";
import { startPoolKit } from "./pool-kit.ts";

test("telemetry hears of tasks: start, stop, exception, refusal", async (t) => {
  // Events are heard on the thread that they happen on.
  const pool = await startPoolKit(t, { thread: 0, threads: 1, maxQueue: 0 });
  const events: [string, TelemetryEvent][] = [];
  t.after(attachWorkerPool((name, event) => events.push([name.split(":").at(-1) ?? "", event])));
  await pool.run("refuses").catch(() => {});
  await pool.run("throws").catch(() => {});
  const gate = new Gate();
  const blocked = pool.run("waits", { gate: gate.name });
  // The function may be at its gate before word of its start has come to the pool.
  await gate.entered;
  await eventually("its start is told", () => events.length === 5);
  await pool.run("note").catch(() => {});
  gate.open();
  await blocked;
  const told = events.map(([name, { metadata }]) => [name, metadata["function"], metadata["code"]]);
  assert.deepEqual(told, [
    ["task_start", "refuses", null],
    ["task_stop", "refuses", "out_of_stock"],
    ["task_start", "throws", null],
    ["task_exception", "throws", "handler_failed"],
    ["task_start", "waits", null],
    ["task_rejected", "note", null],
    ["task_stop", "waits", null],
  ]);
  const [started, stopped] = events.map(([, event]) => event);
  assert.ok(started !== undefined && stopped !== undefined);
  const { measurements, metadata } = stopped;
  assert.deepEqual(metadata, {
    ...{ pool: "pool/async", service: "pool_service", function: "refuses" },
    ...{ code: "out_of_stock", request_id: "req_1" },
  });
  assert.ok(Number.isInteger(measurements["duration_us"]));
  assert.ok(Number(started.measurements["queue_us"]) > 0);
});
