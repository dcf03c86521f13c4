/** A gateway with relay groups under measurement: one scheduler thread, users from the query. */
import { createSystem } from "#runtime";
import { channelDefaults } from "../actors/channel/index.ts";
import { defaultGatewayConfig, type GatewayConfig, startGateway } from "../actors/gateway/index.ts";
import { parseRelaySettings } from "../actors/relay/index.ts";
import { Collector } from "./relay-collector.ts";
import { Founder } from "./relay-founder.ts";
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
const founder = await system.spawn(Founder);
serveMeasurement(gateway.port, () => system.stop(), {
  held: () => collector.ask.held(),
  create: (name: string, users: number, groupsEach: number) =>
    founder.askWith({ timeoutMs: 120_000 }).create(name, users, groupsEach),
});
