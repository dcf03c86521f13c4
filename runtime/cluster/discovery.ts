import type { Clock, Log } from "../core/index.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { DnsDiscovery, type DnsResolver, systemResolver } from "./dns-discovery.ts";
import { type JoinTarget, parseJoinTarget } from "./join-target.ts";
import { parseNodeName } from "./node-name.ts";

/**
 * The port to whatever knows where nodes are. It tells names of nodes to dial; that they are up is
 * for the connection to find out. A discovery that fails tells nothing: what it told last holds on.
 */
export interface Discovery {
  /** Which it is, for logs and to tell its nodes from those of others. */
  readonly source: string;
  /** Calls `found` with all the names whenever they were looked up; not within this call. */
  start(found: (names: readonly string[]) => void): void;
  /** `found` is not called any more, and nothing is left over. */
  stop(): void;
}

/** The nodes that are named in the configuration. */
export class StaticDiscovery implements Discovery {
  readonly source: string = "join";
  readonly #names: readonly string[];
  #isStopped = false;

  /** Names in the spelling of `parseNodeName`. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  start(found: (names: readonly string[]) => void): void {
    queueMicrotask(() => {
      if (!this.#isStopped) found(this.#names);
    });
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** The discoveries that `join` asks for. */
export function discoveriesOf(
  config: Pick<ClusterConfig, "name" | "join">,
  clock: Clock,
  log: Log,
  resolver: DnsResolver = systemResolver,
): Discovery[] {
  const { alias } = parseNodeName(config.name);
  const discoveries: Discovery[] = [];
  const names: string[] = [];
  for (const target of config.join.map((text): JoinTarget => parseJoinTarget(text, alias))) {
    if (target.kind === "node") names.push(target.name);
    else discoveries.push(new DnsDiscovery(target, clock, log, resolver));
  }
  return names.length === 0 ? discoveries : [new StaticDiscovery(names), ...discoveries];
}
