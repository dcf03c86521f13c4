import { eventually } from "../deadline.ts";
import type { ClusterNode } from "./cluster-node.ts";

/** The main thread, and one that schedules. */
const threadsEach = 2;

/** What must be the same before a fault and after it. */
export interface Footprint {
  readonly descriptors: number;
  /** Those apart that stand for a connection of a thread of another node. */
  readonly actors: number;
  readonly connections: number;
  readonly pendingAsks: number;
}

interface Thread {
  readonly pendingAsks: number;
  readonly linkAsks: { readonly asking: number };
}

async function footprintOf(node: ClusterNode): Promise<Footprint> {
  const ps = await node.process.command<{ class: string }[]>("ps");
  const connections = ps.filter((actor) => actor.class === "PeerAgent").length;
  const { threads } = await node.process.command<{ threads: Thread[] }>("threads");
  const pendingAsks = threads.reduce((sum, one) => sum + one.pendingAsks + one.linkAsks.asking, 0);
  const actors = ps.length - connections;
  return { descriptors: node.descriptors(), actors, connections, pendingAsks };
}

/** Resolves when both threads of every node are connected to every other node, and nothing goes on. */
export async function atRest(nodes: readonly ClusterNode[]): Promise<Footprint[]> {
  const look = async (): Promise<Footprint[]> => {
    // A thread connects when it has something to say: this has all nodes ask each other.
    await views(nodes);
    return Promise.all(nodes.map(footprintOf));
  };
  const isWhole = ({ connections, pendingAsks }: Footprint): boolean =>
    connections === threadsEach * (nodes.length - 1) && pendingAsks === 0;
  return eventually(look, (now) => now.every(isWhole), "every thread is connected once");
}

/** Which nodes each node takes for connected. */
async function views(nodes: readonly ClusterNode[]): Promise<string[]> {
  const seen = await Promise.all(
    nodes.map(({ process }) => process.command<{ name: string; state: string }[]>("nodes")),
  );
  return seen.map((rows) =>
    rows
      .map(({ name, state }) => `${name} ${state}`)
      .sort()
      .join(),
  );
}

/** Resolves when every node is connected to every other; how long that took, ms: 5,000 on an idle machine. */
export async function converged(nodes: readonly ClusterNode[]): Promise<number> {
  const before = performance.now();
  const everybody = nodes
    .map(({ name }) => `${name} up`)
    .sort()
    .join();
  const isDone = (seen: string[]): boolean => seen.every((view) => view === everybody);
  await eventually(() => views(nodes), isDone, "all nodes know each other");
  return performance.now() - before;
}

/** How often a node has said that another one is down. */
function downs(node: ClusterNode, other: ClusterNode): number {
  return node.process.stderr.split(new RegExp(`node down.*${other.name}`)).length - 1;
}

/** Resolves when `node` finds out that `other` is down, as a consequence of `act`. */
export async function notices(
  node: ClusterNode,
  other: ClusterNode,
  act: () => unknown,
): Promise<void> {
  const before = downs(node, other);
  await act();
  await eventually(
    async () => downs(node, other),
    (count) => count > before,
    `${node.alias} notices that ${other.alias} is lost`,
  );
}
