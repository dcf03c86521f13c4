/**
 * A node of a gateway's cluster under measurement, one scheduler thread. Arguments: its role, its
 * name, and the node to join. The gateway has no service of its own, the service node the echo.
 */
import { createSystem } from "#runtime";
import { defaultGatewayConfig, type GatewayConfig, startGateway } from "../actors/gateway/index.ts";
import { serveMeasurement } from "./server-process.ts";

const [role = "", name = "", ...join] = process.argv.slice(2);
if (role !== "gateway" && role !== "service") throw new RangeError(`no role ${role}`);
const cluster = { name, join, roles: [role], cookie: "bench" };
const config: GatewayConfig = {
  ...defaultGatewayConfig,
  ...{ name, role, cluster, port: 0 },
  services:
    role === "service" ? [new URL("../actors/examples/echo-service.ts", import.meta.url).href] : [],
  channels: defaultGatewayConfig.channels.map((channel) => ({ ...channel, event: "api" })),
  connect: { module: new URL("pipeline-connect.ts", import.meta.url).href, function: "connect" },
  idleTimeoutMs: 600_000,
};
const system = await createSystem({ threads: 1, cluster });
const { port } = await startGateway(system, config);
serveMeasurement(port, () => system.stop());
