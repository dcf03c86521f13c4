/** The share of the calls in flight that may be retries. */
const RETRY_SHARE = 0.2;

/** Retries that are always allowed. */
const MIN_RETRIES = 3;

/**
 * Bounds the retries of one thread, so that a service in trouble does not get more work for it: at
 * any time at most 20 % of the calls in flight are retries, and 3 always may be. A retry counts from
 * the decision to its end, so while it waits too.
 */
export class RetryBudget {
  #calls = 0;
  #retries = 0;

  /** Calls that have begun and not ended, those that are being retried among them. */
  get calls(): number {
    return this.#calls;
  }

  /** Retries that wait or are under way. */
  get retries(): number {
    return this.#retries;
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.#retries < Math.max(MIN_RETRIES, Math.floor(this.#calls * RETRY_SHARE));
  }

  beginCall(): void {
    this.#calls += 1;
  }

  endCall(): void {
    this.#calls -= 1;
  }

  /** Whoever begins one has asked {@link hasRoom} in the same turn. */
  beginRetry(): void {
    this.#retries += 1;
  }

  endRetry(): void {
    this.#retries -= 1;
  }
}
