import type { Clock } from "#runtime";

/** What waiting comes to when the caller has given up. */
export const INTERRUPTED: unique symbol = Symbol("interrupted");

/** Ends waits when a signal fires. Listens to the signal from its first wait on, until `end`. */
export class Interruption {
  readonly #signal: AbortSignal | undefined;
  #fired: Promise<typeof INTERRUPTED> | null = null;
  #stopListening: () => void = () => {};

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  get hasFired(): boolean {
    return this.#signal?.aborted === true;
  }

  /** What the promise gives, unless the signal fires before. */
  wait<T>(promise: Promise<T>): Promise<T | typeof INTERRUPTED> {
    const signal = this.#signal;
    if (signal === undefined) return promise;
    this.#fired ??= new Promise((resolve) => {
      const fire = (): void => resolve(INTERRUPTED);
      if (signal.aborted) fire();
      signal.addEventListener("abort", fire, { once: true });
      this.#stopListening = () => signal.removeEventListener("abort", fire);
    });
    return Promise.race([promise, this.#fired]);
  }

  /** Lets `delayMs` pass, unless the signal fires before. */
  async pause(clock: Clock, delayMs: number): Promise<undefined | typeof INTERRUPTED> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = clock.after(delayMs, () => resolve(undefined));
    const outcome = await this.wait(promise);
    timer.cancel();
    return outcome;
  }

  end(): void {
    this.#stopListening();
  }
}
