import { Actor, toErrorRecord } from "#runtime";
import {
  type Caller,
  type Executor,
  failureResponse,
  type Outcome,
  parseRequest,
} from "../execution/index.ts";
import type { ChannelConfig } from "./channel-config.ts";

/** What executes the requests of sessions. */
export type ExecutorPort = Pick<Executor, "execute" | "encode">;

/** What a session needs of the channel that it serves. */
export interface SessionChannel {
  readonly config: ChannelConfig;
  readonly caller: Caller;
  /**
   * Sends the answer to one push; does nothing once the channel is closed. `responseJson` is the
   * text of the outcome's Response.
   */
  answer(ref: string | null, isBinary: boolean, outcome: Outcome, responseJson: string): void;
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
 * an ordered channel, one after the other. What it still executes when it is stopped is cancelled:
 * its channel is closed by then. It lives on the thread of its socket, which is its constructor's
 * argument in the shape of a {@link SessionChannel}.
 */
export class Session extends Actor {
  readonly #channel: SessionChannel;
  readonly #executor: ExecutorPort;
  readonly #limit: number;
  /** Fires when nobody waits for the answers any more. */
  readonly #gone = new AbortController();
  #running = 0;
  #waiting: Push[] | null = null;

  constructor(channel: SessionChannel, executor: ExecutorPort) {
    super();
    this.#channel = channel;
    this.#executor = executor;
    this.#limit = channel.config.ordered ? 1 : channel.config.maxInFlight;
  }

  /** Executes a request, or keeps it until there is room. */
  push(ref: string | null, payload: unknown, isBinary: boolean): void {
    if (this.#running < this.#limit) this.#begin(ref, payload, isBinary);
    else {
      this.#waiting ??= [];
      this.#waiting.push({ ref, payload, isBinary });
    }
  }

  protected override terminate(): void {
    this.#gone.abort();
  }

  /** The client leaves; what it pushed before has begun, or ends unanswered. */
  leave(ref: string | null, isBinary: boolean): void {
    this.#channel.left(ref, isBinary);
  }

  #begin(ref: string | null, payload: unknown, isBinary: boolean): void {
    const { caller, config } = this.#channel;
    const outcome = this.#executor.execute(payload, caller, config, this.#gone.signal);
    if (!isPromise(outcome)) {
      this.#answer(ref, isBinary, outcome);
      return;
    }
    this.#running += 1;
    outcome.then(
      (settled) => this.#finish(ref, isBinary, settled),
      (error) => this.#finish(ref, isBinary, this.#broken(payload, error)),
    );
  }

  #finish(ref: string | null, isBinary: boolean, outcome: Outcome): void {
    this.#running -= 1;
    this.#answer(ref, isBinary, outcome);
    while (this.#waiting !== null && this.#running < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#waiting = null;
      else this.#begin(next.ref, next.payload, next.isBinary);
    }
  }

  #answer(ref: string | null, isBinary: boolean, outcome: Outcome): void {
    const text = this.#executor.encode(outcome.response);
    this.#channel.answer(ref, isBinary, outcome, text);
  }

  /** An executor that rejects is at fault, yet its client gets an answer. */
  #broken(payload: unknown, error: unknown): Outcome {
    const { message, stack } = toErrorRecord(error);
    this.context.log("error", "executor rejected", { error: message, stack });
    const parsed = parseRequest(payload);
    const requestId = parsed.ok ? parsed.request.requestId : parsed.requestId;
    const reply = parsed.ok ? parsed.request.requestType : parsed.message;
    const response = failureResponse(requestId, "internal", "Internal Server Error");
    return { response, status: "ok", reply };
  }
}

function isPromise(outcome: Outcome | Promise<Outcome>): outcome is Promise<Outcome> {
  return "then" in outcome;
}
