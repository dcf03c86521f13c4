/** How many may be inside, and how many may wait. */
export interface BulkheadLimits {
  /** At least 1. */
  readonly maxConcurrent: number;
  /** At least 0. */
  readonly maxQueue: number;
}

/** What becomes of one who wants in. */
export type Entrance = "held" | "waiting" | "full";

/** One who holds a permit or waits for one. */
interface Permit {
  readonly holder: string;
  readonly ticket: number;
  isHeld: boolean;
  /** Told once: true with the permit, false when the wait is over without it. */
  onSettled: ((granted: boolean) => void) | null;
  /** The neighbours among those who wait. */
  previous: Permit | null;
  next: Permit | null;
}

/**
 * Gives out permits, first come, first served. Each is known by its holder and a number that the
 * holder never uses twice; entering, leaving and giving up cost the same however many wait.
 * Invariants: nobody waits while a permit is free, and no trace stays of who has left.
 */
export class PermitQueue {
  readonly #permits = new Map<string, Map<number, Permit>>();
  #limits: BulkheadLimits = { maxConcurrent: 1, maxQueue: 0 };
  #held = 0;
  #waiting = 0;
  #first: Permit | null = null;
  #last: Permit | null = null;

  /** Permits given out. */
  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Those who hold or wait for at least one permit. */
  get holders(): number {
    return this.#permits.size;
  }

  /**
   * Counts a permit that was given out before this queue was there, whatever the limits; nothing for
   * a ticket that is known.
   */
  adopt(holder: string, ticket: number): void {
    if (this.#permits.get(holder)?.has(ticket)) return;
    this.#hold(this.#add(holder, ticket, null));
  }

  /** New limits. More room lets those in who wait; less takes nobody out. */
  resize(limits: BulkheadLimits): void {
    this.#limits = limits;
    this.#letIn();
  }

  /** Wants in. `onSettled` is called only for one who is told `waiting`, and not before. */
  enter(holder: string, ticket: number, onSettled: (granted: boolean) => void): Entrance {
    const { maxConcurrent, maxQueue } = this.#limits;
    if (this.#held < maxConcurrent) {
      this.#hold(this.#add(holder, ticket, null));
      return "held";
    }
    if (this.#waiting >= maxQueue) return "full";
    this.#wait(this.#add(holder, ticket, onSettled));
    return "waiting";
  }

  /** Gives a permit back, or the wait for it up; nothing for a ticket that is not known. */
  leave(holder: string, ticket: number): void {
    const permits = this.#permits.get(holder);
    const permit = permits?.get(ticket);
    if (permits === undefined || permit === undefined) return;
    permits.delete(ticket);
    if (permits.size === 0) this.#permits.delete(holder);
    this.#remove(permit);
    this.#letIn();
  }

  /** Takes back all that a holder has, and ends all its waits. */
  drop(holder: string): void {
    const permits = this.#permits.get(holder);
    if (permits === undefined) return;
    this.#permits.delete(holder);
    for (const permit of permits.values()) this.#remove(permit);
    this.#letIn();
  }

  #add(holder: string, ticket: number, onSettled: Permit["onSettled"]): Permit {
    let permits = this.#permits.get(holder);
    if (permits === undefined) {
      permits = new Map();
      this.#permits.set(holder, permits);
    }
    const permit: Permit = {
      ...{ holder, ticket, onSettled },
      ...{ isHeld: false, previous: null, next: null },
    };
    permits.set(ticket, permit);
    return permit;
  }

  #hold(permit: Permit): void {
    permit.isHeld = true;
    this.#held += 1;
  }

  #wait(permit: Permit): void {
    permit.previous = this.#last;
    if (this.#last === null) this.#first = permit;
    else this.#last.next = permit;
    this.#last = permit;
    this.#waiting += 1;
  }

  #remove(permit: Permit): void {
    if (permit.isHeld) {
      this.#held -= 1;
      return;
    }
    this.#unqueue(permit);
    permit.onSettled?.(false);
  }

  #unqueue(permit: Permit): void {
    const { previous, next } = permit;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    permit.previous = null;
    permit.next = null;
    this.#waiting -= 1;
  }

  #letIn(): void {
    while (this.#first !== null && this.#held < this.#limits.maxConcurrent) {
      const permit = this.#first;
      this.#unqueue(permit);
      this.#hold(permit);
      permit.onSettled?.(true);
      permit.onSettled = null;
    }
  }
}
