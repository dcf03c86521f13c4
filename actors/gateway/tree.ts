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
import { breakerChildren } from "../breaker/index.ts";
import { acceptorPrefix, claimPort, offerConnectionMemory } from "../channel/index.ts";
import { exchangeChildren, farewellChild } from "../exchange/index.ts";
import { limitChildren } from "../limits/index.ts";
import { poolChildren } from "../pool/index.ts";
import { FailedConfigs, failedConfigsName, Registry, registryName } from "../registry/index.ts";
import { relayChildren } from "../relay/index.ts";
import {
  Loader,
  loaderName,
  type ServiceInfo,
  servicesName,
  ThreadCaller,
  threadCallerPrefix,
} from "../service/index.ts";
import { Acceptor } from "./acceptor.ts";
import { adminChildren, settingsChild } from "./admin-children.ts";
import { Boot } from "./boot.ts";
import type { GatewayConfig } from "./config.ts";
import { Console, consoleName } from "./console.ts";
import { GatewayAccess } from "./gateway-access.ts";
import { HealthDoor, healthDoorName } from "./health-door.ts";
import { NodeOperator, offerParts, operatorName } from "./node-operator.ts";

/** The registered names of the supervisor of all else, by the role of the node. */
const supervisorNames = { gateway: "gateway", service: "service_node" } as const;

/** A gateway that serves. */
export interface Gateway {
  /** Where clients connect: what the Phoenix client takes as its endpoint. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Those that were loaded at the start. */
  readonly services: readonly ServiceInfo[];
}

