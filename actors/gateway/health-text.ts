import { formatDuration } from "#runtime";
import type { PoolStatus } from "../pool/index.ts";
import type { ServiceInfo } from "../service/index.ts";
import type { CircuitInfo } from "./circuit-text.ts";

/** What of the rate limits is of interest at a glance. */
export interface LimitsHealth {
  readonly enabled: boolean;
  readonly rules: number;
  /** Requests that asked, over all limiters. */
  readonly checked: number;
  readonly refused: number;
  /** Requests that could not be counted. */
  readonly uncounted: number;
}

/** How a gateway is, in short. */
export interface Health {
  /**
   * `degraded`: a service or a function file is down, a circuit is open, a node that is to be joined
   * is missing, or a thread or one of those who are asked here does not answer. A half-open circuit only waits for calls to probe with.
   */
  readonly status: "ok" | "degraded";
  readonly name: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly threads: number;
  readonly silentThreads: readonly number[];
  /** Names of actors that did not answer. */
  readonly silentActors: readonly string[];
  readonly actors: number;
  readonly sockets: number;
  readonly sessions: number;
  /** Requests of clients in progress. */
  readonly inFlight: number;
  readonly services: readonly Pick<ServiceInfo, "name" | "status" | "reason">[];
  /** The function files that are down. */
  readonly downFiles: readonly { readonly path: string; readonly reason: string | null }[];
  /** Those that are open or half-open. */
  readonly circuits: readonly Pick<CircuitInfo, "target" | "state" | "reason" | "probesInMs">[];
  readonly pools: readonly Pick<
    PoolStatus,
    "name" | "busy" | "maxThreads" | "queued" | "rejected"
  >[];
  /** Null when nobody tells, or there are none: a service node has no clients to limit. */
  readonly limits: LimitsHealth | null;
  /** Null for what is in no cluster. */
  readonly nodes: NodesHealth | null;
}

/** What of the cluster is of interest at a glance. */
export interface NodesHealth {
  /** Other nodes that are connected. */
  readonly connected: number;
  /** Those that are to be joined and are not connected. */
  readonly missing: readonly string[];
}

/** Whether all is well. */
export function decideStatus(health: Omit<Health, "status">): Health["status"] {
  const { silentThreads, silentActors, services, downFiles, circuits, nodes } = health;
  const open = circuits.filter(({ state }) => state === "open");
  const troubles = silentThreads.length + silentActors.length + downFiles.length + open.length;
  const isWhole = nodes === null || nodes.missing.length === 0;
  const isWell = troubles === 0 && isWhole && services.every(({ status }) => status === "running");
  return isWell ? "ok" : "degraded";
}

/** A few lines; what is not as it should be has one of its own. */
export function formatHealth(health: Health): string {
  const { status, name, version, uptimeMs, threads, silentThreads, silentActors } = health;
  const { actors, services, sockets, sessions, inFlight, pools, limits, downFiles, nodes } = health;
  const lines = [
    `${name} is ${status}: Troupe ${version}, up for ${formatDuration(uptimeMs)}`,
    `${threads} threads, ${actors} actors, ${services.length} services`,
    `${sockets} sockets, ${sessions} sessions, ${inFlight} requests in flight`,
    ...pools.map(
      (pool) =>
        `${pool.name}: ${pool.busy} of ${pool.maxThreads} threads busy, ${pool.queued} waiting, ${pool.rejected} rejected`,
    ),
    ...(limits === null ? [] : [formatLimitsHealth(limits)]),
    ...(nodes === null ? [] : [formatNodesHealth(nodes)]),
  ];
  for (const service of services) {
    if (service.status === "down") lines.push(`${service.name} is down: ${service.reason}`);
  }
  for (const { path, reason } of downFiles) lines.push(`${path} is down: ${reason}`);
  lines.push(...health.circuits.map(formatCircuit));
  if (silentThreads.length > 0) lines.push(`no answer from threads: ${silentThreads.join(", ")}`);
  if (silentActors.length > 0) lines.push(`no answer from: ${silentActors.join(", ")}`);
  return lines.join("\n");
}

function formatLimitsHealth({ enabled, rules, checked, refused, uncounted }: LimitsHealth): string {
  if (!enabled) return "rate limits are off";
  if (rules === 0) return "no rate limits";
  return `${rules} ${rules === 1 ? "rate limit" : "rate limits"}: ${checked} requests checked, ${refused} refused, ${uncounted} uncounted`;
}

function formatNodesHealth({ connected, missing }: NodesHealth): string {
  const count = `${connected} other ${connected === 1 ? "node" : "nodes"} connected`;
  return missing.length === 0 ? count : `${count}; not connected: ${missing.join(", ")}`;
}

function formatCircuit({ target, state, reason, probesInMs }: Health["circuits"][number]): string {
  const until = probesInMs === null ? "" : `, probes in ${formatDuration(probesInMs)}`;
  return `the circuit of ${target} is ${state.replace("_", "-")}${until}: ${reason}`;
}
