import type { ActorRef, ReplyError, Timer } from "#runtime";
import {
  encodeStreamFailure,
  HANDLER_FAILED,
  INTERNAL_MESSAGE,
  type StreamEnd,
  type StreamOpening,
  streamedMessage,
} from "../request/index.ts";
import type { Job } from "./job.ts";
import { type PoolHost, PoolRun } from "./pool-run.ts";

/** Time that a generator has to end once its stream is stopped; then its thread is ended. */
const streamGraceMs = 1_000;

/** After this time a message that found no room on its way is sent again. */
const RESEND_MS = 10;

type Message = readonly [chunks: readonly string[], end: StreamEnd | null];

/** What the owner of a pool's stream hears. */
export interface PoolStreamListener {
  /** Its consumer has been told whom to send grants. */
  onOpen(): void;
  /** Neither grants nor stops mean anything any more. */
  onOver(): void;
  /** Called once, when its thread is free. */
  onEnd(failure: ReplyError | null): void;
}

/** One stream that a pool produces: the bridge between its thread and its consumer. */
export class PoolStream {
  readonly consumer: ActorRef;
  readonly id: number;
  readonly run: PoolRun;
  readonly #host: PoolHost;
  readonly #listener: PoolStreamListener;
  /** What found no room on its way; not more than the window. */
  #unsent: Message[] = [];
  #resend: Timer | null = null;
  #retirement: Timer | null = null;
  #isOpen = false;
  #isOver = false;

  /**
   * Gives the stream's job to the pool; `remainingMs` is the time for its opening.
   * @throws ReplyError `queue_full`.
   */
  constructor(
    host: PoolHost,
    job: Job,
    remainingMs: number,
    { consumer, id }: StreamOpening,
    listener: PoolStreamListener,
  ) {
    this.#host = host;
    this.#listener = listener;
    this.consumer = consumer;
    this.id = id;
    this.run = new PoolRun(host, job, remainingMs, {
      onChunks: (chunks, end) => this.#forward([chunks, end]),
      onEnd: (_value, failure) => {
        // A stream that was not opened is the failure of the call that asked for it.
        if (failure !== null && this.#isOpen) this.#forward([[], encodeFailure(failure)]);
        else if (!this.#isOpen) this.#over();
        listener.onEnd(failure);
      },
    });
  }

  /** Whether its consumer has heard of it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Nobody takes it any more. */
  stop(reason: string): void {
    this.#unsent = [];
    this.#over();
    this.run.cancel(streamGraceMs, reason);
  }

  /** It ends from this side: the consumer is told so. */
  close(message: string): void {
    if (this.#isOpen) {
      this.#forward([[], { ok: false, code: "unavailable", message, detail: null }]);
    }
    this.run.cancel(streamGraceMs, message);
  }

  /** Its service is there no more: it may come to its end within `limitMs`. */
  retire(limitMs: number, message: string): void {
    this.#retirement ??= this.#host.context.clock.after(limitMs, () => this.close(message));
  }

  /** Its service is there after all. */
  keep(): void {
    this.#retirement?.cancel();
    this.#retirement = null;
  }

  #forward(message: Message): void {
    if (this.#isOver) return;
    this.#unsent.push(message);
    if (this.#resend === null) this.#flush();
  }

  #flush(): void {
    this.#resend = null;
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      if (!this.#send(next)) {
        this.#resend = this.#host.context.clock.after(RESEND_MS, () => this.#flush());
        return;
      }
      this.#unsent.shift();
      if (next[1] !== null) this.#over();
    }
  }

  #send([chunks, end]: Message): boolean {
    const { consumer, id } = this;
    // Its first message says who takes grants and stops.
    const producer = this.#isOpen ? null : this.#host.context.self;
    const message = [id, chunks, end, producer];
    if (!consumer.sender.send(consumer, streamedMessage, message)) return false;
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.run.unbind();
      this.#listener.onOpen();
    }
    return true;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#resend?.cancel();
    this.keep();
    this.#listener.onOver();
  }
}

function encodeFailure(error: ReplyError): StreamEnd {
  const { code, message } = error;
  if (code !== HANDLER_FAILED) return encodeStreamFailure(error);
  return { ok: false, code: "internal", message: INTERNAL_MESSAGE, detail: message };
}
