import { ReplyError, toErrorRecord } from "../core/index.ts";
import { Actor } from "./actor.ts";
import type { ResourceLimits } from "./context.ts";

/** The actor number of the threads' keeper on the main thread. */
export const threadsId = 3;

/** What a dedicated thread is opened with. */
export interface DedicatedRequest {
  readonly limits: ResourceLimits;
  /** The thread of the parent: when it dies, nobody is left who would end the new one. */
  readonly ownerThread: number;
  /** How long the actor may take to stop, ms. */
  readonly shutdownMs: number;
}

/** How threads come and go; the system has it. */
export interface ThreadsPort {
  /** The scheduler threads. */
  readonly schedulers: readonly number[];
  /** Starts a thread for one actor; resolves with its number once every other thread knows it. */
  openDedicated(request: DedicatedRequest): Promise<number>;
  /** Ends a dedicated thread that has no actor. */
  closeDedicated(thread: number): Promise<void>;
  /**
   * An actor on a dedicated thread was asked to stop within `withinMs` (default: its shutdown
   * time): a thread that is stuck by then is ended.
   */
  expectEnd(thread: number, incarnation: number, withinMs: number | undefined): void;
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

  /** @throws ReplyError `start_failed` and others when there is no such thread to have. */
  async openDedicated(request: DedicatedRequest): Promise<number> {
    const signal = this.context.message?.signal;
    let thread: number;
    try {
      thread = await this.#port.openDedicated(request);
    } catch (error) {
      // Whatever kept the thread from starting is an answer; the keeper itself is well.
      const { code, message } = toErrorRecord(error);
      throw new ReplyError(code || "start_failed", message, error);
    }
    // Nobody would ever use a thread whose asker did not wait for it.
    if (signal?.aborted) await this.#port.closeDedicated(thread);
    return thread;
  }

  closeDedicated(thread: number): Promise<void> {
    return this.#port.closeDedicated(thread);
  }

  expectEnd(thread: number, incarnation: number, withinMs: number | undefined): void {
    this.#port.expectEnd(thread, incarnation, withinMs);
  }
}
