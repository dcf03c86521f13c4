import type { Address } from "../core/index.ts";
import type { ActorRef } from "./ref.ts";
import type { Tables, TableWriter } from "./tables.ts";

const tablePrefix = "groups/";

/** What the table holds of a member; its key is `id group`. */
interface Membership {
  readonly incarnation: number;
}

type MakeRef = (address: Address) => ActorRef;

/**
 * Named groups of actors over all threads. Each thread writes the table of its own members, so that
 * joining never waits for another thread; reading is synchronous everywhere. A member that stops,
 * or whose thread dies, is in no group any more.
 */
export class Groups {
  readonly #tables: Tables;
  readonly #own: TableWriter<Membership>;
  readonly #makeRef: MakeRef;
  readonly #members = new Map<string, Map<string, ActorRef>>();
  readonly #lists = new Map<string, readonly ActorRef[]>();
  readonly #followed = new Set<number>();

  constructor(thread: number, incarnation: number, tables: Tables, makeRef: MakeRef) {
    this.#tables = tables;
    this.#makeRef = makeRef;
    // The incarnation is the epoch: what others remember of an earlier thread in this slot is old.
    this.#own = tables.write(tablePrefix + thread, incarnation);
    this.follow(thread);
  }

  /** The members, in the order in which this thread learned of them. Do not change the list. */
  members(group: string): readonly ActorRef[] {
    let list = this.#lists.get(group);
    if (list === undefined) {
      list = [...(this.#members.get(group)?.values() ?? [])];
      this.#lists.set(group, list);
    }
    return list;
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

  /** Listens to the members of one more thread. */
  follow(thread: number): void {
    if (this.#followed.has(thread)) return;
    this.#followed.add(thread);
    const table = this.#tables.open<Membership>(tablePrefix + thread);
    for (const [key, membership] of table.entries()) this.#add(thread, key, membership);
    table.onChange((change) => {
      if (change.op === "set") this.#add(thread, change.key, change.value);
      else if (change.op === "delete") this.#remove(thread, change.key);
      else this.dropThread(thread);
    });
  }

  /** Forgets the members of a thread that died. */
  dropThread(thread: number): void {
    for (const [group, members] of this.#members) {
      for (const [key, ref] of members) if (ref.thread === thread) members.delete(key);
      this.#changed(group, members);
    }
  }

  #add(thread: number, key: string, membership: Membership): void {
    const [id, group] = splitKey(key);
    let members = this.#members.get(group);
    if (members === undefined) {
      members = new Map();
      this.#members.set(group, members);
    }
    const { incarnation } = membership;
    members.set(`${thread}.${id}`, this.#makeRef({ node: 0, thread, id, incarnation }));
    this.#lists.delete(group);
  }

  #remove(thread: number, key: string): void {
    const [id, group] = splitKey(key);
    const members = this.#members.get(group);
    if (members?.delete(`${thread}.${id}`)) this.#changed(group, members);
  }

  #changed(group: string, members: Map<string, ActorRef>): void {
    this.#lists.delete(group);
    if (members.size === 0) this.#members.delete(group);
  }
}

function splitKey(key: string): [id: number, group: string] {
  const space = key.indexOf(" ");
  return [Number(key.slice(0, space)), key.slice(space + 1)];
}
