import {
  type Log,
  type ReadonlyTable,
  type TableChange,
  TableReplica,
  toErrorRecord,
} from "../core/index.ts";
import type { TableMessage } from "./route.ts";

/** The writing end of a table; held by one actor. */
export interface TableWriter<V> extends ReadonlyTable<V> {
  /** Seen at once on this thread, on the others as soon as their turn comes. */
  set(key: string, value: V): void;
  /** False when the key was not there. */
  delete(key: string): boolean;
  clear(): void;
}

/** The tables as one thread knows them: a replica of each, and a writer for those written here. */
export class Tables {
  readonly #replicas = new Map<string, TableReplica<unknown>>();
  readonly #broadcast: (message: TableMessage) => void;
  readonly #log: Log;

  constructor(broadcast: (message: TableMessage) => void, log: Log = () => {}) {
    this.#broadcast = broadcast;
    this.#log = log;
  }

  /** The replica of a table; empty while nobody writes it. */
  open<V>(name: string): TableReplica<V> {
    let replica = this.#replicas.get(name);
    if (replica === undefined) {
      replica = new TableReplica(name, (error) => {
        const { message, stack } = toErrorRecord(error);
        this.#log("error", "table listener failed", { table: name, error: message, stack });
      });
      this.#replicas.set(name, replica);
    }
    return replica as TableReplica<V>;
  }

  /** Becomes the writer of a table; an earlier writer's changes are ignored from now on. */
  write<V>(name: string, atLeastEpoch = 0): TableWriter<V> {
    const replica = this.open<V>(name);
    const epoch = replica.beginEpoch(atLeastEpoch);
    let version = 0;
    this.#broadcast({ name, snapshot: replica.snapshot() });
    const change = (next: TableChange<V>): void => {
      version += 1;
      if (!replica.apply(epoch, version, next)) {
        throw new TypeError(`table ${name}: a newer writer has taken over`);
      }
      this.#broadcast({ name, epoch, version, change: next });
    };
    return {
      name,
      get size() {
        return replica.size;
      },
      get position() {
        return replica.position;
      },
      get: (key) => replica.get(key),
      has: (key) => replica.has(key),
      entries: () => replica.entries(),
      onChange: (listener) => replica.onChange(listener),
      set: (key, value) => change({ op: "set", key, value }),
      delete(key) {
        if (!replica.has(key)) return false;
        change({ op: "delete", key });
        return true;
      },
      clear: () => change({ op: "clear" }),
    };
  }

  /** Takes what another thread said. */
  receive(message: TableMessage): void {
    const replica = this.open(message.name);
    if ("snapshot" in message) replica.adopt(message.snapshot);
    else replica.apply(message.epoch, message.version, message.change);
  }

  /** All tables that anybody has written, for a thread that comes late. */
  snapshots(): TableMessage[] {
    return [...this.#replicas.values()]
      .filter((replica) => replica.position.epoch > 0)
      .map((replica) => ({ name: replica.name, snapshot: replica.snapshot() }));
  }

  /** The tables by name, for inspection. */
  list(): { name: string; size: number; epoch: number; version: number }[] {
    return [...this.#replicas.values()].map((replica) => ({
      name: replica.name,
      size: replica.size,
      ...replica.position,
    }));
  }
}
