import { channel } from "node:diagnostics_channel";

/** What an event says: numbers, and what they are about. */
export interface TelemetryEvent {
  /** Counts, and durations as `duration_us`, of a monotonic clock. */
  readonly measurements: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * One event's channel. Whoever publishes asks `hasSubscribers` first, so that an event that nobody
 * hears costs a read of one field.
 */
export interface TelemetryChannel {
  readonly hasSubscribers: boolean;
  publish(event: TelemetryEvent): void;
}

/** The events by category, as the names of their channels end: `troupe:hook:before_start`. */
export const telemetryEvents = {
  executor: ["request_start", "request_stop", "request_exception", "retry", "retry_exhausted"],
  rate_limiter: ["check", "exceeded", "reset", "cleanup"],
  hook: [
    "before_start",
    "before_stop",
    "before_exception",
    "after_start",
    "after_stop",
    "after_exception",
  ],
  worker_pool: [
    "task_start",
    "task_stop",
    "task_exception",
    "task_rejected",
    "circuit_open",
    "circuit_close",
  ],
  config: [
    "pull_start",
    "pull_stop",
    "push",
    "add",
    "batch_add",
    "delete",
    "clear",
    "disable",
    "enable",
  ],
  relay: ["join", "leave", "send", "gap", "create", "delete", "move", "restore"],
} as const;

/** A group of events. */
export type TelemetryCategory = keyof typeof telemetryEvents;

type Camel<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Text;

type EventKey = {
  [Category in TelemetryCategory]: Camel<`${Category}_${(typeof telemetryEvents)[Category][number]}`>;
}[TelemetryCategory];

/** The name of the channel of an event. */
export function telemetryName(category: TelemetryCategory, event: string): string {
  return `troupe:${category}:${event}`;
}

function openChannels(): Readonly<Record<EventKey, TelemetryChannel>> {
  const channels: Record<string, TelemetryChannel> = {};
  for (const [category, events] of Object.entries(telemetryEvents)) {
    for (const event of events) {
      const key = `${category}_${event}`.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
      channels[key] = channel(telemetryName(category as TelemetryCategory, event));
    }
  }
  return Object.freeze(channels) as Record<EventKey, TelemetryChannel>;
}

/**
 * The channels of this thread, one per event: `node:diagnostics_channel`s, so that any subscriber
 * there hears them under their names (`troupe:executor:request_stop`).
 */
export const telemetry: Readonly<Record<EventKey, TelemetryChannel>> = openChannels();
