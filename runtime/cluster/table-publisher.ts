import type { ReadonlyTable, TableChange } from "../core/index.ts";

/** All that a node has in one of its tables, for the others. */
export interface MirrorSnapshot {
  readonly table: string;
  /** How many changes have led to it. */
  readonly version: number;
  readonly entries: readonly (readonly [string, unknown])[];
}

/** The changes that follow on `after` of them. */
export interface MirrorChanges {
  readonly table: string;
  readonly after: number;
  readonly changes: readonly TableChange<unknown>[];
}

/** The tables that every node tells the others. */
export const mirroredTables: readonly string[] = ["names", "groups"];

/** One of this node's tables that `names` or `groups` is made of. */
interface Source {
  readonly table: ReadonlyTable<unknown>;
  /** Stands before its keys. */
  readonly prefix: string;
  /** Its thread has died: what it holds was the dead one's. */
  isLost: boolean;
}

/** What is told of one mirrored table. */
interface Publication {
  readonly table: string;
  readonly sources: Source[];
  version: number;
  /** Since they were last taken. */
  changes: TableChange<unknown>[];
}

/**
 * What a node tells the others of its tables: `names` as it is, and `groups`, which is the groups of
 * all its threads under keys that begin with the thread. Changes are numbered from 1 per table.
 */
export class TablePublisher {
  readonly #open: (name: string) => ReadonlyTable<unknown>;
  readonly #onPending: () => void;
  readonly #names: Publication = { table: "names", sources: [], version: 0, changes: [] };
  readonly #groups: Publication = { table: "groups", sources: [], version: 0, changes: [] };
  readonly #threads = new Map<number, Source>();

  /** `onPending` is called when there are changes to take, after there were none. */
  constructor(open: (name: string) => ReadonlyTable<unknown>, onPending: () => void) {
    this.#open = open;
    this.#onPending = onPending;
    this.#follow(this.#names, open("names"), "");
  }

  /** Takes in the groups of a thread, and of those that follow it under the same number. */
  followThread(thread: number): void {
    if (this.#threads.has(thread)) return;
    const table = this.#open(`groups/${thread}`);
    this.#threads.set(thread, this.#follow(this.#groups, table, `${thread} `));
  }

  /** A thread has died: its actors are in no group any more. */
  dropThread(thread: number): void {
    const source = this.#threads.get(thread);
    if (source === undefined || source.isLost) return;
    source.isLost = true;
    for (const [key] of source.table.entries()) {
      this.#add(this.#groups, { op: "delete", key: source.prefix + key });
    }
  }

  /** The tables as they are; what has not been taken is in them. */
  snapshots(): MirrorSnapshot[] {
    return [this.#names, this.#groups].map(({ table, version, sources }) => ({
      ...{ table, version },
      entries: sources.flatMap(selectEntries),
    }));
  }

  /** The changes since the last call. */
  take(): MirrorChanges[] {
    return [this.#names, this.#groups].flatMap((publication) => {
      const { table, version, changes } = publication;
      publication.changes = [];
      return changes.length === 0 ? [] : [{ table, after: version - changes.length, changes }];
    });
  }

  #follow(publication: Publication, table: ReadonlyTable<unknown>, prefix: string): Source {
    const source: Source = { table, prefix, isLost: false };
    publication.sources.push(source);
    for (const [key, value] of selectEntries(source)) {
      this.#add(publication, { op: "set", key, value });
    }
    table.onChange((change) => {
      if (change.op === "clear") this.#restate(publication);
      else {
        // The next thread of this number takes away what the dead one left; that was told.
        if (source.isLost && change.op === "delete") return;
        source.isLost = false;
        this.#add(publication, { ...change, key: prefix + change.key });
      }
    });
    return source;
  }

  /** After a `clear` of one of several sources: what there is to delete can be read no more. */
  #restate(publication: Publication): void {
    this.#add(publication, { op: "clear" });
    for (const [key, value] of publication.sources.flatMap(selectEntries)) {
      this.#add(publication, { op: "set", key, value });
    }
  }

  #add(publication: Publication, change: TableChange<unknown>): void {
    publication.version += 1;
    const isFirst = this.#names.changes.length + this.#groups.changes.length === 0;
    publication.changes.push(change);
    if (isFirst) this.#onPending();
  }
}

function selectEntries({ table, prefix, isLost }: Source): [string, unknown][] {
  return isLost ? [] : [...table.entries()].map(([key, value]) => [prefix + key, value]);
}
