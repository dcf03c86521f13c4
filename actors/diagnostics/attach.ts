import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Log } from "#runtime";
import {
  type TelemetryCategory,
  type TelemetryEvent,
  telemetryEvents,
  telemetryName,
} from "./telemetry.ts";

/** Hears events, in the midst of the work that they tell of: quick, and without a throw. */
export type TelemetryHandler = (name: string, event: TelemetryEvent) => void;

type Listener = (message: unknown, name: string | symbol) => void;

/** What {@link detachAll} takes away. */
const attached = new Set<() => void>();

/** The names of all events: `troupe:<category>:<event>`. */
export function listEvents(): string[] {
  return (Object.keys(telemetryEvents) as TelemetryCategory[]).flatMap(listCategory);
}

/**
 * Calls `handler` with each event of this thread; the result detaches it. A module that the
 * configuration names under `telemetry` attaches itself on every thread.
 */
export function attachAll(handler: TelemetryHandler): () => void {
  return attach(listEvents(), handler);
}

/** As {@link attachAll}, for requests: start, stop, exception, retries. */
export function attachExecutor(handler: TelemetryHandler): () => void {
  return attach(listCategory("executor"), handler);
}

/** As {@link attachAll}, for rate limits. */
export function attachRateLimiter(handler: TelemetryHandler): () => void {
  return attach(listCategory("rate_limiter"), handler);
}

/** As {@link attachAll}, for hooks. */
export function attachHook(handler: TelemetryHandler): () => void {
  return attach(listCategory("hook"), handler);
}

/** As {@link attachAll}, for pools and circuit breakers. */
export function attachWorkerPool(handler: TelemetryHandler): () => void {
  return attach(listCategory("worker_pool"), handler);
}

/** As {@link attachAll}, for changes of the registry. */
export function attachConfig(handler: TelemetryHandler): () => void {
  return attach(listCategory("config"), handler);
}

/** As {@link attachAll}, for relay groups: who comes and goes, messages, groups that move. */
export function attachRelay(handler: TelemetryHandler): () => void {
  return attach(listCategory("relay"), handler);
}

/** Detaches every handler that was attached on this thread. */
export function detachAll(): void {
  for (const detach of [...attached]) detach();
}

/**
 * Writes each event to a log: exceptions, refusals and open circuits as warnings, the rest for
 * debugging. The result detaches it.
 */
export function attachDefaultLogger(log: Log): () => void {
  return attachAll((name, { measurements, metadata }) => {
    const level = /exception|exceeded|rejected|exhausted|circuit_open/.test(name)
      ? "warn"
      : "debug";
    log(level, name, { ...measurements, ...metadata });
  });
}

function listCategory(category: TelemetryCategory): string[] {
  return telemetryEvents[category].map((event) => telemetryName(category, event));
}

function attach(names: readonly string[], handler: TelemetryHandler): () => void {
  const listener: Listener = (message, name) => handler(String(name), message as TelemetryEvent);
  for (const name of names) subscribe(name, listener);
  const detach = (): void => {
    for (const name of names) unsubscribe(name, listener);
    attached.delete(detach);
  };
  attached.add(detach);
  return detach;
}
