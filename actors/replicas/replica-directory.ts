import type { ActorContext, ActorRef, GroupMembership } from "#runtime";
import { LOCAL_NODE, Replica } from "./replica.ts";

/** What a directory has to know of a function. */
export interface ReplicaQuery {
  /** The group of the instances of its service. */
  readonly group: string;
  /** The registered name of the pool that runs it; null: the instances do. */
  readonly pool: string | null;
}

/** Where the replicas of functions are found, of one thread. */
export interface ReplicaDirectory {
  /**
   * The replicas that there are at the moment: the very same list, of the very same replicas, for as
   * long as nothing changes. A replica that stays keeps its identity.
   */
  find(query: ReplicaQuery): readonly Replica[];
}

/** The replicas on the threads of this node. */
export class LocalReplicas implements ReplicaDirectory {
  readonly #groups: GroupMembership;
  readonly #whereis: (name: string) => ActorRef | undefined;
  readonly #replicas = new WeakMap<ActorRef, Replica>();
  /** By the list of the group's members, which is another one after each change. */
  readonly #instances = new WeakMap<readonly ActorRef[], readonly Replica[]>();
  readonly #pools = new WeakMap<ActorRef, readonly Replica[]>();

  constructor(context: Pick<ActorContext, "groups" | "whereis">) {
    this.#groups = context.groups;
    this.#whereis = (name) => context.whereis(name);
  }

  find({ group, pool }: ReplicaQuery): readonly Replica[] {
    if (pool !== null) return this.#findPool(pool);
    const members = this.#groups.members(group);
    let replicas = this.#instances.get(members);
    if (replicas === undefined) {
      replicas = members.map((ref) => this.#replicaOf(ref));
      this.#instances.set(members, replicas);
    }
    return replicas;
  }

  #findPool(name: string): readonly Replica[] {
    const ref = this.#whereis(name);
    if (ref === undefined) return NONE;
    let replicas = this.#pools.get(ref);
    if (replicas === undefined) {
      replicas = [this.#replicaOf(ref)];
      this.#pools.set(ref, replicas);
    }
    return replicas;
  }

  #replicaOf(ref: ActorRef): Replica {
    let replica = this.#replicas.get(ref);
    if (replica === undefined) {
      replica = new Replica(`${LOCAL_NODE}/${ref.key}`, LOCAL_NODE, ref);
      this.#replicas.set(ref, replica);
    }
    return replica;
  }
}

const NONE: readonly Replica[] = Object.freeze([]);

/**
 * The replicas on the nodes named; {@link LOCAL_NODE} and `ownName`, the name of this node among its
 * peers, both mean this one.
 */
export function selectOnNodes(
  replicas: readonly Replica[],
  nodes: readonly string[],
  ownName: string | null,
): readonly Replica[] {
  const names = new Set(nodes);
  if (ownName !== null && names.has(ownName)) names.add(LOCAL_NODE);
  return replicas.filter(({ node }) => names.has(node));
}
