import type { ActorInfo, ThreadInfo } from "../actor/index.ts";

/** An actor with its children, as the tree shows it. */
export interface TreeNode extends ActorInfo {
  readonly children: readonly TreeNode[];
}

/** The system at one moment. */
export interface SystemInfo {
  readonly actors: readonly ActorInfo[];
  readonly threads: readonly ThreadInfo[];
  /** Threads that did not answer in time: they are busy, stuck or dying. */
  readonly silent: readonly number[];
}

/** The runtime's own actors, which have no parent and are not part of anybody's tree. */
const runtimeClasses = new Set(["Host", "Names", "Threads", "Cluster"]);
/** Stands for actors of another node: of interest where it is the parent of some. */
const agentClass = "PeerAgent";

/** Puts actors under their parents; those whose parent is not among them are roots. */
export function selectTree(actors: readonly ActorInfo[]): TreeNode[] {
  const nodes = new Map<string, ActorInfo & { children: TreeNode[] }>();
  for (const actor of actors) {
    if (actor.parent === null && runtimeClasses.has(actor.class)) continue;
    nodes.set(actor.pid, { ...actor, children: [] });
  }
  const roots: TreeNode[] = [];
  for (const node of nodes.values()) {
    const parent = node.parent === null ? undefined : nodes.get(node.parent);
    (parent?.children ?? roots).push(node);
  }
  return roots.filter((root) => root.class !== agentClass || root.children.length > 0);
}
