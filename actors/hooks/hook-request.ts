import type { Caller, CallInfo, Request } from "../request/index.ts";

/**
 * A request as hooks and permission callbacks see it. It is theirs to read: frozen, as are `args`,
 * `userRoles` and `assigns`, each at its top level, and none of them shared with the request.
 */
export interface HookRequest {
  readonly requestId: string;
  readonly requestType: string;
  readonly service: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** null: no version asked. */
  readonly version: string | null;
  readonly deviceId: string | null;
  /** null: nobody was verified. */
  readonly userId: string | null;
  readonly userRoles: readonly string[];
  readonly ipAddress: string | null;
  /** All that the connect handler returned. */
  readonly assigns: Readonly<Record<string, unknown>>;
}

/** What is handed to a hook. */
export function encodeHookRequest(request: Request, info: CallInfo, caller: Caller): HookRequest {
  const { requestId, requestType, service, version } = request;
  return Object.freeze({
    requestId,
    requestType,
    service,
    args: Object.freeze({ ...request.args }),
    version,
    deviceId: info.deviceId,
    userId: info.userId,
    userRoles: Object.freeze([...info.userRoles]),
    ipAddress: caller.ipAddress,
    assigns: Object.freeze({ ...caller.assigns }),
  });
}

/** Who asks, as a permission callback sees it: frozen, and not shared with the request. */
export function encodeHookInfo(info: CallInfo): CallInfo {
  return Object.freeze({ ...info, userRoles: Object.freeze([...info.userRoles]) });
}
