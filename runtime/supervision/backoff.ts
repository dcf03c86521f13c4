/**
 * Restart backoff: how long a supervisor waits before it starts a child again. OTP restarts at
 * once, always. The keys are those of Pekko's `restartWithBackoff`, but the first restart is
 * immediate, and jitter shortens the delay, so that `maxMs` bounds it.
 */

/** How the delays grow. Flags and child specs may give a part; parsing them fills in the rest. */
export interface BackoffPolicy {
  /** Longest delay before the second restart in a row, in ms; 0 turns backoff off. Default 100. */
  readonly minMs: number;
  /** Upper bound of every delay, in whole ms, at least `minMs`. Default 30,000. */
  readonly maxMs: number;
  /** What each further restart multiplies the delay by, from 1 to 100. Default 2. */
  readonly factor: number;
  /** Random share of the delay, from 0 (none) to 1 (full jitter). Default 1. */
  readonly jitter: number;
  /** A child that ran this long, in ms, before it exited begins again without delay. Default 10,000. */
  readonly resetAfterMs: number;
}

/** When to restart, and what to remember for the next time. */
export interface BackoffDecision {
  /** Whole milliseconds to wait; 0 for the first restart in a row. */
  readonly delayMs: number;
  /** Restarts in a row, this one included: the next call's `restartsInRow`. */
  readonly restartsInRow: number;
}

/**
 * Decides the delay of a child's next restart: the first in a row is immediate, the (n+1)-th waits
 * at most `minMs * factor^(n-1)`, capped at `maxMs`, and even with full jitter more than 0.
 *
 * @param restartsInRow restarts since the child last ran stable; 0 at first
 * @param ranForMs how long the child ran before it exited; 0 when it failed to start
 * @param random uniform in [0, 1)
 */
export function decideBackoff(
  policy: BackoffPolicy,
  restartsInRow: number,
  ranForMs: number,
  random: () => number,
): BackoffDecision {
  const before = ranForMs >= policy.resetAfterMs ? 0 : restartsInRow;
  if (before === 0 || policy.minMs === 0) return { delayMs: 0, restartsInRow: before + 1 };
  const longestMs = Math.min(policy.maxMs, policy.minMs * policy.factor ** (before - 1));
  // Rounded up: a delay of 0 would turn a crash loop into a busy loop.
  const delayMs = Math.ceil(longestMs * (1 - policy.jitter * random()));
  return { delayMs, restartsInRow: before + 1 };
}
