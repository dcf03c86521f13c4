import { isMap } from "../registry/index.ts";
import type { CallInfo } from "./call-info.ts";
import type { Request } from "./request.ts";

/** Who calls: what the connect handler found out about a socket, the same for all its requests. */
export interface Caller {
  /** null: nobody was verified. */
  readonly userId: string | null;
  readonly userRoles: readonly string[];
  readonly deviceId: string | null;
  readonly ipAddress: string | null;
  /** All that the connect handler returned, the fields above included. */
  readonly assigns: Readonly<Record<string, unknown>>;
}

/** What a channel demands of its callers. */
export interface ChannelPolicy {
  /** Refuse a caller whose user is not known. */
  readonly requireVerifiedUserId: boolean;
  /** Take user and roles from the socket alone; false believes those of the payload. */
  readonly overrideUserId: boolean;
}

/**
 * Who asks: what the socket knows, unless the channel believes the payload. A device id of the
 * request's own counts, because one socket may speak for several devices.
 */
export function selectCallInfo(
  payload: unknown,
  request: Request,
  caller: Caller,
  policy: ChannelPolicy,
): CallInfo {
  let { userId, userRoles } = caller;
  if (!policy.overrideUserId && isMap(payload)) {
    const { user_id, user_roles } = payload;
    if (typeof user_id === "string" && user_id !== "") userId = user_id;
    if (Array.isArray(user_roles)) {
      userRoles = user_roles.filter((role) => typeof role === "string");
    }
  }
  const deviceId = request.deviceId ?? caller.deviceId;
  return { requestId: request.requestId, userId, userRoles, deviceId };
}
