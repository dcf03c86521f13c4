import { type ActorContext, handlerScope, isReplyError, ReplyError, toErrorRecord } from "#runtime";
import { type CallInfo, HANDLER_FAILED, type StreamOpening } from "../request/index.ts";
import { OutgoingStreams } from "../streams/index.ts";
import type { CallScope } from "./call-scope.ts";
import { HandlerContext } from "./handler-context.ts";
import { encodeRequestInfo } from "./request-info.ts";
import { openStream, withoutOpening } from "./stream-opening.ts";

/** A call whose handler has returned a promise. */
interface OpenCall {
  /** When it is given up, on the clock's `now`. */
  readonly dueAt: number;
  readonly giveUp: () => void;
}

type Handler = (...args: unknown[]) => unknown;

/** How often overdue calls are given up, and how long after their deadline: the asker's comes first. */
const SWEEP_MS = 100;

/**
 * The calls of one instance of a service made of functions. A handler that throws is logged and
 * answered; one that never settles is given up once its deadline has passed, so that it takes no
 * place among the calls in progress.
 */
export class HandlerCalls {
  readonly #context: ActorContext;
  readonly #service: string;
  readonly #actorId: number;
  readonly #streams: OutgoingStreams;
  readonly #open = new Set<OpenCall>();
  #isSweeping = false;

  constructor(context: ActorContext, service: string) {
    this.#context = context;
    this.#service = service;
    this.#actorId = context.self.id;
    this.#streams = new OutgoingStreams(context);
  }

  /**
   * Calls `handler`; `args` are those of the message, the last one the CallInfo. Where that says so
   * a stream is opened, and the result is that it is.
   */
  run(
    requestType: string,
    handler: (...args: never[]) => unknown,
    requestInfo: boolean,
    args: unknown[],
  ): unknown {
    const info = args.pop() as CallInfo;
    if (info.stream !== undefined) {
      const call = handler as Handler;
      return this.#openStream(requestType, call, requestInfo, args, info, info.stream);
    }
    const { requestId } = info;
    const context = new HandlerContext(this.#context, info);
    args.push(context);
    if (requestInfo) args.push(encodeRequestInfo(info, null));
    const scope: CallScope = { actorId: this.#actorId, requestId, caller: context };
    let result: unknown;
    try {
      result = handlerScope.run(scope, handler as Handler, ...args);
      if (!isThenable(result)) return result;
    } catch (error) {
      throw this.#failed(requestType, requestId, error);
    }
    return this.#wait(requestType, requestId, result, context.remainingMs);
  }

  #openStream(
    requestType: string,
    handler: Handler,
    hasHandle: boolean,
    args: unknown[],
    info: CallInfo,
    opening: StreamOpening,
  ): Promise<unknown> {
    const { requestId } = info;
    const { message } = this.#context;
    const scope: CallScope = { actorId: this.#actorId, requestId, caller: null };
    const label = { function: `${this.#service}.${requestType}`, requestId };
    const opened = handlerScope.run(scope, openStream, this.#streams, {
      ...{ opening, label, message, hasHandle },
      start: (stream) => {
        const context = new HandlerContext(this.#context, withoutOpening(info), message, stream);
        scope.caller = context;
        args.push(context);
        if (hasHandle) args.push(encodeRequestInfo(info, stream));
        return handler(...args);
      },
    });
    const remainingMs = message?.remainingMs ?? Number.POSITIVE_INFINITY;
    return this.#wait(requestType, requestId, opened, remainingMs);
  }

  #wait(
    requestType: string,
    requestId: string,
    result: PromiseLike<unknown>,
    remainingMs: number,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const dueAt = this.#context.clock.now() + remainingMs + SWEEP_MS;
      const giveUp = (): void => reject(new ReplyError("timeout", "the deadline has passed"));
      const call = { dueAt, giveUp };
      if (dueAt !== Number.POSITIVE_INFINITY) this.#open.add(call);
      if (!this.#isSweeping && this.#open.size > 0) this.#sweepLater();
      // What only looks like a promise may throw, or settle twice.
      Promise.resolve(result).then(
        (value) => {
          this.#open.delete(call);
          resolve(value);
        },
        (error) => {
          this.#open.delete(call);
          reject(this.#failed(requestType, requestId, error));
        },
      );
    });
  }

  /** On the clock itself: the turns of an instance that is full or stopping would come too late. */
  #sweepLater(): void {
    this.#isSweeping = true;
    this.#context.clock.after(SWEEP_MS, () => {
      const now = this.#context.clock.now();
      for (const call of this.#open) {
        if (call.dueAt > now) continue;
        this.#open.delete(call);
        call.giveUp();
      }
      if (this.#open.size > 0) this.#sweepLater();
      else this.#isSweeping = false;
    });
  }

  #failed(requestType: string, requestId: string, error: unknown): ReplyError {
    if (isReplyError(error)) return error;
    const { message, stack } = toErrorRecord(error);
    this.#context.log("error", "function failed", {
      function: `${this.#service}.${requestType}`,
      requestId,
      error: message,
      stack,
    });
    return new ReplyError(HANDLER_FAILED, message);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
