import { type FunConfig, registryKey } from "../registry/index.ts";
import { encodeShape } from "./offers.ts";
import type { ServiceReport } from "./service-report.ts";

/**
 * The registry's entries for a service that several nodes offer, by key: each as the newest report
 * has it, and with all nodes that offer it alike. So while a service is replaced node by node, a
 * function that has changed is called on the new nodes alone, as the others would take the call for
 * another one. The newest of nodes that are up goes before those that are down.
 */
export function mergeReports(
  reports: readonly ServiceReport[],
  isUp: (node: string) => boolean,
): Map<string, FunConfig> {
  const sorted = [...reports].sort(
    (one, other) => Number(isUp(other.node)) - Number(isUp(one.node)) || other.order - one.order,
  );
  const newest = new Map<string, FunConfig>();
  const nodes = new Map<string, string[]>();
  for (const { node, configs } of sorted) {
    for (const config of configs) {
      const key = registryKey(config);
      const first = newest.get(key);
      if (first === undefined) {
        newest.set(key, config);
        nodes.set(key, [node]);
      } else if (encodeShape(first) === encodeShape(config)) nodes.get(key)?.push(node);
    }
  }
  const entries = Array.from(newest, ([key, config]) => {
    const offering = [...(nodes.get(key) ?? [])].sort();
    return [key, placeOn(config, offering)] as const;
  });
  return new Map(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** `local`, as a node says it of itself, is every node that says so. */
function placeOn(config: FunConfig, offering: readonly string[]): FunConfig {
  const { nodes } = config;
  if (nodes === "local") return { ...config, nodes: offering };
  if (!isNameList(nodes) || !nodes.includes("local")) return config;
  const others = nodes.filter((name) => name !== "local");
  return { ...config, nodes: [...new Set([...offering, ...others])] };
}

/**
 * What to register now: `entries`, but what is only placed anew keeps what operators have made of it
 * since `written` was registered. `current` is what the registry has.
 */
export function keepChanges(
  entries: ReadonlyMap<string, FunConfig>,
  written: ReadonlyMap<string, FunConfig>,
  current: ReadonlyMap<string, FunConfig>,
): FunConfig[] {
  return Array.from(entries).flatMap(([key, entry]) => {
    const before = written.get(key);
    if (before === undefined || encodeShape(before) !== encodeShape(entry)) return [entry];
    const present = current.get(key);
    return present === undefined ? [] : [{ ...present, nodes: entry.nodes }];
  });
}

function isNameList(nodes: FunConfig["nodes"]): nodes is readonly string[] {
  return Array.isArray(nodes);
}
