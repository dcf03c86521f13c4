/** What operators see of the nodes of a cluster. */

import { type ActorRef, HERE, type NodeInfo, type TreeNode } from "#runtime";
import type { FunConfig } from "../registry/index.ts";
import { encodeFunctionName } from "../service/index.ts";

/** What a node says of itself. */
export interface NodeSummary {
  readonly version: string;
  readonly uptimeMs: number;
  /** The loaded services, by name. */
  readonly services: readonly string[];
  readonly threads: number;
  /** Those that do not answer. */
  readonly silentThreads: number;
  readonly actors: number;
  /** Of clients. */
  readonly sockets: number;
}

/**
 * A node as a line of the list. `silent`: it is connected and has not answered in time; `down`: it
 * is to be joined, and is not connected.
 */
export interface NodeRow {
  readonly name: string;
  readonly state: "up" | "silent" | "down";
  readonly isSelf: boolean;
  readonly roles: readonly string[];
  /** Null where it is not known. */
  readonly incarnation: number | null;
  /** Null: it did not answer. */
  readonly summary: NodeSummary | null;
  /** From the question to the answer, ms; null for this node, and where none came. */
  readonly rttMs: number | null;
}

/** A service, and who runs it, as this node knows it. */
export interface ServiceView {
  readonly service: string;
  readonly functions: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly instances: number }[];
}

/** The cluster as one node sees it. */
export interface ClusterView {
  readonly self: string;
  readonly nodes: readonly Pick<NodeRow, "name" | "state" | "roles" | "isSelf">[];
  readonly services: readonly ServiceView[];
}

/** The name that an operator meant, whole or as much of it as stands before the `@`. */
export function selectNodeName(names: readonly string[], given: string): string | undefined {
  const text = given.toLowerCase();
  const exact = names.find((name) => name === text || name === given);
  if (exact !== undefined) return exact;
  const [found, another] = names.filter((name) => name.startsWith(`${text}@`));
  return another === undefined ? found : undefined;
}

/** The nodes to be joined that are not connected; of names in DNS nobody can tell. */
export function selectDown(join: readonly string[], up: readonly NodeInfo[]): NodeRow[] {
  const names = new Set(up.map(({ name }) => name));
  return join
    .filter((name) => !name.startsWith("dns") && !names.has(name.toLowerCase()))
    .map((name) => ({
      ...{ name, state: "down", isSelf: false, roles: [] },
      ...{ incarnation: null, summary: null, rttMs: null },
    }));
}

/** Who runs the services; `find` gives the instances of a function on all nodes. */
export function selectServices(
  configs: readonly FunConfig[],
  find: (config: FunConfig) => readonly ActorRef[],
  self: string,
): ServiceView[] {
  return [...Map.groupBy(configs, ({ service }) => service)].map(([service, own]) => {
    const refs = new Map(own.flatMap((config) => find(config).map((ref) => [ref.key, ref])));
    const nodes = Map.groupBy(refs.values(), ({ node }) => (node === HERE ? self : node));
    return {
      service,
      functions: own.map(encodeFunctionName),
      nodes: [...nodes]
        .map(([node, all]) => ({ node, instances: all.length }))
        .sort((one, other) => (one.node < other.node ? -1 : 1)),
    };
  });
}

/**
 * The tree of another node below a line that stands for it, with the pids by which its actors are
 * known here; null: it did not answer.
 */
export function encodeNodeTree(node: string, trees: readonly TreeNode[] | null): TreeNode {
  const isSilent = trees === null;
  return {
    ...{ pid: "", name: isSilent ? `${node} (no answer)` : node, class: "Node", thread: 0 },
    ...{ state: isSilent ? "stopping" : "running", mailbox: 0, active: 0, handled: 0 },
    ...{ restarts: 0, uptimeMs: trees?.[0]?.uptimeMs ?? 0, parent: null, groups: [] },
    children: (trees ?? []).map((tree) => moveTree(tree, node)),
  };
}

function moveTree(tree: TreeNode, node: string): TreeNode {
  const move = (pid: string): string => pid.replace(/^<0\./, `<${node}.`);
  return {
    ...tree,
    pid: move(tree.pid),
    parent: tree.parent === null ? null : move(tree.parent),
    children: tree.children.map((child) => moveTree(child, node)),
  };
}
