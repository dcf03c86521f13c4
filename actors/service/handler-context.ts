import {
  type ActorContext,
  type ActorRef,
  type CurrentMessage,
  type Log,
  ReplyError,
} from "#runtime";
import { type CallInfo, callFunction } from "../execution/index.ts";
import { ServiceError } from "./service-error.ts";

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

  constructor(context: ActorContext, info: CallInfo) {
    this.requestId = info.requestId;
    this.userId = info.userId;
    this.userRoles = info.userRoles;
    this.deviceId = info.deviceId;
    this.#context = context;
    this.#message = context.message;
    this.#info = info;
  }

  /** Milliseconds until nobody waits for the answer any more; Infinity for a call without limit. */
  get remainingMs(): number {
    return this.#message?.remainingMs ?? Number.POSITIVE_INFINITY;
  }

  /** The same as a moment: milliseconds since 1970, or Infinity. */
  get deadline(): number {
    return this.#context.clock.wallTime() + this.remainingMs;
  }

  /** Aborted when nobody waits for the answer any more: the deadline passed, the service stops. */
  get signal(): AbortSignal {
    return this.#message?.signal ?? new AbortController().signal;
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
   * `version` null: what a client gets who asks for none.
   * @throws ServiceError with the code and the message that a client would get.
   */
  async call(
    service: string,
    requestType: string,
    args: Record<string, unknown> = {},
    version: string | null = null,
  ): Promise<unknown> {
    const { remainingMs } = this;
    const call = { service, requestType, args, version, remainingMs, info: this.#info };
    const signal = this.#message?.signal;
    try {
      return await callFunction(this.#context, signal ? { ...call, signal } : call);
    } catch (error) {
      if (error instanceof ReplyError) throw new ServiceError(error.code, error.message, error);
      throw error;
    }
  }
}

/**
 * The hold on a request for a method of a service that is an actor class: `info` is the last
 * argument of the message. To be called before the first `await`.
 */
export function handlerContext(context: ActorContext, info: CallInfo): HandlerContext {
  return new HandlerContext(context, info);
}
