import { selectHome } from "../../../actors/relay/home.ts";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { Conductor } from "../cluster/conductor.ts";
import { eventually } from "../deadline.ts";
import type { Scope } from "../gateway-process.ts";
import { type Door, patientMs } from "./relay-client.ts";
import { RelayFolder, type RelayKeys } from "./relay-gateway.ts";

/** What `npx troupe groups --json` says of a group. */
interface Listed {
  readonly groupId: string;
  readonly node: string;
  readonly about: { readonly epoch: string; readonly offset: number } | null;
}

interface Listing {
  readonly groups: readonly Listed[];
  /** Shards that did not answer: a group may be there as well. */
  readonly silent: number;
}

/** Where a group lives, and how far it has come. */
export interface Place {
  readonly node: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Scheduler threads of each gateway, and so shards. */
const threads = 1;

let lastGroup = 0;

/** Gateways with relay groups, each with a folder of its own, whose connections have faults at will. */
export class RelayCluster {
  readonly conductor: Conductor;
  readonly folders: Map<ClusterNode, RelayFolder> = new Map();
  readonly #scope: Scope;
  readonly #relay: RelayKeys;
  readonly #group: object;

  /** What it has ends with `scope`; `group` is what the group channel `chat:*` has. */
  constructor(scope: Scope, relay: RelayKeys = {}, group: object = { create: "public" }) {
    this.#scope = scope;
    this.#relay = { messagesPerSecond: null, history: { messages: 10_000 }, ...relay };
    this.#group = group;
    this.conductor = new Conductor(scope);
  }

  /** One whose groups are on disk before anything is acknowledged. */
  static durable(scope: Scope): RelayCluster {
    const storage = { path: "groups.sqlite", sync: "full" } as const;
    return new RelayCluster(scope, { storage }, { create: "strict_private", durable: true });
  }

  /** Makes a gateway that joins those that were made before; it is not started yet. */
  async gateway(alias: string): Promise<ClusterNode> {
    const cluster = { heartbeatMs: 100, suspicionMs: 1_000, redialMaxMs: 500 };
    const folder = new RelayFolder(this.#scope, this.#relay, this.#group, { cluster });
    const { config } = folder;
    const node = await this.conductor.node({ alias, role: "gateway", config, threads });
    this.folders.set(node, folder);
    return node;
  }

  /** Makes and starts gateways that know each other. */
  async start(...aliases: readonly string[]): Promise<ClusterNode[]> {
    const nodes: ClusterNode[] = [];
    for (const alias of aliases) nodes.push(await this.gateway(alias));
    for (const node of nodes) await node.start();
    await this.meet(nodes);
    return nodes;
  }

  /**
   * Resolves when each of them takes these gateways, and no others, for those that are up. Their shards
   * are heard of later: a new group {@link settles} before it is known to be at home.
   */
  async meet(nodes: readonly ClusterNode[]): Promise<void> {
    const wanted = String(nodes.map(({ name }) => name).sort());
    await eventually(
      () => Promise.all(nodes.map(upFor)),
      (seen) => seen.every((names) => String(names) === wanted),
      `they know each other: ${wanted}`,
      patientMs,
    );
  }

  /** The home of a group while these are the gateways. */
  homeOf(groupId: string, nodes: readonly ClusterNode[]): ClusterNode {
    const home = selectHome(
      groupId,
      nodes.map(({ name }) => ({ name, shards: threads })),
    );
    return nodes.find(({ name }) => name === home?.node) as ClusterNode;
  }

  /** The name of a new group that has these homes, one after the other, while those are the gateways. */
  groupWith(
    ...homes: readonly (readonly [home: ClusterNode, of: readonly ClusterNode[]])[]
  ): string {
    for (;;) {
      lastGroup += 1;
      const groupId = `group-${lastGroup}`;
      if (homes.every(([home, nodes]) => this.homeOf(groupId, nodes) === home)) return groupId;
    }
  }

  /** Where a group is, as a gateway sees it; null while it is nowhere, or does not answer, or may be at two. */
  async #placeOf(groupId: string, seenBy: ClusterNode): Promise<Place | null> {
    const { groups, silent } = await seenBy.process.command<Listing>("groups", groupId);
    const [found, other] = groups.filter((group) => group.groupId === groupId);
    if (!found?.about || other !== undefined || silent > 0) return null;
    return { node: found.node, epoch: found.about.epoch, offset: found.about.offset };
  }

  /** Resolves when a group lives at that gateway, and nowhere else, as all of these see it. */
  async settles(
    groupId: string,
    home: ClusterNode,
    seenBy: readonly ClusterNode[],
  ): Promise<Place> {
    const places = await eventually(
      () => Promise.all(seenBy.map((node) => this.#placeOf(groupId, node))),
      (seen) => seen.every((place) => place?.node === home.name),
      `${groupId} lives at ${home.alias}`,
      patientMs,
    );
    return places[0] as Place;
  }
}

/** The way of a client into the cluster: leads to one gateway, and may lead to another one later. */
export class Way implements Door {
  to: ClusterNode;

  constructor(to: ClusterNode) {
    this.to = to;
  }

  get url(): string {
    return this.to.url;
  }
}

async function upFor({ process }: ClusterNode): Promise<string[]> {
  const rows = await process.command<{ name: string; state: string }[]>("nodes");
  return rows
    .filter(({ state }) => state === "up")
    .map(({ name }) => name)
    .sort();
}
