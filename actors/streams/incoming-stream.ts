import type { ActorRef } from "#runtime";
import type { StreamEnd } from "../request/index.ts";
import {
  failureResponse,
  type Response,
  streamEnded,
  streamWindowChars,
} from "../request/index.ts";
import type { StreamTexts } from "./streams.ts";

/** Where the chunks of a stream go in the end. */
export interface StreamSink {
  /** Asked before each chunk; when it says no, `Streams.resume` is to be called later. */
  hasRoom(): boolean;
  /** `text` is the JSON of one result. */
  chunk(text: string): void;
  /** The final Response; nothing comes after it. */
  end(response: Response): void;
}

/** What an incoming stream needs of the {@link Streams} that it belongs to. */
export interface StreamPeer {
  blocked(stream: IncomingStream): void;
  ended(stream: IncomingStream, watched: ActorRef | null): void;
  grantProducer(producer: ActorRef, id: number, count: number): void;
  stopProducer(producer: ActorRef, id: number): void;
}

type Conclude = (last: Response) => Response | Promise<Response>;

/** Large chunks are granted before there are as many as a step of them. */
const charsStep = streamWindowChars >> 2;

const nothing: readonly string[] = Object.freeze([]);

const cancelled: StreamEnd = {
  ok: false,
  code: "cancelled",
  message: "the stream was stopped",
  detail: null,
};

/** One stream as its consumer has it: what came and found no room yet, and how it ends. */
export class IncomingStream {
  readonly id: number;
  readonly requestId: string;
  readonly #peer: StreamPeer;
  /** Chunks are granted in steps, so that not each of them costs a message. */
  readonly #grantStep: number;
  #sink: StreamSink | null = null;
  #conclude: Conclude | null = null;
  #texts: StreamTexts | null = null;
  /** Who answered the call; its end is the end of the stream. */
  #opener: ActorRef | null = null;
  /** Who takes grants and stops, as its first message tells. */
  #producer: ActorRef | null = null;
  #waiting: readonly string[] = nothing;
  /** The first of `#waiting` that was not delivered. */
  #next = 0;
  /** Delivered and not granted: chunks, and their characters. */
  #owed = 0;
  #owedChars = 0;
  #end: StreamEnd | null = null;
  #isOver = false;

  constructor(peer: StreamPeer, id: number, requestId: string, window: number) {
    this.#peer = peer;
    this.id = id;
    this.requestId = requestId;
    this.#grantStep = Math.max(1, window >> 2);
  }

  /** True once its end has come, even if chunks before it still wait for room. */
  get isEnding(): boolean {
    return this.#isOver || this.#end !== null;
  }

  /** True while something waits that can be delivered when there is room. */
  get isBlocked(): boolean {
    return !this.#isOver && this.#sink !== null && this.#next < this.#waiting.length;
  }

  /** Begins to deliver to `sink`, at once what has come so far. */
  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#deliver();
  }

  // --- from its Streams ----------------------------------------------------------------------

  begin(opener: ActorRef, conclude: Conclude, texts: StreamTexts): void {
    this.#opener = opener;
    this.#conclude = conclude;
    this.#texts = texts;
  }

  comesFrom(opener: ActorRef): boolean {
    return this.#opener?.equals(opener) === true;
  }

  receive(chunks: readonly string[], end: StreamEnd | null, producer: ActorRef | null): void {
    this.#producer ??= producer;
    if (this.isEnding) return;
    this.#end = end;
    if (chunks.length > 0) {
      const isCaughtUp = this.#next === this.#waiting.length;
      this.#waiting = isCaughtUp ? chunks : [...this.#waiting.slice(this.#next), ...chunks];
      this.#next = 0;
    }
    this.#deliver();
  }

  /** Delivers one chunk if there is one, and room for it. */
  deliverOne(): boolean {
    const sink = this.#sink;
    if (sink === null || !this.isBlocked || !sink.hasRoom()) return false;
    sink.chunk(this.#take());
    this.#settle();
    return true;
  }

  /** The end that a stream has whose producer is gone. */
  lost(): StreamEnd {
    const message = `the service was lost while it worked on ${this.#texts?.function}`;
    return { ok: false, code: "outcome_unknown", message, detail: null };
  }

  /** The client wants no more: what waits is dropped, and the producer stopped. */
  cancel(): void {
    if (this.isEnding) return;
    this.#forgetWaiting();
    this.#end = cancelled;
    this.#stopProducer();
    this.#deliver();
  }

  /** Nobody is there to take anything, not even the end. */
  abandon(): void {
    if (this.#isOver) return;
    const end = this.#end;
    this.#sink = null;
    this.#forgetWaiting();
    if (end === null) this.#stopProducer();
    this.#finish(end ?? cancelled);
  }

  // --- delivery ------------------------------------------------------------------------------

  #deliver(): void {
    const sink = this.#sink;
    if (sink === null || this.#isOver) return;
    // Whoever takes a chunk may stop the stream with it.
    while (this.#next < this.#waiting.length) {
      if (!sink.hasRoom()) {
        this.#peer.blocked(this);
        break;
      }
      sink.chunk(this.#take());
    }
    this.#settle();
  }

  #take(): string {
    const text = this.#waiting[this.#next] as string;
    this.#next += 1;
    this.#owed += 1;
    this.#owedChars += text.length;
    return text;
  }

  /** Grants what was delivered, or ends when that was all. */
  #settle(): void {
    if (this.#isOver) return;
    if (this.#end !== null) {
      if (this.#next === this.#waiting.length) this.#finish(this.#end);
      return;
    }
    if (this.#next === this.#waiting.length) this.#forgetWaiting();
    if (this.#producer === null) return;
    if (this.#owed < this.#grantStep && this.#owedChars < charsStep) return;
    this.#peer.grantProducer(this.#producer, this.id, this.#owed);
    this.#owed = 0;
    this.#owedChars = 0;
  }

  #finish(end: StreamEnd): void {
    this.#isOver = true;
    this.#end = end;
    this.#forgetWaiting();
    this.#peer.ended(this, this.#opener);
    const response = this.#conclude?.(this.#encodeEnd(end)) ?? null;
    const sink = this.#sink;
    this.#sink = null;
    if (sink === null || response === null) return;
    if (response instanceof Promise) void response.then((last) => sink.end(last));
    else sink.end(response);
  }

  #forgetWaiting(): void {
    this.#waiting = nothing;
    this.#next = 0;
  }

  #encodeEnd(end: StreamEnd): Response {
    if (end.ok) return streamEnded(this.requestId, end.last === null ? null : JSON.parse(end.last));
    const { code, message, detail, retryAfterMs } = end;
    const told = detail === null ? message : (this.#texts?.tell(detail) ?? message);
    return failureResponse(this.requestId, code, told, retryAfterMs);
  }

  /** One that is not known yet is stopped when it says its first. */
  #stopProducer(): void {
    if (this.#producer !== null) this.#peer.stopProducer(this.#producer, this.id);
  }
}
