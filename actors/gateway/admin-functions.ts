import Type, { type TSchema } from "typebox";
import { type AdminAction, adminRole } from "./admin-gate.ts";

/** The name of the admin service, for clients and in the registry. */
export const adminServiceName = "admin_service";

const name = Type.String({ minLength: 1, maxLength: 256 });
const entry = Type.Record(Type.String(), Type.Unknown());
const limits = Type.Array(entry, { maxItems: 1_000 });

const schemas: Readonly<Record<AdminAction, TSchema>> = {
  push_config: Type.Object({
    configs: Type.Array(entry, { maxItems: 1_000 }),
    token: Type.Optional(Type.String({ maxLength: 4_096 })),
  }),
  update_rate_limit_config: Type.Object({
    globalLimits: Type.Optional(limits),
    global_limits: Type.Optional(limits),
    apiLimits: Type.Optional(limits),
    api_limits: Type.Optional(limits),
  }),
  change_detail_error: Type.Object({ enabled: Type.Boolean() }),
  enable_tracing: Type.Object({
    service: Type.Optional(name),
    request_type: Type.Optional(name),
  }),
  disable_tracing: Type.Object({}),
};

const timeoutMs = 10_000;

/** What the registry holds of the admin service: the allowed functions, for administrators alone. */
export function encodeAdminConfigs(allowed: readonly AdminAction[]): Record<string, unknown>[] {
  return [...new Set(allowed)].map((action) => ({
    service: adminServiceName,
    requestType: action,
    nodes: "local",
    timeout: timeoutMs,
    mfa: { module: adminServiceName, function: action, args: [] },
    // Plain data, as it has to be to travel.
    argTypes: JSON.parse(JSON.stringify(schemas[action])),
    argOrders: "map",
    checkPermission: { role: [adminRole] },
  }));
}
