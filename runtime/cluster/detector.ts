/**
 * Phi-accrual failure detection: how unlikely is it that the other side lives and just has not been
 * heard for so long? Source: Hayashibara, Défago, Yared and Katayama, "The φ Accrual Failure
 * Detector" (2004), with the logistic approximation of the normal distribution and the acceptable
 * pause that Akka's `PhiAccrualFailureDetector` has. Here all traffic is a sign of life, not
 * heartbeats alone, and there is a silence after which no statistics are asked any more.
 */

/** The phi at which the other side is suspected: once in 10^8 silences it is so by mistake. */
const threshold = 8;
/** How many intervals are remembered. */
const windowSize = 100;
/** Share of `suspicionMs` that any silence may last beyond what is usual: a collection, a stall. */
const acceptablePause = 0.4;

/** How often signs of life are due, and how long silence may last. */
export interface DetectorOptions {
  /** The other side sends something at least this often, ms. */
  readonly heartbeatMs: number;
  /** Silence that is suspicious whatever the statistics say, ms. */
  readonly suspicionMs: number;
}

/**
 * Suspects one peer. All times are milliseconds of the same monotonic clock. Before the first
 * `heard` nothing is suspected: call it when the connection is made.
 */
export class FailureDetector {
  readonly #heartbeatMs: number;
  readonly #suspicionMs: number;
  readonly #intervals: number[] = [];
  #next = 0;
  #sum = 0;
  #squareSum = 0;
  #heardAt: number | null = null;
  #sampledAt = 0;
  #longestGapMs = 0;

  /** @throws RangeError when a time is not above 0 or `suspicionMs` is less than `heartbeatMs`. */
  constructor(options: DetectorOptions) {
    const { heartbeatMs, suspicionMs } = options;
    if (!(heartbeatMs > 0)) {
      throw new RangeError(`heartbeatMs: expected milliseconds > 0, received ${heartbeatMs}`);
    }
    if (!(suspicionMs >= heartbeatMs)) {
      throw new RangeError(
        `suspicionMs: expected at least heartbeatMs (${heartbeatMs}), received ${suspicionMs}`,
      );
    }
    this.#heartbeatMs = heartbeatMs;
    this.#suspicionMs = suspicionMs;
    // Two that lie a quarter around what is promised: something to go by until there is experience.
    this.#add(heartbeatMs * 0.75);
    this.#add(heartbeatMs * 1.25);
  }

  /** Something came from the other side. Cheap: it may be called for every piece of data. */
  heard(nowMs: number): void {
    if (this.#heardAt === null) this.#sampledAt = nowMs;
    else this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#heardAt);
    this.#heardAt = nowMs;
    if (nowMs - this.#sampledAt < this.#heartbeatMs) return;
    // Once per heartbeat and never less than that: what comes in between is no promise to go on.
    this.#add(Math.max(this.#longestGapMs, this.#heartbeatMs));
    this.#sampledAt = nowMs;
    this.#longestGapMs = 0;
  }

  /** 0 and up; Infinity after `suspicionMs` of silence. */
  phi(nowMs: number): number {
    if (this.#heardAt === null) return 0;
    const silentMs = nowMs - this.#heardAt;
    if (silentMs >= this.#suspicionMs) return Number.POSITIVE_INFINITY;
    const { expectedMs, deviationMs } = this.#usual();
    return logisticPhi((silentMs - expectedMs) / deviationMs);
  }

  /** True when phi is 8 or more; once true it stays so until something is heard. */
  suspects(nowMs: number): boolean {
    return this.dueInMs(nowMs) === 0;
  }

  /**
   * Milliseconds until the other side is suspected if nothing is heard from now on: at most
   * `suspicionMs`, 0 when it is suspected; Infinity before the first `heard`.
   */
  dueInMs(nowMs: number): number {
    if (this.#heardAt === null) return Number.POSITIVE_INFINITY;
    const { expectedMs, deviationMs } = this.#usual();
    const limitMs = Math.min(this.#suspicionMs, expectedMs + deviationMs * deviationsAtThreshold);
    return Math.max(0, this.#heardAt + limitMs - nowMs);
  }

  #usual(): { expectedMs: number; deviationMs: number } {
    const count = this.#intervals.length;
    const meanMs = this.#sum / count;
    const variance = Math.max(0, this.#squareSum / count - meanMs * meanMs);
    return {
      expectedMs: meanMs + this.#suspicionMs * acceptablePause,
      // A perfectly even past must not make the first hiccup a death.
      deviationMs: Math.max(Math.sqrt(variance), this.#heartbeatMs / 2),
    };
  }

  #add(intervalMs: number): void {
    const oldest = this.#intervals[this.#next] ?? 0;
    this.#intervals[this.#next] = intervalMs;
    this.#next = (this.#next + 1) % windowSize;
    this.#sum += intervalMs - oldest;
    this.#squareSum += intervalMs * intervalMs - oldest * oldest;
  }
}

/** Phi of a silence that lies `deviations` standard deviations above the usual one. */
function logisticPhi(deviations: number): number {
  const odds = Math.exp(-deviations * (1.5976 + 0.070566 * deviations * deviations));
  // Two forms of one number: each is exact where the other one cancels.
  return deviations > 0 ? -Math.log10(odds / (1 + odds)) : -Math.log10(1 - 1 / (1 + odds));
}

/** The inverse of {@link logisticPhi} at the threshold, by bisection. */
const deviationsAtThreshold = ((): number => {
  let low = 0;
  let high = 10;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (logisticPhi(middle) < threshold) low = middle;
    else high = middle;
  }
  return high;
})();
