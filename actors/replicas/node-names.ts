import type { NodeInfo, Nodes } from "#runtime";

/** What selections know of the names of nodes. */
export interface NodeNames {
  /** Those of this node. */
  own(): readonly string[];
  /** Those of the nodes with that role: the very same list for as long as nothing changes. */
  ofRole(role: string): readonly string[];
}

/** The names as the cluster has them. */
export class ClusterNames implements NodeNames {
  readonly #nodes: Pick<Nodes, "self" | "byRole">;
  readonly #configured: () => string | null;
  readonly #lists = new WeakMap<readonly NodeInfo[], readonly string[]>();

  /** `configured`: what this node is called by its configuration, with a cluster or without. */
  constructor(nodes: Pick<Nodes, "self" | "byRole">, configured: () => string | null) {
    this.#nodes = nodes;
    this.#configured = configured;
  }

  own(): readonly string[] {
    const names = [this.#configured(), this.#nodes.self?.name];
    return names.filter((name) => typeof name === "string");
  }

  ofRole(role: string): readonly string[] {
    const nodes = this.#nodes.byRole(role);
    if (nodes.length === 0) return NONE;
    let names = this.#lists.get(nodes);
    if (names === undefined) {
      names = nodes.map(({ name }) => name);
      this.#lists.set(nodes, names);
    }
    return names;
  }
}

const NONE: readonly string[] = Object.freeze([]);
