import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import type { System } from "#runtime";
import { type ChannelConfig, channelDefaults } from "../../actors/channel/index.ts";
import { defaultGatewayConfig, type GatewayConfig } from "../../actors/gateway/config.ts";
import { type Gateway, startGateway } from "../../actors/gateway/tree.ts";
import { type LogRecord, startSystem } from "../fixtures/running-system.ts";
import { fixture, type Scope } from "./gateway-process.ts";

/** What a stage differs in from a gateway that is told nothing. */
export interface StageOptions extends Partial<Omit<GatewayConfig, "channels" | "services">> {
  /** Names of modules in `fixtures/`. */
  readonly services: readonly string[];
  readonly channels?: readonly (Pick<ChannelConfig, "topic"> & Partial<ChannelConfig>)[];
}

/** A whole gateway in this process: real threads, a real port. */
export interface GatewayStage extends Gateway {
  readonly system: System;
  readonly log: LogRecord;
}

const lobby = { topic: "api:*", event: "api", requireVerifiedUserId: false };

/** A path of a module in `fixtures/` as the configuration has it. */
function moduleUrl(name: string): string {
  return pathToFileURL(fixture(name)).href;
}

/**
 * Starts a gateway that ends with `scope`; it believes the query about who connects. Its fixtures
 * may be named by functions.
 */
export async function startStage(scope: Scope, options: StageOptions): Promise<GatewayStage> {
  const { services, channels = [lobby], ...rest } = options;
  const { system, log } = await startSystem(scope as TestContext);
  const gateway = await startGateway(system, {
    ...defaultGatewayConfig,
    port: 0,
    connect: { module: moduleUrl("query-connect.ts"), function: "connect" },
    allowModules: [new URL("./", moduleUrl("x")).href],
    ...rest,
    services: services.map(moduleUrl),
    channels: channels.map((channel) => ({ ...channelDefaults, ...channel })),
  });
  return { ...gateway, system, log };
}
