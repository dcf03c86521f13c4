import { createHash } from "node:crypto";

/** What limits look at of a call. */
export interface LimitedCall {
  readonly service: string;
  readonly requestType: string;
  readonly userId: string | null;
  readonly deviceId: string | null;
  readonly ipAddress: string | null;
  readonly assigns: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A longer value is counted under its SHA-256. */
const maxValueLength = 128;

/**
 * The text under which a call is counted for a key: `user_id`, `device_id` and `ip_address` are
 * those of the call, whatever assigns and arguments say; any other key is an own property of the
 * assigns, else of the arguments. See {@link encodeLimitValue} for what is not a text.
 */
export function selectLimitValue(key: string, call: LimitedCall): string {
  switch (key) {
    case "user_id":
      return encodeLimitValue(call.userId);
    case "device_id":
      return encodeLimitValue(call.deviceId);
    case "ip_address":
      return encodeLimitValue(call.ipAddress);
    default:
      if (Object.hasOwn(call.assigns, key)) return encodeLimitValue(call.assigns[key]);
      return encodeLimitValue(Object.hasOwn(call.args, key) ? call.args[key] : null);
  }
}

/**
 * A value as it is counted: numbers and booleans as their text, so that 7 and "7" share a count;
 * what is absent or neither (a list, a map) as the empty text, which is a count that all such
 * requests share. The text has 128 characters at most.
 */
export function encodeLimitValue(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= maxValueLength ? value : `sha256:${digest(value)}`;
  }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return "";
}

function digest(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
