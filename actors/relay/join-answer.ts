/** What the client of a group's channel is answered: JSON texts of the responses of its join. */

import type { EnterAccepted } from "./fanout-messages.ts";
import type { RelayRefusal } from "./refusal.ts";

/** It is in; `recovered` only where it had asked for what it missed. */
export function encodeJoined({ member, epoch, offset, recovered }: EnterAccepted): string {
  const { status } = member;
  return JSON.stringify({ status, epoch, offset, ...(recovered === null ? {} : { recovered }) });
}

/** The group refuses it. */
export function encodeRefused({ code, message, retryAfterMs }: RelayRefusal): string {
  const later = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs };
  return JSON.stringify({ reason: message, code, ...later });
}

/** Its payload is at fault. */
export function encodeFault(reason: string): string {
  return JSON.stringify({ reason, code: "invalid_arguments" });
}

/** Nobody knows who it is. */
export const noUser: string = JSON.stringify({
  reason: "Authentication required",
  code: "authentication_required",
});
