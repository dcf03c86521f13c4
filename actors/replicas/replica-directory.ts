import { type ActorContext, type ActorRef, type GroupMembership, HERE } from "#runtime";
import { LOCAL_NODE, Replica } from "./replica.ts";

/** What a directory has to know of a function. */
export interface ReplicaQuery {
  /** The group of the instances of its service on this node. */
  readonly group: string;
  /** The group of those of all nodes; null where only those of this node are meant. */
  readonly clusterGroup: string | null;
  /** The registered name of the pools that run it; null: the instances do. */
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

/** The instances of a service on other nodes beside those of this one. */
interface Joined {
  readonly everywhere: readonly ActorRef[];
  readonly replicas: readonly Replica[];
}

/** The replicas on the threads of this node, and on the other nodes of the cluster. */
export class GroupReplicas implements ReplicaDirectory {
  readonly #groups: Pick<GroupMembership, "members" | "localMembers">;
  readonly #whereis: (name: string, node?: string) => ActorRef | undefined;
  readonly #replicas = new WeakMap<ActorRef, Replica>();
  /** By the list of the group's members, which is another one after each change. */
  readonly #instances = new WeakMap<readonly ActorRef[], readonly Replica[]>();
  /** The same by that of this node's, where both count. */
  readonly #joined = new WeakMap<readonly ActorRef[], Map<string, Joined>>();
  /** By function's groups: a list is kept for as long as it has the same pools. */
  readonly #pools = new Map<string, readonly Replica[]>();

  constructor(context: Pick<ActorContext, "groups" | "whereis">) {
    this.#groups = context.groups;
    this.#whereis = (name, node) => context.whereis(name, node);
  }

  find(query: ReplicaQuery): readonly Replica[] {
    const { group, clusterGroup, pool } = query;
    if (pool !== null) return this.#findPools(pool, query);
    const here = this.#groups.localMembers(group);
    return clusterGroup === null ? this.#findHere(here) : this.#findAll(here, clusterGroup);
  }

  #findHere(here: readonly ActorRef[]): readonly Replica[] {
    let replicas = this.#instances.get(here);
    if (replicas === undefined) {
      replicas = here.map((ref) => this.#replicaOf(ref));
      this.#instances.set(here, replicas);
    }
    return replicas;
  }

  /** Of this node the instances of the present state of the service, of others all that there are. */
  #findAll(here: readonly ActorRef[], clusterGroup: string): readonly Replica[] {
    const everywhere = this.#groups.members(clusterGroup);
    let byGroup = this.#joined.get(here);
    if (byGroup === undefined) {
      byGroup = new Map();
      this.#joined.set(here, byGroup);
    }
    let joined = byGroup.get(clusterGroup);
    if (joined?.everywhere !== everywhere) {
      const far = everywhere.filter(({ node }) => node !== HERE);
      const replicas = [...here, ...far].map((ref) => this.#replicaOf(ref));
      joined = { everywhere, replicas };
      byGroup.set(clusterGroup, joined);
    }
    return joined.replicas;
  }

  /** A node's pool can run what is loaded there. */
  #findPools(name: string, { group, clusterGroup }: ReplicaQuery): readonly Replica[] {
    const refs: ActorRef[] = [];
    const own = this.#whereis(name);
    if (clusterGroup === null) {
      if (own !== undefined) refs.push(own);
    } else {
      if (own !== undefined && this.#groups.localMembers(group).length > 0) refs.push(own);
      for (const node of new Set(this.#groups.members(clusterGroup).map((ref) => ref.node))) {
        const ref = node === HERE ? undefined : this.#whereis(name, node);
        if (ref !== undefined) refs.push(ref);
      }
    }
    const key = `${name} ${clusterGroup ?? ""}`;
    const known = this.#pools.get(key) ?? NONE;
    if (known.length === refs.length && known.every(({ ref }, at) => ref === refs[at]))
      return known;
    if (refs.length === 0) {
      this.#pools.delete(key);
      return NONE;
    }
    const replicas = refs.map((ref) => this.#replicaOf(ref));
    this.#pools.set(key, replicas);
    return replicas;
  }

  #replicaOf(ref: ActorRef): Replica {
    let replica = this.#replicas.get(ref);
    if (replica === undefined) {
      const node = ref.node === HERE ? LOCAL_NODE : ref.node;
      replica = new Replica(`${node}/${ref.key}`, node, ref);
      this.#replicas.set(ref, replica);
    }
    return replica;
  }
}

const NONE: readonly Replica[] = Object.freeze([]);

/**
 * The replicas on the nodes named; {@link LOCAL_NODE} and each of `ownNames`, those of this node
 * among its peers, mean this one.
 */
export function selectOnNodes(
  replicas: readonly Replica[],
  nodes: readonly string[],
  ownNames: readonly string[],
): readonly Replica[] {
  const names = new Set(nodes);
  if (ownNames.some((name) => names.has(name))) names.add(LOCAL_NODE);
  return replicas.filter(({ node }) => names.has(node));
}
