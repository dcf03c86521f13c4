import { Actor } from "./actor.ts";
import type { ActorRef } from "./ref.ts";
import type { TableWriter } from "./tables.ts";

/** The actor number of the names on the main thread. */
export const namesId = 2;

/** The table that holds the registered names. */
export const namesTable = "names";

/** Stands for every node where the name of one may stand: this one first. */
export const ANY_NODE = "*";

/** The table of the names of another node. */
export function namesTableOf(node: string): string {
  return `${namesTable}@${node}`;
}

/** What the names actor needs of the runtime. */
export interface NamesPort {
  /** Whether the actor still lives; asked only when its name is wanted by another. */
  isAlive(ref: ActorRef): Promise<boolean>;
  onThreadDown(listener: (thread: number) => void): void;
}

/**
 * The one writer of the table of names, on the main thread: there, because it outlives every other
 * thread. Reading a name never comes here.
 */
export class Names extends Actor {
  readonly #port: NamesPort;
  readonly #table: TableWriter<ActorRef>;

  constructor(port: NamesPort) {
    super();
    this.#port = port;
    this.#table = this.context.writeTable(namesTable);
    port.onThreadDown((thread) => this.#dropThread(thread));
  }

  /** Gives the name to `ref`; false when another living actor holds it. */
  async register(name: string, ref: ActorRef): Promise<boolean> {
    const holder = this.#table.get(name);
    if (holder !== undefined && !holder.equals(ref) && (await this.#port.isAlive(holder))) {
      // It may have given the name back, or died with its thread, while it was being asked.
      if (this.#table.has(name)) return false;
    }
    this.#table.set(name, ref);
    return true;
  }

  unregister(name: string, ref: ActorRef): void {
    if (this.#table.get(name)?.equals(ref)) this.#table.delete(name);
  }

  #dropThread(thread: number): void {
    for (const [name, ref] of [...this.#table.entries()]) {
      if (ref.thread === thread) this.#table.delete(name);
    }
  }
}
