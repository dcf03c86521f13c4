import { Actor, type ActorRef, type Signal, type Timer } from "#runtime";
import { type BulkheadLimits, PermitQueue } from "./permit-queue.ts";

/** What a bulkhead holds. */
export interface BulkheadStatus {
  /** Calls inside. */
  readonly held: number;
  /** Calls that wait to come in. */
  readonly waiting: number;
}

/** What a thread holds: its porter, and the tickets. */
export type HeldTickets = readonly [porter: ActorRef, tickets: readonly number[]];

/** A bulkhead in which nobody has been for so long goes. */
const idleMs = 60_000;

/**
 * The permits of one key, for all threads. Each thread stands behind its porter: when that is gone,
 * the thread is, and what it held is free. It stops of itself when nobody has used it for a while;
 * whoever comes then is told `actor_stopped`, and finds the next one.
 */
export class Bulkhead extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #queue = new PermitQueue();
  readonly #adopted: readonly HeldTickets[];
  #lastUseMs: number = this.context.clock.now();
  #timer: Timer | null = null;

  /** `adopted` is what threads hold already, of a bulkhead of the same key that was lost. */
  constructor(adopted: readonly HeldTickets[]) {
    super();
    this.#adopted = adopted;
  }

  protected override init(): void {
    for (const [porter, tickets] of this.#adopted) this.adopt(porter, tickets);
    this.#used();
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    this.#queue.drop(signal.ref.key);
    this.#used();
  }

  /**
   * Wants in, under limits as the caller knows them: the latest ones hold. True with the permit,
   * which may take its time, in the order of coming; false when there is no room to wait.
   */
  enter(
    porter: ActorRef,
    ticket: number,
    maxConcurrent: number,
    maxQueue: number,
  ): boolean | Promise<boolean> {
    const limits: BulkheadLimits = { maxConcurrent, maxQueue };
    this.#queue.resize(limits);
    this.context.watch(porter);
    let settle: (granted: boolean) => void = () => {};
    const entrance = this.#queue.enter(porter.key, ticket, (granted) => settle(granted));
    this.#used();
    if (entrance !== "waiting") return entrance === "held";
    return new Promise((resolve) => {
      settle = resolve;
    });
  }

  /** Gives a permit back, or the wait for it up. */
  leave(porter: ActorRef, ticket: number): void {
    this.#queue.leave(porter.key, ticket);
    this.#used();
  }

  /** Counts what a thread holds already, of a bulkhead of the same key that was lost. */
  adopt(porter: ActorRef, tickets: readonly number[]): void {
    for (const ticket of tickets) this.#queue.adopt(porter.key, ticket);
    this.context.watch(porter);
    this.#used();
  }

  status(): BulkheadStatus {
    const { held, waiting } = this.#queue;
    return { held, waiting };
  }

  #used(): void {
    this.#lastUseMs = this.context.clock.now();
    if (this.#timer === null) this.#watchIdleness();
  }

  /** One timer that looks again when it was too early, instead of one for each call. */
  #watchIdleness(): void {
    const leftMs = this.#lastUseMs + idleMs - this.context.clock.now();
    this.#timer = this.context.after(leftMs, () => {
      this.#timer = null;
      const isEmpty = this.#queue.held + this.#queue.waiting === 0;
      const isOver = this.context.clock.now() >= this.#lastUseMs + idleMs;
      if (isEmpty && isOver) this.context.stop();
      // Whoever is inside has yet to leave, and starts it again.
      else if (isEmpty) this.#watchIdleness();
    });
  }
}
