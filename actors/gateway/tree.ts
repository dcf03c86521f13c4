import {
  type ActorRef,
  type ChildSpec,
  type ChildStart,
  childOf,
  Supervisor,
  type System,
  TroupeError,
  toErrorRecord,
} from "#runtime";
import { acceptorPrefix, claimPort } from "../channel/index.ts";
import { Registry, registryName } from "../registry/index.ts";
import { Loader, loaderName, type ServiceInfo, servicesName } from "../service/index.ts";
import { Acceptor } from "./acceptor.ts";
import { Boot } from "./boot.ts";
import type { GatewayConfig } from "./config.ts";
import { Console, consoleName } from "./console.ts";

/** The registered name of the gateway's supervisor. */
const gatewayName = "gateway";

/** A gateway that serves. */
export interface Gateway {
  /** Where clients connect: what the Phoenix client takes as its endpoint. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Those that were loaded at the start. */
  readonly services: readonly ServiceInfo[];
}

const bootTimeoutMs = 300_000;
/** What stops beside the requests in flight takes a moment more. */
const drainMarginMs = 1_000;

/**
 * Builds the gateway's supervision tree under the system's root:
 *
 * ```text
 * gateway        one_for_one, on the main thread
 * ├ registry     the one writer of all FunConfigs
 * ├ services     supervisor of the services, each with a supervisor of its own
 * ├ loader       loads, replaces and stops services
 * ├ boot         loads the configured services, then ends
 * ├ console      calls functions for operators
 * └ acceptor-N   HTTP and WebSockets, one per scheduler thread; clients come when all else is there
 * ```
 *
 * @throws TroupeError `port_taken`, `cannot_listen`, and `start_failed` with the reason in one line;
 * then nothing of it runs.
 */
export async function startGateway(system: System, config: GatewayConfig): Promise<Gateway> {
  const flags = { intensity: 10, periodMs: 60_000, backoff: { minMs: 20, maxMs: 5_000 } };
  const { host } = config;
  // Once, and not in an acceptor: one that starts anew finds others, perhaps even its killed
  // predecessor, on the port that is the gateway's own.
  const port = await claimPort(host, config.port);
  const children = encodeChildren(system.schedulers, { ...config, port });
  const spec = childOf(Supervisor, {
    args: [flags, children],
    type: "supervisor",
    options: { name: gatewayName, thread: 0, startTimeoutMs: bootTimeoutMs },
  });
  try {
    await system.startChild(spec);
  } catch (error) {
    throw new TroupeError("start_failed", selectReason(error), error);
  }
  const loader = system.resolve(loaderName) as ActorRef<Loader>;
  return { url: encodeUrl(host, port), host, port, services: await loader.ask.list() };
}

/**
 * Lets all acceptors drain at once; stopping the tree, one after the other, then finds them at it.
 */
export function drainAcceptors(system: System): void {
  for (const name of system.names()) {
    if (!name.startsWith(acceptorPrefix)) continue;
    (system.resolve(name) as ActorRef<Acceptor> | undefined)?.tell.drain();
  }
}

/** `ws://host:port/socket`; an address that means all interfaces is reached over loopback. */
export function encodeUrl(host: string, port: number): string {
  const everywhere: Partial<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const reachable = everywhere[host] ?? host;
  return `ws://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}/socket`;
}

function encodeChildren(
  schedulers: readonly number[],
  config: GatewayConfig,
): ChildSpec<ChildStart>[] {
  const { drainMs, services } = config;
  const shutdown = drainMs + drainMarginMs;
  const many = 1_000;
  return [
    childOf(Registry, { options: { name: registryName, thread: "any" } }),
    childOf(Supervisor, {
      args: [{}, []],
      type: "supervisor",
      options: { name: servicesName, thread: 0 },
    }),
    childOf(Loader, {
      args: [{ schedulers, drainMs }],
      options: { name: loaderName, thread: "any" },
    }),
    childOf(Boot, {
      args: [services],
      restart: "transient",
      options: { name: "boot", thread: "any", startTimeoutMs: bootTimeoutMs },
    }),
    childOf(Console, { options: { name: consoleName, thread: "any", concurrency: many } }),
    ...schedulers.map((thread, index) =>
      childOf(Acceptor, {
        args: [config],
        shutdown,
        options: { name: `${acceptorPrefix}${index + 1}`, thread },
      }),
    ),
  ];
}

/** What went wrong in the end, without the names of all who did not start because of it. */
function selectReason(error: unknown): string {
  const { message } = toErrorRecord(error);
  return message
    .replace(/^(\w+ did not start: )+/, "")
    .replaceAll(/\s*\n\s*/g, "; ")
    .replaceAll(":;", ":");
}
