import type { ActorContext } from "#runtime";
import { type FunConfig, type FunctionTarget, isMap } from "../registry/index.ts";
import type { Caller, CallInfo, Request } from "../request/index.ts";
import { encodeHookInfo, encodeHookRequest } from "./hook-request.ts";
import { ModuleFunctions } from "./module-functions.ts";

/** Whether a caller may make a request. Never throws or rejects. */
export type Permission = (
  request: Request,
  info: CallInfo,
  caller: Caller,
) => boolean | Promise<boolean>;

/** The part of a FunConfig that decides about permission. */
export type PermissionConfig = Pick<
  FunConfig,
  "service" | "requestType" | "checkPermission" | "permissionCallback" | "hookTimeout"
>;

/**
 * The permission of one function; null when everybody may call it.
 * - `any_authenticated`: the user is known.
 * - `{arg}`: the user is known and named by that argument, as the request has it: permission comes
 *   before the arguments are checked and defaults filled in. A number names the user whose id is its
 *   decimal text, unless it is too large to be exact.
 * - `{role}`: the user is known and has one of the roles.
 * - `permissionCallback` decides alone when there is one, with `(request, info, ...args)` within
 *   `hookTimeout`: exactly true allows. Whatever else it does denies, and is logged unless it is
 *   false.
 *
 * It fails closed: what is not one of these denies.
 */
export function compilePermission(
  config: PermissionConfig,
  context: ActorContext,
): Permission | null {
  const { checkPermission: check, permissionCallback } = config;
  if (permissionCallback !== null) return compileCallback(permissionCallback, config, context);
  if (check === false) return null;
  if (check === "any_authenticated") return (_request, info) => isKnown(info.userId);
  const { arg, role }: Partial<Record<string, unknown>> = isMap(check) ? check : {};
  if (typeof arg === "string") {
    return ({ args }, { userId }) =>
      isKnown(userId) && Object.hasOwn(args, arg) && names(args[arg], userId);
  }
  if (Array.isArray(role)) {
    const roles: ReadonlySet<unknown> = new Set(role);
    return (_request, { userId, userRoles }) =>
      isKnown(userId) && Array.isArray(userRoles) && userRoles.some((role) => roles.has(role));
  }
  return () => false;
}

function isKnown(userId: string | null): userId is string {
  return typeof userId === "string" && userId !== "";
}

function names(value: unknown, userId: string): boolean {
  if (typeof value === "string") return value === userId;
  // Beyond this, different numbers of a JSON text arrive as the same one.
  if (typeof value !== "number" || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  return Number.isFinite(value) && String(value) === userId;
}

function compileCallback(
  target: FunctionTarget,
  { service, requestType, hookTimeout }: PermissionConfig,
  context: ActorContext,
): Permission {
  const functions = ModuleFunctions.of(context);
  return async (request, info, caller) => {
    const args = [encodeHookRequest(request, info, caller), encodeHookInfo(info)];
    const outcome = await functions.call(target, args, hookTimeout);
    if (outcome.ok && typeof outcome.value === "boolean") return outcome.value;
    context.log("warn", "permission callback failed", {
      function: `${service}.${requestType}`,
      requestId: request.requestId,
      error: outcome.ok ? `expected true or false, got ${typeof outcome.value}` : outcome.reason,
    });
    return false;
  };
}
