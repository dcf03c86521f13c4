export { defaultGatewayConfig, type GatewayConfig } from "./config.ts";
export type { ConfigFile } from "./config-schema.ts";
export { startGateway } from "./tree.ts";
