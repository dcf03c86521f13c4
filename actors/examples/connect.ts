import type { ConnectRequest } from "../channel/index.ts";

/**
 * The demo's connect handler: believes the query parameters `user_id`, `user_roles` (commas between
 * them) and `device_id`, and refuses nobody. Real ones verify a token.
 */
export function connect({ params }: ConnectRequest): Record<string, unknown> {
  return {
    user_id: params["user_id"] || null,
    user_roles: params["user_roles"]?.split(",").filter(Boolean) ?? [],
    device_id: params["device_id"] || null,
  };
}
