import type { Clock, Timer } from "../core/index.ts";

interface SetTimer extends Timer {
  readonly dueAt: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Wall time at the start of every manual clock: 2026-01-01T00:00:00.000Z. */
const startWallTime = 1_767_225_600_000;

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  /** In the order of firing: by due time, then by the order in which they were set. */
  readonly #timers: SetTimer[] = [];
  #now = 0;
  #lastOrder = 0;

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return startWallTime + this.#now;
  }

  /** @throws RangeError when `delayMs` is not a number. A negative delay counts as 0. */
  after(delayMs: number, fire: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError("delayMs: expected milliseconds, received NaN");
    this.#lastOrder += 1;
    const timer: SetTimer = {
      dueAt: this.#now + Math.max(0, delayMs),
      order: this.#lastOrder,
      fire,
      cancel: () => this.#cancel(timer),
    };
    this.#timers.splice(this.#placeOf(timer), 0, timer);
    return timer;
  }

  /** How many timers are set and have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Milliseconds until the next timer is due; undefined when none is set. */
  get nextDueInMs(): number | undefined {
    const next = this.#timers[0];
    return next === undefined ? undefined : next.dueAt - this.#now;
  }

  /**
   * Lets `ms` milliseconds pass. Timers fire in the order of their due time, then in the order in
   * which they were set, each at its own time; those that a firing timer sets fire too, if due.
   * @throws RangeError when `ms` is not a finite number >= 0. What a timer throws passes through.
   */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`ms: expected finite milliseconds >= 0, received ${ms}`);
    }
    const until = this.#now + ms;
    for (let next = this.#timers[0]; next !== undefined && next.dueAt <= until; ) {
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.dueAt);
      next.fire();
      next = this.#timers[0];
    }
    this.#now = Math.max(this.#now, until);
  }

  #cancel(timer: SetTimer): void {
    const place = this.#placeOf(timer);
    if (this.#timers[place] === timer) this.#timers.splice(place, 1);
  }

  /** Where the timer stands, or would stand. */
  #placeOf(timer: SetTimer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#timers[middle] as SetTimer, timer)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isBefore(one: SetTimer, other: SetTimer): boolean {
  return one.dueAt === other.dueAt ? one.order < other.order : one.dueAt < other.dueAt;
}
