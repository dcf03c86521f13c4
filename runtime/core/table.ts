/** One change of a table, as it travels: a value set under a key, a key deleted, or all cleared. */
export type TableChange<V> =
  | { readonly op: "set"; readonly key: string; readonly value: V }
  | { readonly op: "delete"; readonly key: string }
  | { readonly op: "clear" };

/**
 * Where a replica stands. `epoch` counts the writers that the table has had, `version` the changes
 * that the present writer made: of two states the one with the higher (epoch, version) is newer.
 */
export interface TablePosition {
  readonly epoch: number;
  readonly version: number;
}

/** All of a table, for a thread that comes late. */
export interface TableSnapshot<V> extends TablePosition {
  readonly entries: readonly (readonly [string, V])[];
}

/** What a reader sees of a table. Values are shared: they must not be changed. */
export interface ReadonlyTable<V> {
  readonly name: string;
  readonly size: number;
  /** Where this replica stands. */
  readonly position: TablePosition;
  get(key: string): V | undefined;
  has(key: string): boolean;
  entries(): IterableIterator<[string, V]>;
  /** Calls `listener` after each change of this replica; the result unsubscribes. */
  onChange(listener: (change: TableChange<V>) => void): () => void;
}

/**
 * One thread's copy of a table. Reading is synchronous. It takes changes in the order of their
 * versions, and only from the newest writer: what is older than its own position is dropped.
 */
export class TableReplica<V> implements ReadonlyTable<V> {
  readonly name: string;
  readonly #entries = new Map<string, V>();
  readonly #listeners = new Set<(change: TableChange<V>) => void>();
  readonly #onListenerError: (error: unknown) => void;
  #epoch = 0;
  #version = 0;

  /** A listener that throws harms neither the others nor the table: `onListenerError` is told. */
  constructor(name: string, onListenerError: (error: unknown) => void = () => {}) {
    this.name = name;
    this.#onListenerError = onListenerError;
  }

  get size(): number {
    return this.#entries.size;
  }

  get position(): TablePosition {
    return { epoch: this.#epoch, version: this.#version };
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }

  onChange(listener: (change: TableChange<V>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  snapshot(): TableSnapshot<V> {
    return { epoch: this.#epoch, version: this.#version, entries: [...this.#entries] };
  }

  /** Begins the epoch of a new writer, which goes on from what this replica holds. */
  beginEpoch(atLeast = 0): number {
    this.#epoch = Math.max(this.#epoch + 1, atLeast);
    this.#version = 0;
    return this.#epoch;
  }

  /** Applies the writer's next change. False when it is old, or not the next one. */
  apply(epoch: number, version: number, change: TableChange<V>): boolean {
    if (epoch !== this.#epoch || version !== this.#version + 1) return false;
    this.#version = version;
    this.#change(change);
    return true;
  }

  /** Takes a snapshot over when it is newer; listeners hear each difference. */
  adopt(snapshot: TableSnapshot<V>): boolean {
    const { epoch, version } = snapshot;
    if (epoch < this.#epoch || (epoch === this.#epoch && version <= this.#version)) return false;
    this.#epoch = epoch;
    this.#version = version;
    const incoming = new Map(snapshot.entries);
    for (const key of this.#entries.keys()) {
      if (!incoming.has(key)) this.#change({ op: "delete", key });
    }
    for (const [key, value] of incoming) this.#change({ op: "set", key, value });
    return true;
  }

  #change(change: TableChange<V>): void {
    if (change.op === "set") this.#entries.set(change.key, change.value);
    else if (change.op === "delete") this.#entries.delete(change.key);
    else this.#entries.clear();
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}
