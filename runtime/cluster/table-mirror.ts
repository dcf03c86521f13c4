import type { TableWriter } from "../actor/index.ts";
import type { TableChange } from "../core/index.ts";
import { type MirrorChanges, type MirrorSnapshot, mirroredTables } from "./table-publisher.ts";

/** A node in one of its lives. */
export interface NodeLife {
  readonly name: string;
  readonly incarnation: number;
}

/** A table that came from a node that is not up here yet. */
interface Held {
  version: number;
  readonly entries: Map<string, unknown>;
}

/**
 * What other nodes tell of their tables, as the tables `names@NODE` and `groups@NODE` of this node.
 * They hold something only while the node is up. What comes before is kept until then; what came
 * before a link was lost is told anew.
 */
export class TableMirror {
  readonly #write: (name: string) => TableWriter<unknown>;
  readonly #writers = new Map<string, TableWriter<unknown>>();
  /** The nodes that are up, with the version of each of their tables that is here. */
  readonly #live = new Map<string, { incarnation: number; versions: Map<string, number> }>();
  readonly #held = new Map<string, { incarnation: number; tables: Map<string, Held> }>();

  constructor(write: (name: string) => TableWriter<unknown>) {
    this.#write = write;
  }

  /** The node is up: what it told before can be read now. */
  up({ name, incarnation }: NodeLife): void {
    const versions = new Map<string, number>();
    this.#live.set(name, { incarnation, versions });
    const held = this.#held.get(name);
    this.#held.delete(name);
    if (held?.incarnation !== incarnation) return;
    for (const [table, { version, entries }] of held.tables) {
      this.#replace(name, table, entries);
      versions.set(table, version);
    }
  }

  /** The node is up no more: its tables are empty. */
  down(name: string): void {
    this.#live.delete(name);
    for (const table of mirroredTables) {
      const writer = this.#writers.get(`${table}@${name}`);
      if (writer !== undefined && writer.size > 0) writer.clear();
    }
  }

  /** Forgets what nodes told that are known no more. */
  retain(isKnown: (name: string) => boolean): void {
    for (const name of this.#held.keys()) if (!isKnown(name)) this.#held.delete(name);
  }

  /** Whether the node is up, and one of its tables is not here, or lacks changes. */
  isMissing(name: string): boolean {
    const live = this.#live.get(name);
    return live !== undefined && mirroredTables.some((table) => !live.versions.has(table));
  }

  /** Takes a whole table. */
  takeSnapshot(from: NodeLife, { table, version, entries }: MirrorSnapshot): void {
    if (!mirroredTables.includes(table)) return;
    const live = this.#live.get(from.name);
    if (live?.incarnation === from.incarnation) {
      this.#replace(from.name, table, new Map(entries));
      live.versions.set(table, version);
    } else this.#heldOf(from)?.set(table, { version, entries: new Map(entries) });
  }

  /** Takes changes; when they are not the next ones, the table counts as missing. */
  takeChanges(from: NodeLife, { table, after, changes }: MirrorChanges): void {
    const live = this.#live.get(from.name);
    if (live?.incarnation === from.incarnation) {
      const version = live.versions.get(table);
      if (version === undefined || after + changes.length <= version) return;
      if (after !== version) {
        live.versions.delete(table);
        return;
      }
      const writer = this.#writerOf(from.name, table);
      for (const change of changes) apply(writer, change);
      live.versions.set(table, after + changes.length);
      return;
    }
    const tables = this.#heldOf(from);
    const held = tables?.get(table);
    if (held === undefined || after + changes.length <= held.version) return;
    if (after !== held.version) {
      tables?.delete(table);
      return;
    }
    for (const change of changes) apply(held.entries, change);
    held.version += changes.length;
  }

  /** Where to keep what a node tells that is not up; undefined for an earlier life of a node. */
  #heldOf({ name, incarnation }: NodeLife): Map<string, Held> | undefined {
    const live = this.#live.get(name);
    if (live !== undefined && live.incarnation > incarnation) return undefined;
    let held = this.#held.get(name);
    if (held !== undefined && held.incarnation > incarnation) return undefined;
    if (held?.incarnation !== incarnation) {
      held = { incarnation, tables: new Map() };
      this.#held.set(name, held);
    }
    return held.tables;
  }

  #replace(node: string, table: string, entries: ReadonlyMap<string, unknown>): void {
    const writer = this.#writerOf(node, table);
    for (const key of [...writer.entries()].map(([key]) => key)) {
      if (!entries.has(key)) writer.delete(key);
    }
    for (const [key, value] of entries) writer.set(key, value);
  }

  #writerOf(node: string, table: string): TableWriter<unknown> {
    const name = `${table}@${node}`;
    let writer = this.#writers.get(name);
    if (writer === undefined) {
      writer = this.#write(name);
      this.#writers.set(name, writer);
    }
    return writer;
  }
}

interface Entries {
  set(key: string, value: unknown): void;
  delete(key: string): boolean;
  clear(): void;
}

function apply(entries: Entries, change: TableChange<unknown>): void {
  if (change.op === "set") entries.set(change.key, change.value);
  else if (change.op === "delete") entries.delete(change.key);
  else entries.clear();
}
