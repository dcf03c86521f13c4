import { type Address, HERE } from "../core/index.ts";
import type { Nodes } from "./nodes.ts";
import type { ActorRef } from "./ref.ts";
import type { Tables, TableWriter } from "./tables.ts";

const tablePrefix = "groups/";

/** What the table holds of a member; its key is `id group`. */
interface Membership {
  readonly incarnation: number;
}

/** What groups need of their thread. */
interface GroupsHost {
  readonly thread: number;
  readonly incarnation: number;
  readonly tables: Tables;
  ref(address: Address): ActorRef;
}

/** The table of the members on another node; its keys are `thread id group`. */
function groupsTableOf(node: string): string {
  return `groups@${node}`;
}

/**
 * Named groups of actors over all threads and nodes. Each thread writes the table of its own members, so that
 * joining never waits for another thread; reading is synchronous everywhere. A member that stops,
 * or whose thread dies, is in no group any more; nor is one whose node is not connected.
 */
export class Groups {
  readonly #host: GroupsHost;
  readonly #own: TableWriter<Membership>;
  readonly #members = new Map<string, Map<string, ActorRef>>();
  readonly #lists = new Map<string, Lists>();
  /** The tables that are listened to. */
  readonly #followed = new Set<string>();

  constructor(host: GroupsHost, nodes: Nodes) {
    const { thread, incarnation, tables } = host;
    this.#host = host;
    // The incarnation is the epoch: what others remember of an earlier thread in this slot is old.
    this.#own = tables.write(tablePrefix + thread, incarnation);
    this.follow(thread);
    for (const { name, isSelf } of nodes.list()) if (!isSelf) this.#followNode(name);
    nodes.onChange(({ type, node }) => {
      if (type === "node_up" && !node.isSelf) this.#followNode(node.name);
    });
  }

  /** The members, in the order in which this thread learned of them. Do not change the list. */
  members(group: string): readonly ActorRef[] {
    return this.#listsOf(group).all;
  }

  /** Those on this node. Do not change the list. */
  localMembers(group: string): readonly ActorRef[] {
    return this.#listsOf(group).local;
  }

  /** The names of the groups that have members. */
  names(): string[] {
    return [...this.#members.keys()];
  }

  /** Called by the cell of an actor of this thread. */
  join(group: string, ref: ActorRef): void {
    this.#own.set(`${ref.id} ${group}`, { incarnation: ref.incarnation });
  }

  leave(group: string, ref: ActorRef): void {
    this.#own.delete(`${ref.id} ${group}`);
  }

  /** Ends all memberships of an actor. */
  leaveAll(member: { readonly ref: ActorRef; joined: Set<string> | null }): void {
    for (const group of member.joined ?? []) this.leave(group, member.ref);
    member.joined = null;
  }

  /** Listens to the members of one more thread of this node. */
  follow(thread: number): void {
    this.#follow(tablePrefix + thread, HERE, thread);
  }

  /** Forgets the members of a thread that died. */
  dropThread(thread: number): void {
    this.#drop((ref) => ref.node === HERE && ref.thread === thread);
  }

  #followNode(node: string): void {
    this.#follow(groupsTableOf(node), node, null);
  }

  /** The keys of a table of one thread lack its number. */
  #follow(name: string, node: string, thread: number | null): void {
    if (this.#followed.has(name)) return;
    this.#followed.add(name);
    const prefix = thread === null ? "" : `${thread} `;
    const table = this.#host.tables.open<Membership>(name);
    for (const [key, membership] of table.entries()) this.#add(node, prefix + key, membership);
    table.onChange((change) => {
      if (change.op === "set") this.#add(node, prefix + change.key, change.value);
      else if (change.op === "delete") this.#remove(node, prefix + change.key);
      else this.#drop((ref) => ref.node === node && (thread === null || ref.thread === thread));
    });
  }

  #add(node: string, key: string, { incarnation }: Membership): void {
    const { thread, id, group } = parseMember(key);
    let members = this.#members.get(group);
    if (members === undefined) {
      members = new Map();
      this.#members.set(group, members);
    }
    members.set(`${node}.${thread}.${id}`, this.#host.ref({ node, thread, id, incarnation }));
    this.#lists.delete(group);
  }

  #remove(node: string, key: string): void {
    const { thread, id, group } = parseMember(key);
    const members = this.#members.get(group);
    if (members?.delete(`${node}.${thread}.${id}`)) this.#changed(group, members);
  }

  #drop(isThere: (ref: ActorRef) => boolean): void {
    for (const [group, members] of this.#members) {
      for (const [key, ref] of members) if (isThere(ref)) members.delete(key);
      this.#changed(group, members);
    }
  }

  #listsOf(group: string): Lists {
    let lists = this.#lists.get(group);
    if (lists === undefined) {
      const all = [...(this.#members.get(group)?.values() ?? [])];
      const local = all.filter(({ node }) => node === HERE);
      lists = { all, local: local.length === all.length ? all : local };
      this.#lists.set(group, lists);
    }
    return lists;
  }

  #changed(group: string, members: Map<string, ActorRef>): void {
    this.#lists.delete(group);
    if (members.size === 0) this.#members.delete(group);
  }
}

/** The members of one group, as this thread knows them. */
interface Lists {
  readonly all: readonly ActorRef[];
  readonly local: readonly ActorRef[];
}

/** Reads `thread id group`. */
function parseMember(key: string): { thread: number; id: number; group: string } {
  const first = key.indexOf(" ");
  const second = key.indexOf(" ", first + 1);
  return {
    thread: Number(key.slice(0, first)),
    id: Number(key.slice(first + 1, second)),
    group: key.slice(second + 1),
  };
}
