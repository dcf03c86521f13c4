import type { Caller, CallInfo, Request } from "../request/index.ts";

/**
 * A request as hooks and permission callbacks see it. It is theirs to read: frozen, as are `args`,
 * `userRoles` and `assigns`, each at its top level. None of them is shared with the request at any
 * depth, but for what cannot be cloned, such as a function: that is the request's own.
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
    args: Object.freeze(copyDeep(request.args)),
    version,
    deviceId: info.deviceId,
    userId: info.userId,
    userRoles: Object.freeze([...info.userRoles]),
    ipAddress: caller.ipAddress,
    assigns: Object.freeze(copyDeep(caller.assigns)),
  });
}

/** Who asks, as a permission callback sees it: frozen, and not shared with the request. */
export function encodeHookInfo(info: CallInfo): CallInfo {
  return Object.freeze({ ...info, userRoles: Object.freeze([...info.userRoles]) });
}

function copyDeep(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return structuredClone(fields);
  } catch {
    // One field that cannot be cloned must not leave the others shared.
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, copyValue(value)]),
    );
  }
}

function copyValue(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return value;
  }
}
