import type { TableChange } from "../core/index.ts";
import type { Tables } from "./tables.ts";

/** The table of the nodes: this one, and the others that are connected. */
export const nodesTable = "nodes";

/** A node of the cluster. */
export interface NodeInfo {
  /** `users@10.0.0.7:9101`. */
  readonly name: string;
  /** Told apart from an earlier life of the same node; grows from one to the next. */
  readonly incarnation: number;
  /** What it is there for, in alphabetical order. */
  readonly roles: readonly string[];
  /** True for the node that is asked. */
  readonly isSelf: boolean;
}

/** What happens to nodes. A node that was started anew goes down first and comes up then. */
export type NodeEvent =
  | { readonly type: "node_up" | "node_down"; readonly node: NodeInfo }
  | {
      readonly type: "role_added" | "role_removed";
      readonly node: NodeInfo;
      readonly role: string;
    };

/**
 * The nodes of the cluster as one thread sees them: those that are connected now. Empty where there
 * is no cluster. Reading is synchronous; the lists must not be changed.
 */
export class Nodes {
  readonly #known = new Map<string, NodeInfo>();
  readonly #listeners = new Set<(event: NodeEvent) => void>();
  readonly #byRole = new Map<string, readonly NodeInfo[]>();
  #list: readonly NodeInfo[] | null = null;

  constructor(tables: Tables) {
    const table = tables.open<NodeInfo>(nodesTable);
    for (const [name, node] of table.entries()) this.#known.set(name, node);
    table.onChange((change) => this.#follow(change));
  }

  /** This node; null where there is no cluster. */
  get self(): NodeInfo | null {
    return this.list().find(({ isSelf }) => isSelf) ?? null;
  }

  /** All that are up, this one too, by name. */
  list(): readonly NodeInfo[] {
    this.#list ??= [...this.#known.values()].sort(byName);
    return this.#list;
  }

  /** Those that have the role, by name; a role in a scope is none outside of it. */
  byRole(role: string): readonly NodeInfo[] {
    let nodes = this.#byRole.get(role);
    if (nodes === undefined) {
      nodes = this.list().filter(({ roles }) => roles.includes(role));
      // An empty list is not kept: what is asked for may be anything.
      if (nodes.length > 0) this.#byRole.set(role, nodes);
    }
    return nodes;
  }

  /** Those that have any role in a scope, by name: `search` for roles such as `search/indexer`. */
  inScope(scope: string): readonly NodeInfo[] {
    const prefix = `${scope}/`;
    return this.list().filter(({ roles }) => roles.some((role) => role.startsWith(prefix)));
  }

  /** The node of that name, if it is up. */
  get(name: string): NodeInfo | undefined {
    return this.#known.get(name);
  }

  /**
   * Calls `listener` for each change from now on, when it can be read here already; the result
   * unsubscribes. A listener that throws keeps no other from hearing; the log tells.
   */
  onChange(listener: (event: NodeEvent) => void): () => void {
    // Wrapped: one who listens twice unsubscribes twice.
    const own = (event: NodeEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #follow(change: TableChange<NodeInfo>): void {
    const before = change.op === "clear" ? this.list() : [this.#known.get(change.key)];
    if (change.op === "clear") this.#known.clear();
    else if (change.op === "delete") this.#known.delete(change.key);
    else this.#known.set(change.key, change.value);
    this.#list = null;
    this.#byRole.clear();
    const after = change.op === "set" ? change.value : undefined;
    this.#tell(before.flatMap((node) => selectEvents(node, after)));
  }

  #tell(events: readonly NodeEvent[]): void {
    const errors: unknown[] = [];
    for (const event of events) {
      for (const listener of this.#listeners) {
        try {
          listener(event);
        } catch (error) {
          errors.push(error);
        }
      }
    }
    // The table logs what its listeners throw.
    if (errors.length > 0) throw errors[0];
  }
}

/** What happened to a node whose row was `before` and is `after`. */
function selectEvents(before: NodeInfo | undefined, after: NodeInfo | undefined): NodeEvent[] {
  const events: NodeEvent[] = [];
  const isSame = before?.incarnation === after?.incarnation;
  if (before !== undefined && !isSame) events.push({ type: "node_down", node: before });
  if (after !== undefined && !isSame) events.push({ type: "node_up", node: after });
  if (before === undefined || after === undefined || !isSame) return events;
  for (const role of before.roles) {
    if (!after.roles.includes(role)) events.push({ type: "role_removed", node: after, role });
  }
  for (const role of after.roles) {
    if (!before.roles.includes(role)) events.push({ type: "role_added", node: after, role });
  }
  return events;
}

function byName(one: NodeInfo, other: NodeInfo): number {
  return one.name < other.name ? -1 : 1;
}
