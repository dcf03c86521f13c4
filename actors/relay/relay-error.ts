import { isReplyError, ReplyError, TroupeError, toErrorRecord } from "#runtime";
import { ServiceError } from "../service/index.ts";
import type { RelayRefusal } from "./refusal.ts";

/** A refusal of a group, thrown: its code and text reach the client. */
export class RelayError extends ServiceError {
  constructor({ code, message, retryAfterMs }: RelayRefusal) {
    super(code, message, undefined, retryAfterMs);
    this.name = "RelayError";
  }
}

/** Who may have begun with what it was asked. */
const lost: readonly string[] = ["thread_down", "node_down", "abandoned", "actor_crashed"];

/**
 * What a caller is told when the ask of a group, a shard or a fan-out failed: `timeout`, `cancelled`,
 * `outcome_unknown` when it may have been worked on, else `unavailable`. An error of another kind
 * stays what it is: that is a fault of this code.
 */
export function toRelayError(error: unknown): unknown {
  if (isReplyError(error) || !(error instanceof TroupeError)) return error;
  const { code } = toErrorRecord(error);
  if (code === "ask_timeout") {
    return new ReplyError("timeout", "the group did not answer in time", error);
  }
  if (code === "cancelled") return new ReplyError("cancelled", "the call was cancelled", error);
  if (lost.includes(code)) {
    return new ReplyError("outcome_unknown", "the group was lost while it worked on this", error);
  }
  return new ReplyError("unavailable", "the group cannot be reached now", error);
}
