import { TroupeError } from "../core/index.ts";
import type { MethodEntry } from "./actor-class.ts";

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

/** A message in a mailbox: the name of a public method, its arguments, and who waits for it. */
export class Envelope {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly reply: Reply | null;
  /** The method as the sender's stub found it; null when only its name is known. */
  readonly entry: MethodEntry | null;
  #controller: AbortController | null = null;
  #aborted: TroupeError | null = null;

  constructor(
    method: string,
    args: readonly unknown[],
    reply: Reply | null,
    entry: MethodEntry | null = null,
  ) {
    this.entry = entry;
    this.method = method;
    this.args = args;
    this.reply = reply;
  }

  /** Aborted when the asker gives up, or the actor stops, before the method has answered. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.reply !== null) this.reply.onAbandon = (reason) => this.abort(reason);
      if (this.reply?.settled)
        this.#aborted ??= new TroupeError("cancelled", "nobody waits any more");
      if (this.#aborted !== null) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  abort(reason: TroupeError): void {
    this.#aborted ??= reason;
    this.#controller?.abort(reason);
  }
}
