import type { Caller } from "../request/index.ts";

/** What a connect handler says of a socket: `user_id`, `user_roles`, `device_id`, whatever else. */
export type Assigns = Readonly<Record<string, unknown>>;

const noRoles: readonly string[] = Object.freeze([]);
const noAssigns: Assigns = Object.freeze({});

/** The caller that a socket has where nobody asks who connects. */
export function anonymousCaller(ipAddress: string | null): Caller {
  return { userId: null, userRoles: noRoles, deviceId: null, ipAddress, assigns: noAssigns };
}

/**
 * Reads who calls from the assigns of a socket. `user_id` and `device_id` are non-empty strings or numbers,
 * `user_roles` a list of strings or a single one; each may be absent or null.
 *
 * @throws TypeError that names the field, what it must be and what came.
 */
export function parseAssigns(assigns: unknown, ipAddress: string | null): Caller {
  if (typeof assigns !== "object" || assigns === null || Array.isArray(assigns)) {
    throw new TypeError(`assigns: expected an object or null, received ${describe(assigns)}`);
  }
  const { user_id, user_roles, device_id } = assigns as Record<string, unknown>;
  return {
    userId: parseId("user_id", user_id),
    userRoles: parseRoles(user_roles),
    deviceId: parseId("device_id", device_id),
    ipAddress,
    assigns: assigns as Record<string, unknown>,
  };
}

function parseId(field: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && value !== "") return value;
  if (Number.isFinite(value)) return String(value);
  throw new TypeError(`assigns.${field}: expected a non-empty string, received ${describe(value)}`);
}

function parseRoles(value: unknown): readonly string[] {
  if (value === undefined || value === null) return noRoles;
  const roles = Array.isArray(value) ? value : [value];
  if (roles.every((role) => typeof role === "string")) return roles;
  throw new TypeError(
    `assigns.user_roles: expected a list of strings, received ${describe(value)}`,
  );
}

/** The type alone: what came may be a secret. */
function describe(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty string";
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}
