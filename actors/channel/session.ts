import { Actor, type Signal, toErrorRecord } from "#runtime";
import type { ExecuteOptions, Executor, Outcome } from "../execution/index.ts";
import { isMap } from "../registry/index.ts";
import {
  type Caller,
  failureResponse,
  INTERNAL_MESSAGE,
  parseRequest,
  type Streamed,
  successResponse,
} from "../request/index.ts";
import { type IncomingStream, Streams } from "../streams/index.ts";
import type { ChannelConfig } from "./channel-config.ts";
import type { ReplyStatus } from "./frame.ts";

/** What executes the requests of sessions. */
export type ExecutorPort = Pick<Executor, "execute" | "encode">;

/** Takes the chunks of one stream to the client. */
export interface ChunkWriter {
  /** False: the channel asks the session to `resume` when there is room. */
  hasRoom(): boolean;
  /** JSON text of one result. */
  chunk(text: string): void;
}

/** What a session needs of the channel that it serves; it does nothing once the channel is closed. */
export interface SessionChannel {
  readonly config: ChannelConfig;
  readonly caller: Caller;
  /** The client wants Responses in the replies. */
  readonly isInline: boolean;
  /** Answers one push. `responseJson` is the text of the outcome's Response; null: none is owed. */
  answer(
    ref: string | null,
    isBinary: boolean,
    outcome: Outcome,
    responseJson: string | null,
  ): void;
  /** Pushes a Response that follows the answer. */
  push(isBinary: boolean, responseJson: string): void;
  /** Replies to what was no request. */
  reply(ref: string | null, isBinary: boolean, status: ReplyStatus, json: string): void;
  /** A request whose push has been answered goes on; it is `settled` in the end. */
  goesOn(): void;
  settled(): void;
  /** For the chunks of the stream that a request has opened. */
  openChunks(requestId: string, isBinary: boolean): ChunkWriter;
  /** Says goodbye to the client and ends the session. */
  left(ref: string | null, isBinary: boolean): void;
}

/** A push that waits for its turn. */
interface Push {
  readonly ref: string | null;
  readonly payload: unknown;
  readonly isBinary: boolean;
}

/**
 * One joined channel: executes what the client pushes, up to `maxInFlight` requests at once or, in
 * an ordered channel, one after the other. An async request and a stream count until they are
 * acknowledged; their Responses follow. What it still executes when it is stopped is cancelled, its
 * streams too: its channel is closed by then. It lives on the thread of its socket, which is its
 * constructor's argument in the shape of a {@link SessionChannel}.
 */
export class Session extends Actor {
  readonly #channel: SessionChannel;
  readonly #executor: ExecutorPort;
  readonly #limit: number;
  /** Fires when nobody waits for the answers any more. */
  readonly #gone = new AbortController();
  readonly #streams: Streams;
  /** The streams whose final Response has not been pushed. */
  readonly #open = new Set<IncomingStream>();
  #isGivingUp = false;
  readonly #options: ExecuteOptions;
  #running = 0;
  #waiting: Push[] | null = null;

