import { type ErrorRecord, fromErrorRecord, type TroupeError } from "../core/index.ts";
import type { AskCarrier, Asks, PendingAsk } from "./ask.ts";

/** The asks that have gone out over one way to another thread or node, and wait for what comes back. */
export class AsksOut implements AskCarrier {
  readonly #asks: Asks;
  readonly #cancel: (askId: number) => void;
  readonly #waiting = new Map<number, PendingAsk>();
  #lastId = 0;

  /** `cancel` tells the other side that nobody waits for an answer any more. */
  constructor(asks: Asks, cancel: (askId: number) => void) {
    this.#asks = asks;
    this.#cancel = cancel;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Takes an ask along; the result is the number under which it is to be answered. */
  add(ask: PendingAsk): number {
    this.#lastId += 1;
    ask.linkId = this.#lastId;
    ask.carrier = this;
    this.#waiting.set(this.#lastId, ask);
    return this.#lastId;
  }

  /** An answer came; one that comes too late is counted. */
  resolve(askId: number, value: unknown): void {
    const ask = this.#waiting.get(askId);
    if (ask === undefined) this.#asks.late += 1;
    else ask.resolve(value);
  }

  /** The same for an answer that is an error. */
  fail(askId: number, error: ErrorRecord): void {
    const ask = this.#waiting.get(askId);
    if (ask === undefined) this.#asks.late += 1;
    else ask.reject(fromErrorRecord(error));
  }

  /** It could not be sent; nothing happens when it has its end already. */
  reject(askId: number, error: TroupeError): void {
    this.#waiting.get(askId)?.reject(error);
  }

  /** The way is lost: none will be answered. */
  rejectAll(reason: () => TroupeError): void {
    for (const ask of [...this.#waiting.values()]) ask.reject(reason());
  }

  settled({ linkId }: PendingAsk): void {
    this.#waiting.delete(linkId);
  }

  abandoned({ linkId }: PendingAsk): void {
    this.#cancel(linkId);
  }
}
