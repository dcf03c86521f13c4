import { ReplyError, TroupeError, toErrorRecord } from "#runtime";
import { type ErrorCode, HANDLER_FAILED, INTERNAL_MESSAGE } from "../request/index.ts";

/** A call that failed, as the client is told. */
export interface CallFailure {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  /** What the log and `detailError` tell of a failure whose details the client must not see. */
  readonly detail: string | null;
  /** Whether whoever failed has written a log line of it already. */
  readonly logged: boolean;
  /** When it may be worth another try, ms from now. */
  readonly retryAfterMs?: number;
}

/**
 * How an attempt to call a replica ended, other than well:
 * - `no_replica`: there is none to ask;
 * - `refused`: its breaker is open, or asking cost what was left of the deadline: it was not asked;
 * - `not_taken`: it has not begun with the call;
 * - `lost`: it was handed the call, and is gone;
 * - `failed`: the function broke;
 * - `answered`: the function answered with an error of its own;
 * - `timed_out`, `cancelled`: nobody waits any more;
 * - `mismatched`: it takes no such message, as it is older or newer than what is known of it here;
 * - `misdirected`: the message cannot be sent at all; another try changes nothing.
 */
export type AttemptEnd =
  | "no_replica"
  | "refused"
  | "not_taken"
  | "lost"
  | "failed"
  | "answered"
  | "timed_out"
  | "cancelled"
  | "mismatched"
  | "misdirected";

const ENDS: Readonly<Record<string, AttemptEnd>> = {
  no_actor: "not_taken",
  actor_stopped: "not_taken",
  mailbox_full: "not_taken",
  link_full: "not_taken",
  unreachable: "not_taken",
  thread_down: "lost",
  node_down: "lost",
  abandoned: "lost",
  ask_timeout: "timed_out",
  cancelled: "cancelled",
  unknown_method: "mismatched",
  not_serialisable: "misdirected",
  message_too_large: "misdirected",
};

/** What a pool answers in its own name, for calls that it could not see to their end. */
const POOL_ENDS: Readonly<Record<string, AttemptEnd>> = {
  queue_full: "not_taken",
  unavailable: "not_taken",
  outcome_unknown: "lost",
  timeout: "timed_out",
  cancelled: "cancelled",
};

/** How an ask of a replica ended that failed with `error`; `isPool` tells what kind it is. */
export function decideAttemptEnd(error: unknown, isPool: boolean): AttemptEnd {
  if (!(error instanceof TroupeError)) return "failed";
  const { code } = error;
  if (!(error instanceof ReplyError)) return selectEnd(ENDS, code) ?? "failed";
  if (code === HANDLER_FAILED) return "failed";
  return (isPool ? selectEnd(POOL_ENDS, code) : null) ?? "answered";
}

function selectEnd(ends: Readonly<Record<string, AttemptEnd>>, code: string): AttemptEnd | null {
  return Object.hasOwn(ends, code) ? (ends[code] as AttemptEnd) : null;
}

/**
 * What an attempt tells of the health of what it called. A service that is lost with all that it
 * worked on is its supervisor's business: it is there again in a moment, and a circuit that opens
 * for seconds would make an outage of it. `isSupervised` says that it is one.
 */
export function decideHealth(
  end: AttemptEnd,
  isSupervised: boolean,
): "success" | "failure" | "ignored" {
  switch (end) {
    case "answered":
      return "success";
    case "lost":
      return isSupervised ? "ignored" : "failure";
    case "failed":
    case "timed_out":
      return "failure";
    default:
      return "ignored";
  }
}

/** Whether the function may have run. */
export function isHandedOver(end: AttemptEnd): boolean {
  return end === "lost" || end === "failed" || end === "answered" || end === "timed_out";
}

/**
 * What a client is told when the ask of a replica failed with `error`; `isFar` says that it is on
 * another node.
 */
export function decideCallFailure(
  error: unknown,
  service: string,
  requestType: string,
  isFar = false,
): CallFailure {
  const record = toErrorRecord(error);
  if (error instanceof ReplyError) {
    if (record.code === HANDLER_FAILED) return internal(record.message, true);
    const { code, message, retryAfterMs } = record;
    const answered = failure(code, message);
    return retryAfterMs === undefined ? answered : { ...answered, retryAfterMs };
  }
  switch (error instanceof TroupeError ? record.code : "") {
    case "no_actor":
    case "actor_stopped":
    case "unreachable":
      return unavailable(service);
    case "mailbox_full":
      return queueFull(service);
    case "link_full":
      // What is full is the way to its node, where the service may well be idle.
      return isFar ? unavailable(service) : queueFull(service);
    case "ask_timeout":
      return timedOut(requestType);
    case "cancelled":
      return cancelled(requestType);
    case "thread_down":
    case "node_down":
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

/** The failure of a call for which no replica could be found. */
export function unavailable(service: string): CallFailure {
  return failure("unavailable", `service ${service} is unavailable`);
}

function queueFull(service: string): CallFailure {
  return failure("queue_full", `service ${service} has too much work waiting`);
}

/** The failure of a call whose deadline has passed. */
export function timedOut(requestType: string): CallFailure {
  return failure("timeout", `${requestType} did not answer in time`);
}

/** The failure of a call that its caller gave up. */
export function cancelled(requestType: string): CallFailure {
  return failure("cancelled", `${requestType} was cancelled`);
}

/** The failure of a call that an open breaker refused. */
export function circuitOpen(requestType: string, retryAfterMs: number): CallFailure {
  const message = `${requestType} fails too often and is left alone for a while`;
  return { ...failure("circuit_open", message), retryAfterMs };
}

/** A failure whose `detail` only the log may tell. */
export function internal(detail: string, logged: boolean): CallFailure {
  return { code: "internal", message: INTERNAL_MESSAGE, detail, logged };
}

function failure(code: ErrorCode | (string & {}), message: string): CallFailure {
  return { code, message, detail: null, logged: true };
}