  constructor(channel: SessionChannel, executor: ExecutorPort) {
    super();
    this.#channel = channel;
    this.#executor = executor;
    this.#limit = channel.config.ordered ? 1 : channel.config.maxInFlight;
    this.#streams = new Streams(this.context);
    this.#options = {
      signal: this.#gone.signal,
      streams: this.#streams,
      session: this.context.self,
    };
  }

  /** Executes a request, or keeps it until there is room. */
  push(ref: string | null, payload: unknown, isBinary: boolean): void {
    if (this.#running < this.#limit) this.#begin(ref, payload, isBinary);
    else {
      this.#waiting ??= [];
      this.#waiting.push({ ref, payload, isBinary });
    }
  }

  /** The client leaves; what it pushed before has begun, or ends unanswered. */
  leave(ref: string | null, isBinary: boolean): void {
    this.#channel.left(ref, isBinary);
  }

  /** The client wants no more of a stream. */
  requestStop(ref: string | null, payload: unknown, isBinary: boolean): void {
    const requestId = isMap(payload) ? payload["request_id"] : undefined;
    const isStopped = typeof requestId === "string" && this.#streams.stop(requestId);
    if (isStopped) this.#channel.reply(ref, isBinary, "ok", '{"status":"stopped"}');
    else this.#channel.reply(ref, isBinary, "error", '{"reason":"unknown stream"}');
  }

  /** Ends a stream as its client could; false when there is none of that request. */
  stopStream(requestId: string): boolean {
    return this.#streams.stop(requestId);
  }

  /**
   * The gateway stops: what is still in progress, streams too, ends with a `cancelled` Response. A
   * stream counts as a request in progress from now on until that has been pushed.
   */
  giveUp(): void {
    if (!this.#isGivingUp) {
      this.#isGivingUp = true;
      for (const _ of this.#open) this.#channel.goesOn();
      this.#gone.abort();
      for (const { requestId } of [...this.#open]) this.#streams.stop(requestId);
    }
    this.#channel.settled();
  }

  /** A producer sends chunks, or the end of a stream. */
  streamed(...message: Streamed): void {
    this.#streams.receive(...message);
  }

  /** The client has taken what it was sent: there is room for chunks. */
  resume(): void {
    this.#streams.resume();
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.terminated(signal.ref, signal.reason);
  }

  protected override terminate(): void {
    this.#gone.abort();
    this.#streams.closeAll();
  }

  #begin(ref: string | null, payload: unknown, isBinary: boolean): void {
    const { caller, config } = this.#channel;
    const outcome = this.#executor.execute(payload, caller, config, this.#options);
    if (!isPromise(outcome)) {
      this.#answer(ref, payload, isBinary, outcome);
      return;
    }
    this.#running += 1;
    outcome.then(
      (settled) => this.#finish(ref, payload, isBinary, settled),
      (error) => this.#finish(ref, payload, isBinary, this.#broken(payload, error)),
    );
  }

  #finish(ref: string | null, payload: unknown, isBinary: boolean, outcome: Outcome): void {
    this.#running -= 1;
    this.#answer(ref, payload, isBinary, outcome);
    while (this.#waiting !== null && this.#running < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#waiting = null;
      else this.#begin(next.ref, next.payload, next.isBinary);
    }
  }

  #answer(ref: string | null, payload: unknown, isBinary: boolean, outcome: Outcome): void {
    const { response, later, stream } = outcome;
    const channel = this.#channel;
    const text = response === null ? this.#encodeNothing(payload) : this.#executor.encode(response);
    channel.answer(ref, isBinary, outcome, text);
    if (later !== undefined) this.#follow(later, isBinary);
    if (stream !== undefined) this.#start(stream, isBinary);
  }

  /** No Response is owed, yet a client that takes them in replies finds one there. */
  #encodeNothing(payload: unknown): string | null {
    if (!this.#channel.isInline) return null;
    return this.#executor.encode(successResponse(selectNames(payload).requestId, null));
  }

  #follow(later: NonNullable<Outcome["later"]>, isBinary: boolean): void {
    const channel = this.#channel;
    channel.goesOn();
    void later.then((response) => {
      channel.push(isBinary, this.#executor.encode(response));
      channel.settled();
    });
  }

  #start(stream: IncomingStream, isBinary: boolean): void {
    const channel = this.#channel;
    const chunks = channel.openChunks(stream.requestId, isBinary);
    this.#open.add(stream);
    if (this.#isGivingUp) channel.goesOn();
    stream.start({
      hasRoom: () => chunks.hasRoom(),
      chunk: (text) => chunks.chunk(text),
      end: (response) => {
        channel.push(isBinary, this.#executor.encode(response));
        this.#open.delete(stream);
        if (this.#isGivingUp) channel.settled();
      },
    });
    if (this.#isGivingUp) this.#streams.stop(stream.requestId);
  }

  /** An executor that rejects is at fault, yet its client gets an answer. */
  #broken(payload: unknown, error: unknown): Outcome {
    const { message, stack } = toErrorRecord(error);
    this.context.log("error", "executor rejected", { error: message, stack });
    const { requestId, reply } = selectNames(payload);
    const response = failureResponse(requestId, "internal", INTERNAL_MESSAGE);
    return { response, status: "ok", reply };
  }
}

function selectNames(payload: unknown): { readonly requestId: string; readonly reply: string } {
  const parsed = parseRequest(payload);
  if (!parsed.ok) return { requestId: parsed.requestId, reply: parsed.message };
  const { requestId, requestType } = parsed.request;
  return { requestId, reply: requestType };
}

function isPromise(outcome: Outcome | Promise<Outcome>): outcome is Promise<Outcome> {
  return "then" in outcome;
}
