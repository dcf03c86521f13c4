import { type ChildSpec, type ChildStart, childOf } from "#runtime";
import { adminServiceName } from "./admin-functions.ts";
import { AdminService } from "./admin-service.ts";
import type { GatewayConfig } from "./config.ts";
import { Settings, settingsName } from "./settings.ts";

/** What operators change at run time is kept by this child. */
export function settingsChild({ name }: Pick<GatewayConfig, "name">): ChildSpec<ChildStart> {
  return childOf(Settings, { args: [name], options: { name: settingsName, thread: "any" } });
}

/**
 * The admin service, which goes behind the registry and the limits; nothing where the configuration
 * allows no action.
 */
export function adminChildren(
  config: Pick<GatewayConfig, "adminActions" | "pushToken">,
): ChildSpec<ChildStart>[] {
  const { adminActions: actions, pushToken } = config;
  if (actions.length === 0) return [];
  const options = { name: adminServiceName, thread: "any", concurrency: 100 } as const;
  return [childOf(AdminService, { args: [{ actions, pushToken }], options })];
}
