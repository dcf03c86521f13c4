import type { Clock, Log } from "../core/index.ts";
import { handlerScope } from "./handler-scope.ts";
import { Mailbox } from "./mailbox.ts";

/** What a scheduler runs: an actor's cell. */
export interface Runnable {
  /** Handles up to `limit` messages; true when it wants another turn. */
  runTurn(limit: number): boolean;
}

/** Decides when, and in which order, those that have work get their turns. */
export interface Scheduler {
  /** Called when a runnable that was idle has work; it is not called again before its turn. */
  ready(runnable: Runnable): void;
  /** Called by `flushLater` of the kernel: `flush` runs when the present turns are over. */
  onIdle(flush: () => void): void;
}

/** Messages that one actor handles before the next one has its turn. */
export const messagesPerTurn = 64;
/** The same while turns are found to be slow. */
const messagesPerSlowTurn = 4;
/** How long turns follow each other before the thread looks at its sockets and timers. */
export const yieldAfterMs = 2;

/**
 * Turns between two looks at the clock, which costs as much as a short turn. A stretch of several
 * turns that took too long makes the next ones short and timed one by one: the thread then yields in
 * time, and who is slow again is known exactly. A turn of full length is always timed.
 */
const turnsPerReading = 8;
const turnsTimedSingly = 1_024;

/** Told of turns that took long together: one, or up to eight that were timed as one. */
export type SlowTurn = (runnables: readonly Runnable[], durationMs: number) => void;

/** Writes one line for turns that took long. */
export function logSlowTurn(log: Log): SlowTurn {
  return (runnables, durationMs) => {
    const actor = [...new Set(runnables.map(String))].join(" or ");
    log("warn", "slow turn", { actor, durationMs: Math.round(durationMs) });
  };
}

/**
 * The real scheduler of a thread: fair turns, first come first served. Turns begin in a microtask,
 * so that a message is handled before the thread goes back to its event loop; after 2 ms of turns
 * the rest waits for the event loop to come round. A chain of asks that lives in microtasks alone
 * is caught by the same clock: 2 ms after the last visit to the event loop the next turns go
 * through it.
 */
export class Dispatcher implements Scheduler {
  readonly #clock: Clock;
  readonly #onSlowTurn: SlowTurn;
  readonly #slowTurnMs: number;
  readonly #queue = new Mailbox<Runnable>();
  #flush: (() => void) | null = null;
  #requested = false;
  #yieldedAt: number;
  /** The turns since the last look at the clock. */
  readonly #untimed: (Runnable | null)[] = new Array(turnsPerReading).fill(null);
  #turns = 0;
  #timedSingly = 0;

  constructor(clock: Clock, slowTurnMs: number, onSlowTurn: SlowTurn) {
    this.#clock = clock;
    this.#slowTurnMs = slowTurnMs;
    this.#onSlowTurn = onSlowTurn;
    this.#yieldedAt = clock.now();
  }

  ready(runnable: Runnable): void {
    this.#queue.push(runnable);
    if (!this.#requested) this.#request();
  }

  onIdle(flush: () => void): void {
    this.#flush = flush;
    if (!this.#requested) this.#request();
  }

  #request(): void {
    this.#requested = true;
    // Turns are not part of the handler that happens to wake them.
    if (handlerScope.getStore() === undefined) queueMicrotask(this.#run);
    else handlerScope.exit(() => queueMicrotask(this.#run));
  }

  readonly #afterYield = (): void => {
    this.#yieldedAt = this.#clock.now();
    this.#run();
  };

  readonly #run = (): void => {
    let now = this.#clock.now();
    if (now - this.#yieldedAt > yieldAfterMs) {
      // Perhaps the thread was idle, perhaps it never left its microtasks: the loop will tell.
      setImmediate(this.#afterYield);
      return;
    }
    const queue = this.#queue;
    for (let runnable = queue.shift(); runnable !== undefined; runnable = queue.shift()) {
      this.#untimed[this.#turns] = runnable;
      this.#turns += 1;
      const more = runnable.runTurn(this.#timedSingly > 0 ? messagesPerSlowTurn : messagesPerTurn);
      if (more) queue.push(runnable);
      if (!more && this.#turns < turnsPerReading && this.#timedSingly === 0 && !queue.isEmpty)
        continue;
      now = this.#readClock(now);
      if (now - this.#yieldedAt > yieldAfterMs) break;
    }
    this.#flushNow();
    // A flush may have made new work, or wait for the next one.
    if (!queue.isEmpty || this.#flush !== null) {
      setImmediate(this.#afterYield);
      return;
    }
    this.#requested = false;
  };

  #readClock(before: number): number {
    const now = this.#clock.now();
    if (this.#timedSingly > 0) this.#timedSingly -= 1;
    const durationMs = now - before;
    if (durationMs > yieldAfterMs) this.#timedSingly = turnsTimedSingly;
    if (durationMs > this.#slowTurnMs) {
      const turns = this.#untimed.slice(0, this.#turns);
      this.#onSlowTurn(
        turns.filter((turn) => turn !== null),
        durationMs,
      );
    }
    this.#turns = 0;
    return now;
  }

  #flushNow(): void {
    const flush = this.#flush;
    if (flush === null) return;
    this.#flush = null;
    flush();
  }
}
