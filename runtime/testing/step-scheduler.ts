import type { Runnable, Scheduler } from "../actor/index.ts";
import { type Random, seededRandom } from "../core/index.ts";

/** Steps after which {@link StepScheduler.settle} takes it that the program never rests. */
export const defaultMaxSteps = 100_000;

/**
 * A scheduler that takes one step at a time, in an order that a seed decides: each step gives one
 * of those that are ready, chosen by chance, a turn of one message. The same program with the same
 * seed takes the same steps; other seeds find the orders that a real thread takes once a year.
 * A pending flush is one of the choices, as a link flushes at any time between turns.
 */
export class StepScheduler implements Scheduler {
  /** The seed of the order; name it when a test fails. */
  readonly seed: number;
  readonly #random: Random;
  readonly #maxSteps: number;
  readonly #ready: Runnable[] = [];
  readonly #flushes = new Set<() => void>();
  #taken = 0;
  #settling: Promise<void> | null = null;

  constructor(seed: number, maxSteps: number = defaultMaxSteps) {
    this.seed = seed;
    this.#maxSteps = maxSteps;
    this.#random = seededRandom(seed);
  }

  /** How many steps have been taken. */
  get taken(): number {
    return this.#taken;
  }

  /** How many are ready for a turn. */
  get readyCount(): number {
    return this.#ready.length;
  }

  ready(runnable: Runnable): void {
    this.#ready.push(runnable);
  }

  onIdle(flush: () => void): void {
    this.#flushes.add(flush);
  }

  /** Takes one step; false when there was none to take. Promise continuations do not run in it. */
  step(): boolean {
    const choices = this.#ready.length + (this.#flushes.size > 0 ? 1 : 0);
    if (choices === 0) return false;
    this.#taken += 1;
    const choice = Math.floor(this.#random() * choices);
    if (choice === this.#ready.length) this.#flush();
    else this.#run(choice);
    return true;
  }

  /**
   * Steps until nothing is ready; promise continuations run before each step and after the last.
   * It waits for no timer and no I/O.
   * @throws Error that names the seed when the program does not rest within the bound of steps.
   */
  async settle(): Promise<void> {
    // One at a time: two that step in turns would depend on each other's promises for the order.
    while (this.#settling !== null) await this.#settling;
    this.#settling = this.#settle(() => false);
    try {
      await this.#settling;
    } finally {
      this.#settling = null;
    }
  }

  /**
   * Steps until `promise` is settled, and gives what it gives.
   * @throws Error that names the seed when nothing is ready and the promise is still pending, or
   * when the bound of steps is reached.
   */
  async until<T>(promise: PromiseLike<T>): Promise<T> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    while (this.#settling !== null) await this.#settling;
    this.#settling = this.#settle(() => settled);
    try {
      await this.#settling;
    } finally {
      this.#settling = null;
    }
    if (!settled) throw new Error(`nothing is ready and the promise is pending ${this.#where()}`);
    return promise;
  }

  async #settle(isDone: () => boolean): Promise<void> {
    const last = this.#taken + this.#maxSteps;
    await promiseContinuations();
    while (!isDone() && this.step()) {
      if (this.#taken > last) {
        throw new Error(`no rest within ${this.#maxSteps} steps ${this.#where()}`);
      }
      await promiseContinuations();
    }
  }

  #run(choice: number): void {
    const runnable = this.#ready[choice] as Runnable;
    const last = this.#ready.pop() as Runnable;
    if (last !== runnable) this.#ready[choice] = last;
    if (runnable.runTurn(1)) this.#ready.push(runnable);
  }

  #flush(): void {
    const flushes = [...this.#flushes];
    this.#flushes.clear();
    for (const flush of flushes) flush();
  }

  #where(): string {
    return `(seed ${this.seed}, step ${this.#taken})`;
  }
}

/** Resolves when every promise continuation that could run has run. */
function promiseContinuations(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
