export type { GatewayConfig } from "./config.ts";
export type { ConfigFile } from "./config-schema.ts";
export { type Gateway, startGateway } from "./tree.ts";
