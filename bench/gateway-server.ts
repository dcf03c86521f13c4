/** The gateway under measurement: one scheduler thread, the demo's echo service on it. */
import { createSystem } from "#runtime";
import { startGateway } from "../actors/gateway/index.ts";
import { serveMeasurement } from "./server-process.ts";

const examples = new URL("../actors/examples/", import.meta.url);
const system = await createSystem({ threads: 1 });
const gateway = await startGateway(system, {
  host: "127.0.0.1",
  port: 0,
  name: "bench",
  services: [new URL("echo-service.ts", examples).href],
  channels: [
    {
      topic: "api:*",
      event: "api",
      requireVerifiedUserId: true,
      overrideUserId: true,
      ordered: false,
      maxInFlight: 64,
    },
  ],
  connect: { module: new URL("connect.ts", examples).href, function: "connect" },
  detailError: false,
  maxFrameBytes: 1_048_576,
  idleTimeoutMs: 600_000,
  maxChannels: 100,
  drainMs: 15_000,
  replSocket: null,
  prompt: false,
  threads: 1,
  demo: false,
  file: null,
});
serveMeasurement(gateway.port, () => system.stop());
