import {
  type ActorContext,
  type ActorRef,
  type CurrentMessage,
  isReplyError,
  type Log,
  toErrorRecord,
} from "#runtime";
import { type CallOptions, callFunction, parseCallOptions } from "../execution/index.ts";
import type { CallInfo } from "../request/index.ts";
import { guardedFrom, type OutgoingStream } from "../streams/index.ts";
import { toServiceError } from "./service-error.ts";

/** A function's hold on the request that it works on. */
export class HandlerContext implements CallInfo {
  readonly requestId: string;
  /** null for a caller that nobody has verified. */
  readonly userId: string | null;
  readonly userRoles: readonly string[];
  readonly deviceId: string | null;
  readonly #context: ActorContext;
  readonly #message: CurrentMessage | null;
  readonly #info: CallInfo;
  /** Set while it works on a stream. */
  readonly #stream: OutgoingStream | null;
  #signal: AbortSignal | null = null;

  constructor(
    context: ActorContext,
    info: CallInfo,
    message: CurrentMessage | null = context.message,
    stream: OutgoingStream | null = null,
  ) {
    this.requestId = info.requestId;
    this.userId = info.userId;
    this.userRoles = info.userRoles;
    this.deviceId = info.deviceId;
    this.#context = context;
    this.#message = message;
    this.#info = info;
    this.#stream = stream;
  }

  /**
   * Milliseconds until nobody waits for the answer any more; Infinity for a call without limit. The
   * function's timeout bounds the opening of a stream; once it is open, it is Infinity.
   */
  get remainingMs(): number {
    if (this.#stream?.isAnnounced) return Number.POSITIVE_INFINITY;
    return this.#message?.remainingMs ?? Number.POSITIVE_INFINITY;
  }

  /** The same as a moment: milliseconds since 1970, or Infinity. */
  get deadline(): number {
    return this.#context.clock.wallTime() + this.remainingMs;
  }

  /**
   * Aborted when nobody waits for the answer any more: the deadline passed, the client has gone or
   * has stopped its stream, the service stops. What a listener throws is logged.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.#stream?.signal ?? this.#guardedSignal();
    return this.#signal;
  }

  /** Writes log lines that carry the service instance and the request id. */
  get log(): Log {
    const { log } = this.#context;
    const { requestId } = this;
    return (level, message, fields) => log(level, message, { requestId, ...fields });
  }

  /** The service instance. */
  get self(): ActorRef {
    return this.#context.self;
  }

  /**
   * Calls another function as the client of this request, within what is left of its deadline.
   * `options` is the version, or all there is to choose; null: what a client gets who asks for none.
   * @throws ServiceError with the code and the message that a client would get; TypeError for
   *   options that are none.
   */
  async call(
    service: string,
    requestType: string,
    args: Record<string, unknown> = {},
    options: string | null | CallOptions = null,
  ): Promise<unknown> {
    const terms = parseCallOptions(options, `${service}.${requestType}`);
    const { version, changes } = terms;
    const remainingMs = Math.min(this.remainingMs, terms.timeoutMs);
    const call = { service, requestType, args, version, remainingMs, changes, info: this.#info };
    const signal = joinSignals(this.#stream?.signal ?? this.#message?.signal, terms.signal);
    try {
      return await callFunction(this.#context, signal ? { ...call, signal } : call);
    } catch (error) {
      if (isReplyError(error)) throw toServiceError(error);
      throw error;
    }
  }

  #guardedSignal(): AbortSignal {
    const source = this.#message?.signal ?? new AbortController().signal;
    return guardedFrom(source, (error) => {
      const { message, stack } = toErrorRecord(error);
      this.log("error", "an abort listener failed", { error: message, stack });
    });
  }
}

function joinSignals(
  one: AbortSignal | undefined,
  other: AbortSignal | undefined,
): AbortSignal | undefined {
  return one === undefined || other === undefined ? (one ?? other) : AbortSignal.any([one, other]);
}

/** The streams of actor classes, by the info that their methods are given. */
const streamOfInfo = new WeakMap<CallInfo, OutgoingStream>();

/** Lets {@link handlerContext} find the stream that a method produces. */
export function rememberStream(info: CallInfo, stream: OutgoingStream): void {
  streamOfInfo.set(info, stream);
}

/**
 * The hold on a request for a method of a service that is an actor class: `info` is the context
 * argument of the message, the last one unless `requestInfo` adds one. To be called before the first
 * `await`; in a stream at any time.
 */
export function handlerContext(context: ActorContext, info: CallInfo): HandlerContext {
  const stream = streamOfInfo.get(info) ?? null;
  return new HandlerContext(context, info, stream === null ? context.message : null, stream);
}
