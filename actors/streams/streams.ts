import { type ActorContext, type ActorRef, type ExitReason, HERE } from "#runtime";
import type { Response } from "../request/index.ts";
import {
  grantMessage,
  type StreamEnd,
  type StreamOpening,
  stopMessage,
  streamedMessage,
  streamWindow,
} from "../request/index.ts";
import { IncomingStream, type StreamPeer } from "./incoming-stream.ts";

export type { IncomingStream } from "./incoming-stream.ts";

/** Room for one more stream, or why there is none. */
export type StreamOffer =
  | { readonly ok: true; readonly opening: StreamOpening }
  | {
      readonly ok: false;
      readonly code: "queue_full" | "invalid_request";
      readonly message: string;
    };

/** What Streams need to know of the function that produces one. */
export interface StreamTexts {
  /** `service.request_type`, for texts. */
  readonly function: string;
  /** The message of an `internal` failure with that detail. */
  readonly tell: (detail: string) => string;
}

/** Streams that one consumer may have open at once. */
export const maxStreams = 1_000;

/** After this time a grant or a stop that found no room on its way is sent again, so many times. */
const retryMs = 100;
const maxRetries = 100;

/** How long the last words of a producer on another node may take longer than word of its end, ms. */
const farewellMs = 1_000;

/**
 * The streams that one actor takes. It gives the actor's message `streamed` to `receive` and
 * `terminated` signals to `terminated`, and calls `closeAll` when it stops.
 *
 * ```ts
 * const offer = streams.offer(requestId);          // refused: too many, or the id is in use
 * // … the call, with info.stream = offer.opening
 * const stream = streams.begin(offer.opening, instance, conclude, texts);   // it was answered
 * streams.withdraw(offer.opening);                                          // or it failed
 * stream.start(sink);                              // now, or after the acknowledgement is out
 * ```
 * What comes before `begin` and `start` is kept; it is bounded by the window.
 */
export class Streams implements StreamPeer {
  readonly #context: ActorContext;
  #lastId = 0;
  /** Offered and open ones, by their number. */
  #streams: Map<number, IncomingStream> | null = null;
  #byRequest: Map<string, IncomingStream> | null = null;
  /** How many streams come from each actor that is watched. */
  #watched: Map<string, number> | null = null;
  /** Those that have something to deliver and found no room. */
  readonly #blocked: Set<IncomingStream> = new Set();

  /** `context` is that of the actor that takes them. */
  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** Streams that are offered or open. */
  get size(): number {
    return this.#streams?.size ?? 0;
  }

