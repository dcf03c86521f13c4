/** Restart intensity: how often a supervisor restarts children before it gives up. */

/** The limit that a supervisor's flags set. */
export interface RestartLimit {
  /** Restarts allowed within `periodMs`; 0 allows none. */
  readonly intensity: number;
  /** Length of the sliding window, in milliseconds. */
  readonly periodMs: number;
}

/** Monotonic times in ms of the restarts that may still count, oldest first; `[]` at first. */
export type RestartWindow = readonly number[];

/** Whether a restart may happen, and the window to keep: it includes the attempt. */
export interface RestartVerdict {
  readonly allowed: boolean;
  readonly window: RestartWindow;
}

/**
 * Counts a restart at `nowMs` (monotonic) and says whether it is still within the limit.
 *
 * Both boundaries are those of OTP's `supervisor`: the attempt itself counts, so the
 * `intensity`-th restart is allowed and the next is not; a restart exactly `periodMs` old still
 * counts. OTP's clock has whole seconds, this one milliseconds.
 */
export function decideRestartAllowed(
  window: RestartWindow,
  nowMs: number,
  limit: RestartLimit,
): RestartVerdict {
  const counted = window.filter((restartedAtMs) => restartedAtMs >= nowMs - limit.periodMs);
  counted.push(nowMs);
  return { allowed: counted.length <= limit.intensity, window: counted };
}
