import { type ActorContext, ReplyError } from "#runtime";
import type { CallFailure } from "./call-failure.ts";
import type { CallInfo } from "./call-info.ts";
import { callablesOf } from "./callable.ts";
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
}

/**
 * Calls a function as a client's request would, without the checks of a channel, within the deadline
 * of the caller.
 * @throws ReplyError with the code and the message that a client would get.
 */
export async function callFunction(context: ActorContext, call: FunctionCall): Promise<unknown> {
  const found = callablesOf(context).lookup(call.service, call.requestType, call.version);
  if (!found.ok) throw new ReplyError(found.code, found.message);
  const { entry } = found;
  const checked = entry.checkArguments(call.args);
  if (!checked.ok) throw new ReplyError("invalid_arguments", checked.message);
  return new Invoker(context).invoke<unknown>(
    entry,
    entry.encodeMessage(checked.values, call.info),
    Math.min(entry.timeoutMs, call.remainingMs),
    call.signal,
    (result) => result,
    (failure) => {
      throw toReplyError(failure);
    },
  );
}

function toReplyError({ code, message, detail }: CallFailure): ReplyError {
  const cause = detail === null ? undefined : new Error(detail);
  return new ReplyError(code, message, cause);
}
