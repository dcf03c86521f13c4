import type { Clock } from "../core/index.ts";
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
/** How long turns follow each other before the thread looks at its sockets and timers. */
export const yieldAfterMs = 2;

/** What the dispatcher reports of a turn that took long. */
export type SlowTurn = (runnable: Runnable, durationMs: number) => void;

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
    queueMicrotask(this.#run);
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
    let runnable = queue.shift();
    while (runnable !== undefined) {
      const startedAt = now;
      if (runnable.runTurn(messagesPerTurn)) queue.push(runnable);
      now = this.#clock.now();
      if (now - startedAt > this.#slowTurnMs) this.#onSlowTurn(runnable, now - startedAt);
      if (now - this.#yieldedAt > yieldAfterMs) break;
      runnable = queue.shift();
    }
    this.#flushNow();
    if (queue.size > 0) {
      setImmediate(this.#afterYield);
      return;
    }
    this.#requested = false;
  };

  #flushNow(): void {
    const flush = this.#flush;
    if (flush === null) return;
    this.#flush = null;
    flush();
  }
}
