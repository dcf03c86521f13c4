/** In how many parts a window slides. */
const bucketCount = 10;

/** What a window holds. */
export interface WindowCounts {
  readonly calls: number;
  readonly failures: number;
}

/**
 * Calls and failures of the last `windowMs`, to a tenth of it: counts lie in ten buckets of equal
 * time, and the oldest is forgotten whole when the next one begins. Its size does not depend on the
 * number of calls. Times are of one monotonic clock and never go backwards.
 */
export class FailureWindow {
  readonly #bucketMs: number;
  readonly #calls = new Float64Array(bucketCount);
  readonly #failures = new Float64Array(bucketCount);
  /** The number of the newest bucket since the clock's start. */
  #newest = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / bucketCount;
  }

  add(calls: number, failures: number, nowMs: number): void {
    this.#slide(nowMs);
    const slot = this.#newest % bucketCount;
    this.#calls[slot] = (this.#calls[slot] ?? 0) + calls;
    this.#failures[slot] = (this.#failures[slot] ?? 0) + failures;
  }

  counts(nowMs: number): WindowCounts {
    this.#slide(nowMs);
    return { calls: sum(this.#calls), failures: sum(this.#failures) };
  }

  clear(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
  }

  /** Empties the buckets that have begun since the newest. */
  #slide(nowMs: number): void {
    const current = Math.floor(nowMs / this.#bucketMs);
    const first = Math.max(this.#newest + 1, current - bucketCount + 1);
    for (let bucket = first; bucket <= current; bucket += 1) {
      this.#calls[bucket % bucketCount] = 0;
      this.#failures[bucket % bucketCount] = 0;
    }
    this.#newest = Math.max(this.#newest, current);
  }
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