/** A service node whose functions can be called. */
export interface ServiceNode {
  readonly name: string;
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
 * gateway          one_for_one, on the main thread
 * ├ failed_configs the FunConfigs that were refused
 * ├ registry       the one writer of all FunConfigs
 * ├ limiter-N      counts of the rate limits, a shard per scheduler thread
 * ├ quota          those of the cluster, in Redis; where it is configured
 * ├ limits         the rules of the rate limits
 * ├ breakers       parent of a circuit breaker per target that fails
 * ├ bulkheads      parent of a bulkhead per function that has one
 * ├ settings       what operators change at run time
 * ├ caller-N       calls functions for code of thread N that works on no request
 * ├ farewell       keeps a node that stops in the cluster until it is known; in a cluster
 * ├ services       supervisor of the services, each with a supervisor of its own
 * ├ loader         loads, replaces and stops services
 * ├ pool/…         the threads of async functions and of streams that want them
 * ├ boot           loads the configured services and functions, then ends
 * ├ receiver       takes the functions that other nodes offer; this and the next three in a cluster
 * ├ puller         asks other nodes for theirs
 * ├ publisher      tells what this node offers; this and the next one on a service node
 * ├ pusher         offers it to the gateways
 * ├ relay_store    durable groups on disk; where it is configured, as the next two
 * ├ relay-N        parent of the relay groups whose home is its thread
 * ├ chat_service-N the functions for groups, on thread N
 * ├ operator       does for the operators of other nodes what they do on theirs
 * ├ admin_service  what administrators may do over a channel; where it is configured
 * ├ console        calls functions for operators
 * └ acceptor-N     HTTP and WebSockets, one per scheduler thread; clients come when all else is there
 * ```
 *
 * @throws TroupeError `port_taken`, `cannot_listen`, and `start_failed` with the reason in one line;
 * then nothing of it runs.
 */
export async function startGateway(system: System, config: GatewayConfig): Promise<Gateway> {
  const { host } = config;
  // Once, and not in an acceptor: one that starts anew finds others, perhaps even its killed
  // predecessor, on the port that is the gateway's own.
  const port = await claimPort(host, config.port);
  const memory = offerConnectionMemory(system.schedulers.length);
  const shared = { ...config, port, connectionMemory: memory.name };
  try {
    const services = await startTree(system, shared);
    return { url: encodeUrl(host, port), host, port, services };
  } catch (error) {
    memory.close();
    throw error;
  }
}

/**
 * Builds the same tree without what is there for clients: limits, administrators, acceptors. Where
 * `healthPort` is set, /health and /ready are answered there.
 * @throws TroupeError as {@link startGateway}.
 */
export async function startServiceNode(
  system: System,
  config: GatewayConfig,
): Promise<ServiceNode> {
  const { name, host, healthPort } = config;
  const port = healthPort === null ? null : await claimPort(host, healthPort);
  return { name, services: await startTree(system, { ...config, healthPort: port }) };
}

async function startTree(system: System, config: GatewayConfig): Promise<readonly ServiceInfo[]> {
  const flags = { intensity: 10, periodMs: 60_000, backoff: { minMs: 20, maxMs: 5_000 } };
  const running = { system, config };
  const gateway = new GatewayAccess(() => running);
  const spawnModules = config.cluster?.spawnModules ?? [];
  const offer = offerParts({ gateway, spawnModules });
  const spec = childOf(Supervisor, {
    args: [flags, encodeChildren(system.schedulers, config, offer)],
    type: "supervisor",
    options: { name: supervisorNames[config.role], thread: 0, startTimeoutMs: bootTimeoutMs },
  });
  try {
    await system.startChild(spec);
  } catch (error) {
    throw new TroupeError("start_failed", selectReason(error), error);
  }
  const loader = system.resolve(loaderName) as ActorRef<Loader>;
  return loader.ask.list();
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
  offer: number,
): ChildSpec<ChildStart>[] {
  const { drainMs, services, functions, allowModules, role } = config;
  const many = 1_000;
  const isGateway = role === "gateway";
  return [
    childOf(FailedConfigs, { options: { name: failedConfigsName, thread: "any" } }),
    childOf(Registry, { options: { name: registryName, thread: "any" } }),
    ...(isGateway ? limitChildren(schedulers, config.rateLimits) : []),
    ...breakerChildren(config),
    settingsChild(config),
    ...[...new Set([0, ...schedulers])].map((thread) =>
      childOf(ThreadCaller, { options: { name: `${threadCallerPrefix}${thread}`, thread } }),
    ),
    ...(config.cluster === null ? [] : [farewellChild()]),
    childOf(Supervisor, {
      args: [{}, []],
      type: "supervisor",
      options: { name: servicesName, thread: 0 },
    }),
    childOf(Loader, {
      args: [{ schedulers, drainMs, allowModules }],
      options: { name: loaderName, thread: "any" },
    }),
    ...poolChildren(config.pools, drainMs),
    childOf(Boot, {
      args: [services, functions],
      restart: "transient",
      options: { name: "boot", thread: "any", startTimeoutMs: bootTimeoutMs },
    }),
    ...clusterChildren(config),
    ...(isGateway ? relayChildren(schedulers, config.relay) : []),
    childOf(NodeOperator, {
      args: [offer],
      options: { name: operatorName, thread: 0, concurrency: many },
    }),
    ...(isGateway ? adminChildren(config) : []),
    childOf(Console, { options: { name: consoleName, thread: "any", concurrency: many } }),
    ...(isGateway ? acceptorChildren(schedulers, config) : healthChildren(config)),
  ];
}

function clusterChildren({ cluster, pushToken, pull }: GatewayConfig): ChildSpec<ChildStart>[] {
  if (cluster === null) return [];
  return exchangeChildren({ roles: cluster.roles ?? [], pushToken, pull });
}

function acceptorChildren(
  schedulers: readonly number[],
  config: GatewayConfig,
): ChildSpec<ChildStart>[] {
  return schedulers.map((thread, index) =>
    childOf(Acceptor, {
      args: [config],
      shutdown: config.drainMs + drainMarginMs,
      options: { name: `${acceptorPrefix}${index + 1}`, thread },
    }),
  );
}

function healthChildren({ host, healthPort }: GatewayConfig): ChildSpec<ChildStart>[] {
  if (healthPort === null) return [];
  const options = { name: healthDoorName, thread: "any" } as const;
  return [childOf(HealthDoor, { args: [host, healthPort], options })];
}

/** What went wrong in the end, without the names of all who did not start because of it. */
function selectReason(error: unknown): string {
  const { message } = toErrorRecord(error);
  return message
    .replace(/^(\w+ did not start: )+/, "")
    .replaceAll(/\s*\n\s*/g, "; ")
    .replaceAll(":;", ":");
}
