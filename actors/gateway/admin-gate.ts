/** What administrators may do to a running gateway over a channel: nothing, unless it is configured. */

/** All there is to do; each is the name of a function of the admin service too. */
export const adminActions = [
  "push_config",
  "update_rate_limit_config",
  "change_detail_error",
  "enable_tracing",
  "disable_tracing",
] as const;

/** One of {@link adminActions}. */
export type AdminAction = (typeof adminActions)[number];

/** The role that an administrator has. */
export const adminRole = "admin";

/** Whether an action goes on, or why not, for the client. */
export type AdminDecision =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: "permission_denied"; readonly message: string };

/** Allows what the configuration lists, to administrators. */
export function decideAdmin(
  action: AdminAction,
  allowed: readonly AdminAction[],
  roles: readonly string[],
): AdminDecision {
  if (!allowed.includes(action)) return deny(`${action} is not allowed on this gateway`);
  return roles.includes(adminRole) ? { ok: true } : deny("Permission denied");
}

function deny(message: string): AdminDecision {
  return { ok: false, code: "permission_denied", message };
}
