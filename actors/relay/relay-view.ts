import { type ActorContext, type ActorRef, HERE, type Nodes } from "#runtime";
import { type Home, type HomeNode, selectHome, selectShard } from "./home.ts";
import type { RelayShard } from "./shard.ts";

/** The registered names of the shards are this and their number, from 1 on. */
export const shardPrefix = "relay-";

/** The role of the nodes that groups live on. */
export const gatewayRole = "gateway";
/** How long the shards of the nodes are taken to be as they were found. */
const freshMs = 100;
/** Shards that may be missing below one that is there: their threads are being restarted. */
const maxGap = 16;

/** What is known of a node. */
interface KnownNode {
  readonly incarnation: number;
  /** The most that have been seen: one that is missing is being restarted, not gone. */
  shards: number;
  /** It has said that it stops: until then, on the monotonic clock, it is not counted. */
  leavesUntil: number;
}

/** A node as the cluster knows it, or this one where there is no cluster. */
type NodeName = { readonly name: string; readonly incarnation: number };

const alone: readonly NodeName[] = [{ name: HERE, incarnation: 0 }];

/**
 * One thread's view of where groups and users are at home: on the gateway nodes that are up, have
 * shards and do not stop. Views of different nodes differ for a while after a change; so whoever acts
 * upon one asks the shard, which refuses what is not its own.
 */
export class RelayView {
  readonly #context: ActorContext;
  readonly #known = new Map<string, KnownNode>();
  #from: readonly NodeName[] | null = null;
  #readAt = 0;
  #nodes: readonly HomeNode[] = [];
  #version = 0;
  #ownShards = 0;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** The nodes that count, by name: the very same list for as long as nothing changes. */
  get nodes(): readonly HomeNode[] {
    this.#refresh();
    return this.#nodes;
  }

  /** Gateway nodes that are up, those whose shards have not been heard of too; this one is one. */
  get gateways(): number {
    return this.#names().length;
  }

  /** Grows whenever {@link nodes} change. */
  get version(): number {
    this.#refresh();
    return this.#version;
  }

  /** The name of this node as {@link nodes} have it. */
  get self(): string {
    return this.#context.nodes.self?.name ?? HERE;
  }

  homeOf(key: string): Home | null {
    return selectHome(key, this.nodes);
  }

  /** The home of a key if some nodes were not there. */
  homeWithout(key: string, out: ReadonlySet<string>): Home | null {
    const nodes = this.nodes.filter(({ name }) => !out.has(name));
    return selectHome(key, nodes);
  }

  /** The shard itself; undefined while it is being restarted. */
  shardAt({ node, shard }: Home): ActorRef<RelayShard> | undefined {
    return this.#context.whereis(shardPrefix + shard, node) as ActorRef<RelayShard> | undefined;
  }

  /** Every shard of every gateway node that is up, of those that stop too. */
  shards(): ActorRef<RelayShard>[] {
    return this.#names().flatMap((node) =>
      Array.from({ length: this.#look(node).shards }, (_, index) => index + 1)
        .map((shard) => this.shardAt({ node: node.name, shard }))
        .filter((shard) => shard !== undefined),
    );
  }

  /** The shards of the other nodes that would have a key if it were at home there. */
  shardsElsewhere(key: string): ActorRef<RelayShard>[] {
    const { self } = this;
    return this.#names()
      .filter((node) => node.name !== self && this.#look(node).shards > 0)
      .map((node) => ({ node: node.name, shard: selectShard(key, this.#look(node).shards) }))
      .map((home) => this.shardAt(home))
      .filter((shard) => shard !== undefined);
  }

  /** This node has as many shards, whether they have started or not. */
  setOwnShards(count: number): void {
    this.#ownShards = count;
    this.#from = null;
  }

  /** A node has said that it stops; it is not counted until it is started anew, or `forMs` are over. */
  leaves(node: string, forMs: number): void {
    const named = this.#names().find(({ name }) => name === node);
    if (named === undefined) return;
    this.#entry(named).leavesUntil = this.#context.clock.now() + forMs;
    this.#from = null;
  }

  #refresh(): void {
    const names = this.#names();
    const now = this.#context.clock.now();
    if (names === this.#from && now < this.#readAt + freshMs) return;
    this.#from = names;
    this.#readAt = now;
    const nodes = names
      .map((node) => ({ node, known: this.#look(node) }))
      .filter(({ known }) => known.shards > 0 && now >= known.leavesUntil)
      .map(({ node, known }) => ({ name: node.name, shards: known.shards }));
    this.#forget(names);
    if (isSame(nodes, this.#nodes)) return;
    this.#nodes = nodes;
    this.#version += 1;
  }

  #names(): readonly NodeName[] {
    const { nodes } = this.#context;
    return nodes.list().length === 0 ? alone : nodes.byRole(gatewayRole);
  }

  /** What is known of a node, with the shards that have come since. */
  #look(node: NodeName): KnownNode {
    const known = this.#entry(node);
    if (node.name === this.self) known.shards = Math.max(known.shards, this.#ownShards);
    for (let next = known.shards + 1; next <= known.shards + maxGap; next++) {
      if (this.shardAt({ node: node.name, shard: next }) !== undefined) known.shards = next;
    }
    return known;
  }

  #entry({ name, incarnation }: NodeName): KnownNode {
    let known = this.#known.get(name);
    if (known === undefined || known.incarnation !== incarnation) {
      known = { incarnation, shards: 0, leavesUntil: 0 };
      this.#known.set(name, known);
    }
    return known;
  }

  #forget(names: readonly NodeName[]): void {
    for (const name of this.#known.keys()) {
      if (!names.some((node) => node.name === name)) this.#known.delete(name);
    }
  }
}

function isSame(some: readonly HomeNode[], others: readonly HomeNode[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ name, shards }, index) => {
      const other = others[index];
      return other?.name === name && other.shards === shards;
    })
  );
}

const views = new WeakMap<Nodes, RelayView>();

/** The view of the thread of `context`: one per thread, always current. */
export function relayViewOf(context: ActorContext): RelayView {
  let view = views.get(context.nodes);
  if (view === undefined) {
    view = new RelayView(context);
    views.set(context.nodes, view);
  }
  return view;
}
