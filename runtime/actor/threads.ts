import { Actor } from "./actor.ts";
import type { ResourceLimits } from "./context.ts";

/** The actor number of the threads' keeper on the main thread. */
export const threadsId = 3;

/** How threads come and go; the system has it. */
export interface ThreadsPort {
  /** The scheduler threads. */
  readonly schedulers: readonly number[];
  /** Starts a thread for one actor; resolves with its number once every other thread knows it. */
  openDedicated(limits: ResourceLimits): Promise<number>;
  /** Ends a dedicated thread whose actor is gone. */
  closeDedicated(thread: number): Promise<void>;
}

/** The main thread's actor that gives out threads. */
export class Threads extends Actor {
  readonly #port: ThreadsPort;
  #turn = 0;

  constructor(port: ThreadsPort) {
    super();
    this.#port = port;
  }

  /** The scheduler threads in turn; the main thread when there are none. */
  next(): number {
    const { schedulers } = this.#port;
    this.#turn += 1;
    return schedulers[this.#turn % schedulers.length] ?? 0;
  }

  openDedicated(limits: ResourceLimits): Promise<number> {
    return this.#port.openDedicated(limits);
  }

  closeDedicated(thread: number): Promise<void> {
    return this.#port.closeDedicated(thread);
  }
}
