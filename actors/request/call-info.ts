import type { ActorRef } from "#runtime";
import type { StreamOpening } from "./stream-messages.ts";

/**
 * Who asks, and in which request: the last argument of every function message, behind the arguments
 * of the request. Plain data, because it may cross threads.
 */
export interface CallInfo {
  readonly requestId: string;
  readonly userId: string | null;
  readonly userRoles: readonly string[];
  readonly deviceId: string | null;
  /** Where the chunks of a stream go; only in the call that opens one. */
  readonly stream?: StreamOpening;
  /** The session that asks, where the function is one of `chat_service` and a session asks. */
  readonly session?: ActorRef;
}
