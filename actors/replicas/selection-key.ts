import type { CallInfo, Request } from "../request/index.ts";

/**
 * The text that `{hash: name}` and `{sticky: name}` go by: the argument of that name; without one,
 * for `user_id` and `device_id`, those of the caller. Null when there is neither. Equal values have
 * equal texts; so have a number and its digits, as ids come as both.
 */
export function selectKey(request: Request, info: CallInfo, name: string): string | null {
  const value = Object.hasOwn(request.args, name) ? request.args[name] : null;
  if (typeof value === "string") return value;
  if (value !== null && value !== undefined) return encodeValue(value);
  if (name === "user_id") return info.userId;
  if (name === "device_id") return info.deviceId;
  return null;
}

/** Arguments that another function passes may be anything, a bigint or a cycle too. */
function encodeValue(value: unknown): string | null {
  if (typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}
