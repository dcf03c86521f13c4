import type { Clock } from "#runtime";

/** How many frames sockets may send; one for all sockets of a thread. */
export interface FrameRate {
  readonly clock: Clock;
  readonly perSecond: number;
}

/**
 * What one socket may still send: a token bucket that holds a second's worth, as two numbers. It is
 * filled when it is empty, not before, so that a frame costs a comparison and a subtraction and the
 * clock is read once in a bucket. A client that keeps to the rate, with bursts of a second's worth,
 * is never refused; in any T seconds not more than `perSecond × (T + 2)` frames pass.
 */
export class FrameBudget {
  readonly #rate: FrameRate;
  #left: number;
  #filledAt: number;

  constructor(rate: FrameRate) {
    this.#rate = rate;
    this.#left = rate.perSecond;
    this.#filledAt = rate.clock.now();
  }

  /** Takes a frame in; false when it is one too many. */
  spend(): boolean {
    if (this.#left < 1) this.#fill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  #fill(): void {
    const { clock, perSecond } = this.#rate;
    const now = clock.now();
    const earned = ((now - this.#filledAt) * perSecond) / 1_000;
    this.#left = Math.min(perSecond, this.#left + earned);
    this.#filledAt = now;
  }
}
