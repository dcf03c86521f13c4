import type { ActorRef } from "#runtime";
import type { Caller, CallInfo, Request } from "../request/index.ts";
import type { Streams } from "../streams/index.ts";
import type { Callable } from "./callable.ts";

/** What a request may use beyond its own turn. */
export interface ExecuteOptions {
  /** When it fires the function's own signal is aborted, and the Outcome is `cancelled`. */
  readonly signal?: AbortSignal;
  /** Where streams arrive; without it a stream is refused. */
  readonly streams?: Streams;
  /** The session that executes; functions of `chat_service` are told of it. */
  readonly session?: ActorRef;
}

/** A request on its way through the steps of the executor. */
export interface Run {
  /** A beforeExecute hook may replace it, and the callable. */
  request: Request;
  callable: Callable;
  readonly caller: Caller;
  readonly info: CallInfo;
  readonly options: ExecuteOptions;
  /** On the clock's `now`; NaN while nobody measures. */
  readonly startedAt: number;
  /** The arguments as the function takes them, once they have been checked. */
  values: unknown[] | Record<string, unknown>;
  /** What is left of the function's deadline, ms. */
  leftMs: number;
  /** Gives the place in the function's bulkhead back. */
  leave: (() => void) | null;
}
