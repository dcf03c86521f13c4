import type { Clock, Timer } from "./clock.ts";

/** Something with a deadline. The wheel owns the three `wheel` fields. */
export interface WheelEntry {
  /** On the clock's `now`; fixed while the entry is in the wheel. */
  deadlineAt: number;
  wheelNext: WheelEntry | null;
  wheelPrevious: WheelEntry | null;
  inWheel: boolean;
  /** Called once, never before `deadlineAt` and at most two ticks after it. */
  onDeadline(): void;
}

const tickMs = 8;
const slotCount = 512;

/**
 * A hashed timing wheel: adding and removing cost the same for one and for a million deadlines, and
 * one timer of the clock serves them all. It runs only while something is in it.
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (scheme 6). Here a slot holds
 * the deadlines of all rounds, and what is not due is left in place.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: (WheelEntry | null)[] = new Array(slotCount).fill(null);
  #size = 0;
  #timer: Timer | null = null;
  #tick = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many deadlines are waiting. */
  get size(): number {
    return this.#size;
  }

  add(entry: WheelEntry): void {
    // Rounded up: a slot is looked at when its tick is over, so nothing in it fires early.
    const tick = Math.ceil(entry.deadlineAt / tickMs);
    const slot = tick % slotCount;
    const head = this.#slots[slot] ?? null;
    entry.wheelPrevious = null;
    entry.wheelNext = head;
    if (head) head.wheelPrevious = entry;
    this.#slots[slot] = entry;
    entry.inWheel = true;
    this.#size += 1;
    if (this.#timer === null) this.#start();
  }

  /** Takes an entry out before its deadline; nothing happens when it is not in the wheel. */
  remove(entry: WheelEntry): void {
    if (!entry.inWheel) return;
    const { wheelPrevious: previous, wheelNext: next } = entry;
    if (previous) previous.wheelNext = next;
    else this.#slots[Math.ceil(entry.deadlineAt / tickMs) % slotCount] = next;
    if (next) next.wheelPrevious = previous;
    entry.wheelNext = null;
    entry.wheelPrevious = null;
    entry.inWheel = false;
    this.#size -= 1;
    // The timer is left to its next tick, which stops it: cheaper than a cancel for every answer.
  }

  #start(): void {
    this.#tick = Math.floor(this.#clock.now() / tickMs);
    this.#timer = this.#clock.after(tickMs, this.#advance);
  }

  readonly #advance = (): void => {
    const now = this.#clock.now();
    const current = Math.floor(now / tickMs);
    // From the last tick on, to which deadlines may have been added since; a late timer catches up
    // on the slots that it missed, each at most once.
    const first = Math.max(this.#tick, current - slotCount + 1);
    this.#tick = current;
    for (let tick = first; tick <= current; tick += 1) this.#expire(tick % slotCount, now);
    this.#timer = this.#size === 0 ? null : this.#clock.after(tickMs, this.#advance);
  };

  #expire(slot: number, now: number): void {
    const due: WheelEntry[] = [];
    for (let entry = this.#slots[slot] ?? null; entry !== null; entry = entry.wheelNext) {
      if (entry.deadlineAt <= now) due.push(entry);
    }
    // Taken out first, then told: what they do may add and remove in this very slot.
    for (const entry of due) this.remove(entry);
    for (const entry of due) entry.onDeadline();
  }
}
