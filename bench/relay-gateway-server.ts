/** A gateway with relay groups under measurement: one scheduler thread, users from the query. */
import { setTimeout as sleep } from "node:timers/promises";
import { createSystem } from "#runtime";
import { channelDefaults } from "../actors/channel/index.ts";
import { defaultGatewayConfig, type GatewayConfig, startGateway } from "../actors/gateway/index.ts";
import { parseRelaySettings } from "../actors/relay/index.ts";
import { Collector } from "./relay-collector.ts";
import { event } from "./relay-message.ts";
import { serveMeasurement } from "./server-process.ts";

// The sender is as fast as the groups are.
const relay = parseRelaySettings({ messagesPerSecond: null }, "relay");
if (!relay.ok) throw new RangeError(relay.faults.join("\n"));
const api = { ...channelDefaults, topic: "api:*", event };
const config: GatewayConfig = {
  ...defaultGatewayConfig,
  port: 0,
  name: "bench",
  relay: relay.settings,
  channels: [api, { ...api, topic: "chat:*", group: { create: "public", durable: false } }],
  connect: {
    module: new URL("../actors/examples/connect.ts", import.meta.url).href,
    function: "connect",
  },
  idleTimeoutMs: 600_000,
};
const system = await createSystem({ threads: 1 });
const gateway = await startGateway(system, config);
const collector = await system.spawn(Collector);
serveMeasurement(gateway.port, () => system.stop(), {
  /** Memory of the process without garbage, bytes. */
  async settle(): Promise<number> {
    // Pages are given back some time after the collection that frees them.
    for (let time = 0; time < 3; time += 1) {
      await collector.ask.collect();
      globalThis.gc?.();
      await sleep(200);
    }
    return process.memoryUsage.rss();
  },
});
