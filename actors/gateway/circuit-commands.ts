import { type Ask, type Command, CommandError } from "#runtime";
import {
  type BreakerRecord,
  type Breakers,
  type Bulkheads,
  breakersName,
  breakersTable,
  bulkheadsName,
} from "../breaker/index.ts";
import { asyncPoolName, type Pool, streamPoolName } from "../pool/index.ts";
import { registryKey } from "../registry/index.ts";
import {
  type BulkheadUse,
  type CircuitInfo,
  type Circuits,
  describeCircuit,
  formatBulkheads,
  formatCircuits,
  formatPools,
  type Pools,
} from "./circuit-text.ts";
import { nothingNamed, readText } from "./command-arguments.ts";
import type { GatewayAccess } from "./gateway-access.ts";

/** What there is to do with circuit breakers, bulkheads and pools. */
export function circuitCommands(gateway: GatewayAccess): Command[] {
  const targets = (): string[] =>
    Array.from(gateway.table<BreakerRecord>(breakersTable).entries(), ([target]) => target);
  return [
    {
      name: "breakers",
      parameters: [],
      description: "the circuit breakers of what has failed of late",
      run: (): Circuits => {
        const { enabled } = gateway.config.breaker;
        return { enabled, circuits: listCircuits(gateway) };
      },
      format: formatCircuits,
    },
    {
      name: "resetBreaker",
      parameters: [{ name: "target", kind: "text", complete: targets }],
      description: "close a circuit and forget its failures",
      run: async (given): Promise<{ readonly reset: string }> => {
        const target = readText(given, "target", "a target such as local/shop/buy");
        if (!gateway.config.breaker.enabled) {
          throw new CommandError("circuit breakers are off: breaker.enabled is false");
        }
        if (!(await gateway.find<Breakers>(breakersName).ask.reset(target))) {
          throw nothingNamed("circuit with failures", target, targets());
        }
        return { reset: target };
      },
      format: ({ reset }: { reset: string }) => `the circuit of ${reset} is closed`,
    },
    {
      name: "bulkheads",
      parameters: [],
      description: "the functions with a maxConcurrent, who is inside and who waits",
      run: () => listBulkheads(gateway),
      format: formatBulkheads,
    },
    {
      name: "poolStatus",
      parameters: [],
      description: "the thread pools and what they do",
      run: () => inspectPools(gateway),
      format: formatPools,
    },
  ];
}

/** The circuits that there is something to say of, by target. */
export function listCircuits(gateway: GatewayAccess): CircuitInfo[] {
  const now = gateway.system.clock.wallTime();
  const records = [...gateway.table<BreakerRecord>(breakersTable).entries()];
  return records
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([target, record]) => describeCircuit(target, record, now));
}

/** Both pools; what one does not answer within a second is not waited for. */
export async function inspectPools(gateway: GatewayAccess): Promise<Pools> {
  const names = [asyncPoolName, streamPoolName];
  const circuits = [...gateway.table<BreakerRecord>(breakersTable).entries()];
  const countOpen = (pool: string): number =>
    circuits.filter(([target, { state }]) => target.startsWith(`${pool}/`) && state !== "closed")
      .length;
  const statuses = await Promise.all(
    names.map((name) => gateway.status(name, (pool: Ask<Pool>) => pool.status())),
  );
  return {
    pools: statuses.flatMap((status) =>
      status === undefined ? [] : [{ ...status, openCircuits: countOpen(status.name) }],
    ),
    silent: names.filter((_, index) => statuses[index] === undefined),
  };
}

async function listBulkheads(gateway: GatewayAccess): Promise<BulkheadUse[]> {
  const opened = await gateway.find<Bulkheads>(bulkheadsName).ask.list();
  const uses = new Map<string, BulkheadUse>();
  for (const config of gateway.functions()) {
    const { maxConcurrent, maxQueue } = config;
    if (maxConcurrent === null) continue;
    const key = registryKey(config);
    uses.set(key, { function: key, held: 0, waiting: 0, maxConcurrent, maxQueue });
  }
  for (const { key, status } of opened) {
    const { held = null, waiting = null } = status ?? {};
    const { maxConcurrent = null, maxQueue = null } = uses.get(key) ?? {};
    uses.set(key, { function: key, held, waiting, maxConcurrent, maxQueue });
  }
  return [...uses.values()];
}
