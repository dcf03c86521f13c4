import { TroupeError } from "../core/index.ts";
import type { Method } from "./actor-class.ts";

/**
 * Where the answer to an ask goes. It takes one answer: a second one, or one that comes after the
 * asker has given up, is dropped and counted.
 */
export interface Reply {
  /** True once the asker has its answer or has given up waiting. */
  readonly settled: boolean;
  /** On the clock's `now` of this thread; Infinity for an ask without a deadline. */
  readonly deadlineAt: number;
  /** Set by whoever works on the answer; called when the asker gives up before it came. */
  onAbandon: ((reason: TroupeError) => void) | null;
  resolve(value: unknown): void;
  reject(error: TroupeError): void;
}

/** A message in a mailbox: a public method, its arguments, and who waits for it. */
export class Envelope {
  readonly method: Method;
  readonly args: readonly unknown[];
  readonly reply: Reply | null;
  #cancellation: Cancellation | null = null;

  constructor(method: Method, args: readonly unknown[], reply: Reply | null) {
    this.method = method;
    this.args = args;
    this.reply = reply;
  }

  /** Aborted when the asker gives up, or the actor stops, before the method has answered. */
  get signal(): AbortSignal {
    const cancellation = this.#cancel();
    if (cancellation.controller === null) {
      cancellation.controller = new AbortController();
      if (this.reply !== null) this.reply.onAbandon = (reason) => this.abort(reason);
      if (this.reply?.settled) {
        cancellation.reason ??= new TroupeError("cancelled", "nobody waits any more");
      }
      if (cancellation.reason !== null) cancellation.controller.abort(cancellation.reason);
    }
    return cancellation.controller.signal;
  }

  abort(reason: TroupeError): void {
    const cancellation = this.#cancel();
    cancellation.reason ??= reason;
    cancellation.controller?.abort(reason);
  }

  #cancel(): Cancellation {
    this.#cancellation ??= { controller: null, reason: null };
    return this.#cancellation;
  }
}

/** Made when the signal of a message is looked at, or when it is aborted. */
interface Cancellation {
  controller: AbortController | null;
  reason: TroupeError | null;
}
