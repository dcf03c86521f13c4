import type { TroupeError } from "../core/index.ts";
import type { Reply } from "./envelope.ts";
import type { Kernel } from "./kernel.ts";

/** Takes an answer back to where the ask came from. */
export interface AnswerPort {
  answer(askId: number, value: unknown): void;
  fail(askId: number, error: TroupeError): void;
}

/** The way back to an asker on another thread or node; it takes one answer. */
export class RemoteReply implements Reply {
  readonly #port: AnswerPort;
  readonly #kernel: Kernel;
  readonly #askId: number;
  readonly deadlineAt: number;
  onAbandon: ((reason: TroupeError) => void) | null = null;
  #done = false;

  /** `deadlineAt` is on the clock's `now` of this thread. */
  constructor(port: AnswerPort, kernel: Kernel, askId: number, deadlineAt: number) {
    this.#port = port;
    this.#kernel = kernel;
    this.#askId = askId;
    this.deadlineAt = deadlineAt;
  }

  /** The asker's deadline may pass here before word of it arrives. */
  get settled(): boolean {
    return this.#done || this.#kernel.clock.now() > this.deadlineAt;
  }

  resolve(value: unknown): void {
    if (this.#end()) this.#port.answer(this.#askId, value);
  }

  reject(error: TroupeError): void {
    if (this.#end()) this.#port.fail(this.#askId, error);
  }

  /** The asker has gone; an answer after this one is late. */
  cancel(reason: TroupeError): void {
    if (this.#done) return;
    this.#done = true;
    this.onAbandon?.(reason);
  }

  #end(): boolean {
    if (this.#done) {
      this.#kernel.asks.late += 1;
      return false;
    }
    this.#done = true;
    return true;
  }
}
