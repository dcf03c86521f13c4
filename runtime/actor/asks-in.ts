import { TroupeError } from "../core/index.ts";
import type { Kernel } from "./kernel.ts";
import { type AnswerPort, RemoteReply } from "./remote-reply.ts";

/** The asks that have come in over one way from another thread or node, and are being worked on. */
export class AsksIn {
  readonly #kernel: Kernel;
  readonly #port: AnswerPort;
  readonly #serving = new Map<number, RemoteReply>();

  constructor(kernel: Kernel, port: AnswerPort) {
    this.#kernel = kernel;
    this.#port = port;
  }

  get size(): number {
    return this.#serving.size;
  }

  /** The way back for an ask; `deadlineAt` is on the clock's `now` of this thread. */
  add(askId: number, deadlineAt: number): RemoteReply {
    const reply = new RemoteReply(this.#port, this.#kernel, askId, deadlineAt);
    this.#serving.set(askId, reply);
    return reply;
  }

  /** It is being answered. */
  delete(askId: number): void {
    this.#serving.delete(askId);
  }

  /** The asker has given up. */
  cancel(askId: number): void {
    this.#serving.get(askId)?.cancel(new TroupeError("cancelled", "the asker gave up"));
    this.#serving.delete(askId);
  }

  /** The askers are gone. */
  cancelAll(message: string): void {
    for (const reply of this.#serving.values()) {
      reply.cancel(new TroupeError("cancelled", message));
    }
    this.#serving.clear();
  }
}
