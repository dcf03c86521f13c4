import { type ActorContext, ReplyError } from "#runtime";
import { BulkheadGate } from "../breaker/index.ts";
import type { CallInfo } from "../request/index.ts";
import { type CallChanges, changeFunction } from "./call-changes.ts";
import type { CallFailure } from "./call-failure.ts";
import { type Callable, callablesOf } from "./callable.ts";
import { Invoker } from "./invoker.ts";

/** A call that one function makes to another. */
export interface FunctionCall {
  readonly service: string;
  readonly requestType: string;
  readonly args: Record<string, unknown>;
  /** null: the version that a client gets who asks for none. */
  readonly version: string | null;
  /** On whose behalf. */
  readonly info: CallInfo;
  /** What is left of the deadline of the caller. */
  readonly remainingMs: number;
  readonly signal?: AbortSignal;
  /** What goes otherwise than the function says. */
  readonly changes?: CallChanges | undefined;
}

/**
 * Calls a function as a client's request would, within the deadline of the caller: arguments,
 * bulkhead, breaker, retries. What is there because clients cannot be trusted (hooks, rate limits,
 * permission) has been passed by the caller. A function of response type `async` or `none` is waited
 * for like any other; a stream cannot be called.
 * @throws ReplyError with the code and the message that a client would get.
 */
export async function callFunction(context: ActorContext, call: FunctionCall): Promise<unknown> {
  const { service, requestType, version, args, info, signal, changes } = call;
  const found = callablesOf(context).lookup(service, requestType, version);
  if (!found.ok) throw new ReplyError(found.code, found.message);
  const { entry } = found;
  if (entry.config.responseType === "stream") {
    throw new ReplyError("invalid_request", `${requestType} is a stream, which only clients open`);
  }
  const checked = entry.checkArguments(args);
  if (!checked.ok) throw new ReplyError("invalid_arguments", checked.message);
  const startedAt = context.clock.now();
  const limitMs = Math.min(entry.timeoutMs, call.remainingMs);
  const leave = await enterBulkhead(context, entry, limitMs, signal);
  const { requestId, deviceId } = info;
  try {
    return await new Invoker(context).invoke<unknown>(
      {
        callable: changes === undefined ? entry : changeFunction(entry, changes),
        request: { requestId, requestType, service, args, version, deviceId },
        info,
        message: entry.encodeMessage(checked.values, info),
        timeoutMs: limitMs - (context.clock.now() - startedAt),
        signal,
      },
      (result) => result,
      (failure) => {
        throw toReplyError(failure);
      },
    );
  } finally {
    leave?.();
  }
}

async function enterBulkhead(
  context: ActorContext,
  { key, requestType, config }: Callable,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<(() => void) | null> {
  const { maxConcurrent, maxQueue } = config;
  if (maxConcurrent === null) return null;
  const gate = BulkheadGate.of(context);
  const entered = await gate.enter(key, { maxConcurrent, maxQueue }, limitMs, signal);
  if (entered.ok) return entered.leave;
  throw new ReplyError(entered.code, explainBulkhead(requestType, entered.code));
}

/** Why a request found no room among those of its function. */
export function explainBulkhead(requestType: string, code: string): string {
  switch (code) {
    case "queue_full":
      return `${requestType} has too much work waiting`;
    case "timeout":
      return `${requestType} had no room in time`;
    case "cancelled":
      return `${requestType} was cancelled`;
    default:
      return `${requestType} is unavailable`;
  }
}

function toReplyError({ code, message, detail, retryAfterMs }: CallFailure): ReplyError {
  const cause = detail === null ? undefined : new Error(detail);
  return new ReplyError(code, message, cause, retryAfterMs);
}