  /**
   * Reserves a place for the stream of a request: `queue_full` beyond {@link maxStreams},
   * `invalid_request` when a stream with this request id is open.
   */
  offer(requestId: string): StreamOffer {
    this.#streams ??= new Map();
    this.#byRequest ??= new Map();
    if (this.#byRequest.has(requestId)) {
      const message = `request_id ${requestId} is in use by an open stream`;
      return { ok: false, code: "invalid_request", message };
    }
    if (this.#streams.size >= maxStreams) {
      const message = `more than ${maxStreams} streams are open`;
      return { ok: false, code: "queue_full", message };
    }
    this.#lastId += 1;
    const stream = new IncomingStream(this, this.#lastId, requestId, streamWindow);
    this.#streams.set(stream.id, stream);
    this.#byRequest.set(requestId, stream);
    const opening = { consumer: this.#context.self, id: stream.id, window: streamWindow };
    return { ok: true, opening };
  }

  /**
   * The call has been answered by `producer`: the stream is open. `conclude` is called once, with
   * the final Response, and gives the one that is sent; also when nobody is there to get it.
   */
  begin(
    { id }: StreamOpening,
    producer: ActorRef,
    conclude: (last: Response) => Response | Promise<Response>,
    texts: StreamTexts,
  ): IncomingStream {
    const stream = this.#streams?.get(id);
    if (stream === undefined) {
      // Closed while it was being opened.
      const late = new IncomingStream(this, id, "", streamWindow);
      late.begin(producer, conclude, texts);
      late.abandon();
      return late;
    }
    this.#watch(producer);
    stream.begin(producer, conclude, texts);
    return stream;
  }

  /** The call failed: there is no stream. */
  withdraw({ id }: StreamOpening): void {
    const stream = this.#streams?.get(id);
    if (stream === undefined) return;
    stream.abandon();
  }

  /** The message `streamed`. */
  receive(
    id: number,
    chunks: readonly string[],
    end: StreamEnd | null,
    producer: ActorRef | null = null,
  ): void {
    const stream = this.#streams?.get(id);
    if (stream !== undefined) stream.receive(chunks, end, producer);
    else if (producer !== null) this.stopProducer(producer, id);
  }

  /**
   * An actor has stopped. What it said before may still wait in the mailbox, so that its streams end
   * behind it: with `outcome_unknown`, unless they have ended by then. What one on another node said
   * comes by another connection than word of its end, so it is given a second; but nothing comes from
   * a node that is lost.
   */
  terminated(ref: ActorRef, reason?: ExitReason): void {
    if (!this.#watched?.delete(ref.key)) return;
    if (ref.node === HERE || reason?.kind === "node_down") this.#endLost(ref);
    else this.#context.after(farewellMs, () => this.#endLost(ref));
  }

  #endLost(ref: ActorRef): void {
    const { self } = this.#context;
    for (const stream of [...(this.#streams?.values() ?? [])]) {
      if (!stream.comesFrom(ref)) continue;
      const end = stream.lost();
      const message = [stream.id, [], end, null];
      if (!self.sender.send(self, streamedMessage, message)) stream.receive([], end, null);
    }
  }

  /** Ends the stream of a request with a `cancelled` Response; false when there is none. */
  stop(requestId: string): boolean {
    const stream = this.#byRequest?.get(requestId);
    if (stream === undefined || stream.isEnding) return false;
    stream.cancel();
    return true;
  }

  /** Nobody takes anything any more: all producers are stopped, nothing more is delivered. */
  closeAll(): void {
    for (const stream of [...(this.#streams?.values() ?? [])]) stream.abandon();
  }

  /** There is room again: delivers what waits, a chunk of each stream in turn. */
  resume(): void {
    let isMoving = this.#blocked.size > 0;
    while (isMoving) {
      isMoving = false;
      for (const stream of this.#blocked) {
        if (stream.deliverOne()) isMoving = true;
        else if (!stream.isBlocked) this.#blocked.delete(stream);
      }
    }
  }

  // --- from the streams ----------------------------------------------------------------------

  blocked(stream: IncomingStream): void {
    this.#blocked.add(stream);
  }

  /** The stream takes nothing more. */
  ended(stream: IncomingStream, producer: ActorRef | null): void {
    this.#blocked.delete(stream);
    if (!this.#streams?.delete(stream.id)) return;
    this.#byRequest?.delete(stream.requestId);
    if (producer !== null) this.#unwatch(producer);
  }

  grantProducer(producer: ActorRef, id: number, count: number): void {
    this.#tellProducer(producer, grantMessage, id, [count], maxRetries);
  }

  stopProducer(producer: ActorRef, id: number): void {
    this.#tellProducer(producer, stopMessage, id, [], maxRetries);
  }

  #tellProducer(
    producer: ActorRef,
    message: string,
    id: number,
    more: readonly unknown[],
    retries: number,
  ): void {
    const { self } = this.#context;
    if (producer.sender.send(producer, message, [self, id, ...more])) return;
    const isWanted = message === stopMessage || this.#streams?.has(id) === true;
    // It is gone, of which its end tells, or the way to it is full for now.
    if (!isWanted || retries === 0) return;
    this.#context.after(retryMs, () =>
      this.#tellProducer(producer, message, id, more, retries - 1),
    );
  }

  #watch(producer: ActorRef): void {
    this.#watched ??= new Map();
    const count = this.#watched.get(producer.key) ?? 0;
    this.#watched.set(producer.key, count + 1);
    if (count === 0) this.#context.watch(producer);
  }

  #unwatch(producer: ActorRef): void {
    const count = this.#watched?.get(producer.key);
    if (count === undefined) return;
    if (count > 1) this.#watched?.set(producer.key, count - 1);
    else {
      this.#watched?.delete(producer.key);
      this.#context.unwatch(producer);
    }
  }
}
