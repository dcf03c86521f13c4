import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { test } from "node:test";
import {
  attachAll,
  attachConfig,
  attachDefaultLogger,
  attachExecutor,
  attachHook,
  attachRateLimiter,
  attachRelay,
  attachWorkerPool,
  detachAll,
  listEvents,
  type TelemetryHandler,
  telemetry,
} from "../../../actors/diagnostics/index.ts";

const event = { measurements: { duration_us: 7 }, metadata: { service: "s" } };

test("each event is a channel of its own, under its name", () => {
  assert.equal(listEvents().length, Object.keys(telemetry).length);
  assert.equal(new Set(listEvents()).size, listEvents().length);
  assert.ok(listEvents().includes("troupe:executor:request_start"));
  assert.equal(telemetry.hookBeforeStart, channel("troupe:hook:before_start"));
  assert.equal(telemetry.configBatchAdd, channel("troupe:config:batch_add"));
});

test("a handler hears the events of its category, until it is detached", () => {
  const attachments = {
    executor: attachExecutor,
    rate_limiter: attachRateLimiter,
    hook: attachHook,
    worker_pool: attachWorkerPool,
    config: attachConfig,
    relay: attachRelay,
  };
  for (const [category, attach] of Object.entries(attachments)) {
    const heard: string[] = [];
    const handler: TelemetryHandler = (name, { measurements }) => {
      assert.deepEqual(measurements, event.measurements);
      heard.push(name);
    };
    const detach = attach(handler);
    for (const one of Object.values(telemetry)) one.publish(event);
    const expected = listEvents().filter((name) => name.startsWith(`troupe:${category}:`));
    assert.deepEqual(heard, expected);
    assert.ok(expected.length >= 4);
    detach();
    for (const one of Object.values(telemetry)) assert.equal(one.hasSubscribers, false);
  }
});

test("detachAll takes away every handler, and nobody else's subscription", (t) => {
  const heard: string[] = [];
  const own = channel("troupe:config:clear");
  const listener = (): void => void heard.push("own");
  own.subscribe(listener);
  t.after(() => own.unsubscribe(listener));
  attachAll((name) => heard.push(name));
  attachHook((name) => heard.push(name));
  detachAll();
  telemetry.configClear.publish(event);
  telemetry.hookAfterStart.publish(event);
  assert.deepEqual(heard, ["own"]);
});

test("the default logger warns of what went wrong, and keeps the rest for debugging", () => {
  const lines: unknown[] = [];
  const detach = attachDefaultLogger((...line) => lines.push(line));
  telemetry.executorRequestStop.publish(event);
  telemetry.executorRequestException.publish(event);
  telemetry.rateLimiterExceeded.publish(event);
  telemetry.workerPoolCircuitOpen.publish(event);
  detach();
  const fields = { duration_us: 7, service: "s" };
  assert.deepEqual(lines, [
    ["debug", "troupe:executor:request_stop", fields],
    ["warn", "troupe:executor:request_exception", fields],
    ["warn", "troupe:rate_limiter:exceeded", fields],
    ["warn", "troupe:worker_pool:circuit_open", fields],
  ]);
});
