import type { Ask, Command } from "#runtime";
import { type Limits, limitsName } from "../limits/index.ts";
import { type FunctionFile, functionFilesTable } from "../service/index.ts";
import type { Acceptor } from "./acceptor.ts";
import { inspectPools, listCircuits } from "./circuit-commands.ts";
import { formatPath } from "./function-text.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import {
  decideStatus,
  formatHealth,
  type Health,
  type LimitsHealth,
  type NodesHealth,
} from "./health-text.ts";
import { selectDown } from "./node-view.ts";
import { troupeVersion } from "./version.ts";

/** How the gateway is; answered within a few seconds, whoever is silent. */
export function healthCommand(gateway: GatewayAccess): Command {
  return {
    name: "health",
    parameters: [],
    description: "how the gateway is: what is down or open, and what it has to do with",
    run: () => inspectHealth(gateway),
    format: formatHealth,
  };
}

async function inspectHealth(gateway: GatewayAccess): Promise<Health> {
  const acceptors = gateway.acceptors();
  const [{ actors, threads, silent }, pools, limits, ...statistics] = await Promise.all([
    gateway.system.inspect(),
    inspectPools(gateway),
    gateway.status(limitsName, (one: Ask<Limits>) => one.statistics()),
    ...acceptors.map((name) => gateway.status(name, (one: Ask<Acceptor>) => one.statistics())),
  ]);
  const sum = (key: "sockets" | "sessions" | "inFlight"): number =>
    statistics.reduce((total, one) => total + (one?.[key] ?? 0), 0);
  const files = Array.from(
    gateway.table<FunctionFile>(functionFilesTable).entries(),
    ([, file]) => file,
  );
  const health: Omit<Health, "status"> = {
    name: gateway.config.name,
    version: troupeVersion,
    uptimeMs: actors.find(({ name }) => name === "root")?.uptimeMs ?? 0,
    threads: threads.length,
    silentThreads: silent,
    silentActors: [
      ...acceptors.filter((_, index) => statistics[index] === undefined),
      ...pools.silent,
      ...(limits === undefined && gateway.config.role === "gateway" ? [limitsName] : []),
    ],
    actors: actors.length,
    ...{ sockets: sum("sockets"), sessions: sum("sessions"), inFlight: sum("inFlight") },
    services: [...gateway.records().values()].map(({ name, status, reason }) => ({
      ...{ name, status, reason },
    })),
    downFiles: files
      .filter(({ status }) => status === "down")
      .map(({ source, reason }) => ({ path: formatPath(source), reason })),
    circuits: listCircuits(gateway)
      .filter(({ state }) => state !== "closed")
      .map(({ target, state, reason, probesInMs }) => ({ target, state, reason, probesInMs })),
    pools: pools.pools.map(({ name, busy, maxThreads, queued, rejected }) => ({
      ...{ name, busy, maxThreads, queued, rejected },
    })),
    limits: limits === undefined ? null : selectLimits(limits),
    nodes: selectNodes(gateway),
  };
  return { status: decideStatus(health), ...health };
}

function selectNodes({ config, system }: GatewayAccess): NodesHealth | null {
  if (config.cluster === null) return null;
  const up = system.nodes.list();
  return {
    connected: up.filter(({ isSelf }) => !isSelf).length,
    missing: selectDown(config.cluster.join ?? [], up).map(({ name }) => name),
  };
}

function selectLimits(statistics: Awaited<ReturnType<Limits["statistics"]>>): LimitsHealth {
  const { enabled, rules, shards, quota } = statistics;
  const all = [...shards, quota].filter((one) => one !== null);
  const sum = (key: "checked" | "refused" | "uncounted"): number =>
    all.reduce((total, one) => total + one[key], 0);
  return {
    ...{ enabled, rules: rules.length },
    ...{ checked: sum("checked"), refused: sum("refused"), uncounted: sum("uncounted") },
  };
}
