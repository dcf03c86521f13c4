import { AsyncLocalStorage } from "node:async_hooks";

/** A timer that has been set; `cancel` is idempotent and does nothing once the timer has fired. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Durations are measured on `now`, which never goes backwards; `wallTime`
 * is for people and for records.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start, with a fraction. */
  now(): number;
  /** Milliseconds since 1970 as the machine believes them to be. */
  wallTime(): number;
  /** Calls `fire` once, `delayMs` from now or as soon after as the thread is free. */
  after(delayMs: number, fire: () => void): Timer;
}

/** The longest delay that the platform's timers take; a longer one would fire at once. */
const maxDelayMs = 2_147_483_647;

// Bound once: looking `performance` up on the global object costs as much as reading the clock.
const now = performance.now.bind(performance);

// A timer that serves everybody must not belong to the handler in which it happened to be set.
const outside = AsyncLocalStorage.snapshot();

/** The real clock of this thread. A timer that waits keeps the process alive, as the platform's do. */
export const systemClock: Clock = {
  now,
  wallTime: () => Date.now(),
  after(delayMs, fire) {
    const handle = setTimeout(outside, Math.min(Math.max(0, delayMs), maxDelayMs), fire);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** `wallTime` as ISO 8601 in UTC, for logs and records. */
export function formatWallTime(wallTime: number): string {
  return new Date(wallTime).toISOString();
}
