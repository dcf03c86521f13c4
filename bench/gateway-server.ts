/**
 * The gateway under measurement: one scheduler thread, the demo's echo service on it, and the
 * service of the pipeline. With the argument `limited` it has two global limits and one of an API,
 * with `bare` no circuit breaker, with `heard` a listener to telemetry.
 */
import { createSystem } from "#runtime";
import { defaultGatewayConfig, type GatewayConfig, startGateway } from "../actors/gateway/index.ts";
import { serveMeasurement } from "./server-process.ts";

const [mode = ""] = process.argv.slice(2);
const examples = new URL("../actors/examples/", import.meta.url);
const own = (name: string): string => new URL(name, import.meta.url).href;
// So many that none is refused, in a window that keeps what has to be remembered small.
const limit = { scope: "node", maxRequests: 1_000_000, windowMs: 1_000 } as const;
const api = { service: "pipeline_service", requestType: "checked" };
const rules = [
  { id: "users", ...limit, service: null, requestType: null, key: "user_id" },
  { id: "addresses", ...limit, service: null, requestType: null, key: "ip_address" },
  { id: "function", ...limit, ...api, key: "user_id" },
];
const { breaker, rateLimits } = defaultGatewayConfig;
const config: GatewayConfig = {
  ...defaultGatewayConfig,
  port: 0,
  name: "bench",
  services: [new URL("echo-service.ts", examples).href, own("pipeline-service.ts")],
  channels: defaultGatewayConfig.channels.map((channel) => ({ ...channel, event: "api" })),
  connect: { module: own("pipeline-connect.ts"), function: "connect" },
  breaker: { ...breaker, enabled: mode !== "bare" },
  rateLimits: mode === "limited" ? { ...rateLimits, rules } : rateLimits,
  telemetry: mode === "heard" ? [own("pipeline-listener.ts")] : [],
  idleTimeoutMs: 600_000,
};
const system = await createSystem({ threads: 1 });
const gateway = await startGateway(system, config);
serveMeasurement(gateway.port, () => system.stop());
