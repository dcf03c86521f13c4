import { ReplyError, TroupeError, toErrorRecord } from "#runtime";
import type { ErrorCode } from "./error-codes.ts";

/** A call that failed, as the client is told. */
export interface CallFailure {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  /** What the log and `detailError` tell of a failure whose details the client must not see. */
  readonly detail: string | null;
  /** Whether whoever failed has written a log line of it already. */
  readonly logged: boolean;
}

/** The code of a ReplyError that stands for a handler's own fault; its message is for the log. */
export const HANDLER_FAILED = "handler_failed";

/** The one message of every `internal` failure. */
const INTERNAL_MESSAGE = "Internal Server Error";

const NOT_TAKEN: ReadonlySet<string> = new Set([
  "no_actor",
  "actor_stopped",
  "mailbox_full",
  "link_full",
]);

/** Whether the instance has not begun with the call, so that another one may be asked. */
export function isNotTaken(error: unknown): boolean {
  return (
    error instanceof TroupeError && !(error instanceof ReplyError) && NOT_TAKEN.has(error.code)
  );
}

/** What a client is told when the ask of an instance failed with `error`. */
export function decideCallFailure(
  error: unknown,
  service: string,
  requestType: string,
): CallFailure {
  const record = toErrorRecord(error);
  if (error instanceof ReplyError) {
    if (record.code === HANDLER_FAILED) return internal(record.message, true);
    return failure(record.code, record.message);
  }
  switch (error instanceof TroupeError ? record.code : "") {
    case "no_actor":
    case "actor_stopped":
      return failure("unavailable", `service ${service} is unavailable`);
    case "mailbox_full":
    case "link_full":
      return failure("queue_full", `service ${service} has too much work waiting`);
    case "ask_timeout":
      return failure("timeout", `${requestType} did not answer in time`);
    case "cancelled":
      return failure("cancelled", `${requestType} was cancelled`);
    case "thread_down":
    case "abandoned": {
      const message = `service ${service} was lost while it worked on ${requestType}`;
      return failure("outcome_unknown", message);
    }
    case "actor_crashed":
      return internal(record.cause?.message ?? record.message, true);
    default:
      return internal(record.message, false);
  }
}

/** The failure of a call for which no instance could be found. */
export function unavailable(service: string): CallFailure {
  return failure("unavailable", `service ${service} is unavailable`);
}

/** A failure whose `detail` only the log may tell. */
export function internal(detail: string, logged: boolean): CallFailure {
  return { code: "internal", message: INTERNAL_MESSAGE, detail, logged };
}

function failure(code: ErrorCode | (string & {}), message: string): CallFailure {
  return { code, message, detail: null, logged: true };
}
