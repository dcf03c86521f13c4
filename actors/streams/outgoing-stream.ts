import { type Clock, isReplyError, TroupeError, toErrorRecord } from "#runtime";
import type { StreamEnd } from "../request/index.ts";
import { encodeStreamFailure, INTERNAL_MESSAGE, streamWindowChars } from "../request/index.ts";
import { guardSignal } from "./guarded-signal.ts";

/** What an outgoing stream needs of where it is produced. */
export interface OutgoingStreamParts {
  /** Chunks that may be under way without having been granted. */
  readonly window: number;
  readonly clock: Clock;
  /** Sends the consumer JSON texts and the end; false: it has to be sent again a little later. */
  readonly send: (chunks: readonly string[], end: StreamEnd | null) => boolean;
  /** Something went wrong that the client is told no details of. */
  readonly report: (fault: string, error: unknown) => void;
  /** It has sent its end, or was stopped: nothing concerns it any more. */
  readonly onOver: () => void;
}

/** Chunks that may wait here for grants because their producer does not wait for room. */
const maxUnsent = 10_000;

/** After this time a message that found no room on its way is sent again, so many times in a row. */
const resendMs = 10;
const maxResends = 1_000;

/**
 * One stream where it is made: takes chunks, encodes each at once, and sends what there is at the end
 * of a turn, within what the consumer has granted. It ends by `end`, `fail` or `close`, or is stopped
 * by the consumer; `signal` is aborted unless it ended by itself.
 */
export class OutgoingStream {
  readonly signal: AbortSignal;
  readonly #parts: OutgoingStreamParts;
  readonly #controller = new AbortController();
  #credit: number;
  #unsent: string[] = [];
  /** The lengths of all chunks that were not granted yet, and their sum. */
  readonly #lengths: number[] = [];
  #chars = 0;
  #end: StreamEnd | null = null;
  #isAnnounced = false;
  #isOver = false;
  #isFlushing = false;
  #isClosed = false;
  #resends = 0;
  #waiting: (() => void)[] = [];
  /** Set by whoever drives it: closes what the chunks come from. */
  onStopped: (() => void) | null = null;

  constructor(parts: OutgoingStreamParts) {
    this.#parts = parts;
    this.#credit = parts.window;
    this.signal = guardSignal(this.#controller, (error) =>
      parts.report("an abort listener failed", error),
    );
  }

  /** True when no further chunk can be taken: it has ended, or nobody wants it. */
  get isEnding(): boolean {
    return this.#isOver || this.#end !== null;
  }

  /** Whether the next chunk can go out at once. */
  get hasRoom(): boolean {
    return this.#unsent.length < this.#credit && this.#chars < streamWindowChars;
  }

  /** Whether the consumer has been told that it is open. */
  get isAnnounced(): boolean {
    return this.#isAnnounced;
  }

  /** Tells the consumer at once that the stream is open; false when there is no way to it. */
  announce(): boolean {
    this.#isAnnounced = this.#parts.send([], null);
    return this.#isAnnounced;
  }

  /**
   * Takes a chunk; it has no effect after the end. One that has no JSON form, or that comes when
   * 10,000 wait, fails the stream.
   */
  push(chunk: unknown): void {
    if (this.isEnding) return;
    const text = this.#encode(chunk);
    if (text === null) return;
    this.#lengths.push(text.length);
    this.#chars += text.length;
    if (this.#unsent.push(text) > maxUnsent) {
      this.fail(new Error(`${maxUnsent} chunks wait: its producer does not wait for room`));
    } else this.#flushLater();
  }

  /** Resolves when there is room for a chunk, or no chunk is taken any more. */
  room(): Promise<void> {
    if (this.hasRoom || this.isEnding) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** It is complete; `last` is the result of its last Response, undefined: there is none. */
  end(last?: unknown): void {
    if (this.isEnding) return;
    const text = last === undefined ? null : this.#encode(last);
    if (!this.isEnding) this.#endWith({ ok: true, last: text });
  }

  /** It failed: a ServiceError is told as it is, anything else is reported and `internal`. */
  fail(error: unknown): void {
    if (this.isEnding) return;
    if (isReplyError(error)) {
      this.#endWith(encodeStreamFailure(error));
    } else {
      this.#parts.report("stream failed", error);
      const { message: detail } = toErrorRecord(error);
      this.#endWith({ ok: false, code: "internal", message: INTERNAL_MESSAGE, detail });
    }
    this.#abort("the stream has failed");
  }

  /** Ends it from outside, at once, with what was granted so far. */
  close(code: string, message: string): void {
    if (this.#isOver) return;
    this.#isClosed = true;
    const isCut = this.#unsent.length > this.#credit;
    if (isCut) this.#unsent.length = this.#credit;
    if (isCut || this.#end === null) this.#end = { ok: false, code, message, detail: null };
    this.#abort(message);
    this.#flush();
  }

  // --- from the consumer ---------------------------------------------------------------------

  /** So many chunks more may be sent. */
  grant(count: number): void {
    this.#credit += count;
    for (let taken = 0; taken < count && this.#lengths.length > 0; taken += 1) {
      this.#chars -= this.#lengths.shift() ?? 0;
    }
    if (this.#unsent.length > 0) this.#flushLater();
    if (this.hasRoom) this.#wake();
  }

  /** Nobody takes it any more. */
  stop(): void {
    if (this.#isOver) return;
    this.#unsent = [];
    this.#over();
    this.#abort("the stream was stopped");
  }

  // --- sending -------------------------------------------------------------------------------

  #encode(value: unknown): string | null {
    try {
      return JSON.stringify(value) ?? "null";
    } catch (error) {
      const { message } = toErrorRecord(error);
      this.fail(new Error(`the chunk has no JSON form: ${message}`, { cause: error }));
      return null;
    }
  }

  #endWith(end: StreamEnd): void {
    this.#end = end;
    this.#wake();
    this.#flushLater();
  }

  /** Behind all microtasks: what a generator yields without waiting for anything goes together. */
  #flushLater(): void {
    if (this.#isFlushing || this.#isOver) return;
    this.#isFlushing = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushing = false;
    if (this.#isOver) return;
    const count = Math.min(this.#unsent.length, this.#credit);
    const isAll = count === this.#unsent.length;
    const isLast = isAll && this.#end !== null;
    if (count === 0 && !isLast) return;
    const chunks = isAll ? this.#unsent : this.#unsent.slice(0, count);
    if (!this.#parts.send(chunks, isLast ? this.#end : null)) {
      this.#flushAgain();
      return;
    }
    this.#resends = 0;
    this.#unsent = isAll ? [] : this.#unsent.slice(count);
    this.#credit -= count;
    if (isLast) this.#over();
  };

  /** The way may be full for now. A consumer that is gone is told of, unless it is too late for that. */
  #flushAgain(): void {
    this.#resends += 1;
    if (this.#isClosed || this.#resends > maxResends) {
      this.stop();
      return;
    }
    this.#isFlushing = true;
    this.#parts.clock.after(resendMs, this.#flush);
  }

  #over(): void {
    this.#isOver = true;
    this.#wake();
    this.#parts.onOver();
  }

  #abort(message: string): void {
    this.#wake();
    this.onStopped?.();
    this.onStopped = null;
    this.#controller.abort(new TroupeError("cancelled", message));
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
