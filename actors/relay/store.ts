import {
  Actor,
  type ChildSpec,
  type ChildStart,
  childOf,
  ReplyError,
  type SpawnOptions,
  TroupeError,
  toErrorRecord,
} from "#runtime";
import {
  StoreDatabase,
  type StoredGroup,
  type StoreSync,
  type StoreWrite,
} from "./store-database.ts";
import { isCorruption, openStoreFile, setAside } from "./store-file.ts";

export type { StoredGroup, StoreWrite } from "./store-database.ts";

/** The registered name of the {@link RelayStore}. */
export const storeName = "relay_store";

/** Where durable groups are kept, and how. */
export interface StorageSettings {
  /** The file; its folder has to be there. */
  readonly path: string;
  /** With `interval`: the longest time that a write waits for its commit, ms; default 100. */
  readonly flushMs: number;
  readonly sync: StoreSync;
  /** Messages kept of each group. */
  readonly maxMessages: number;
  /** Older ones are not kept; null: whatever their age. */
  readonly maxAgeMs: number | null;
}

/** Writes that are committed together at most; so many can be in progress. */
const maxBatch = 1_000;
/** Characters of messages that wait at most for the end of an interval. */
const maxBatchChars = 4_194_304;
/** Time to commit what waits and to close the file, behind the interval. */
const closeMs = 10_000;
/** Time to check a file that has grown large. */
const openMs = 300_000;

interface Pending {
  readonly write: StoreWrite;
  readonly resolve: () => void;
  readonly reject: (error: ReplyError) => void;
}

/** How a {@link RelayStore} is to be spawned: it blocks its thread, and gathers what it is asked. */
export function storeOptions(settings: StorageSettings): SpawnOptions {
  return {
    ...{ name: storeName, thread: "dedicated", concurrency: maxBatch },
    shutdownMs: settings.flushMs + closeMs,
    startTimeoutMs: openMs,
  };
}

/** The store as a supervisor's child; it has the time that it takes to commit what waits. */
export function storeChild(settings: StorageSettings): ChildSpec<ChildStart> {
  const { shutdownMs: shutdown = closeMs, ...options } = storeOptions(settings);
  return childOf(RelayStore, { args: [settings], shutdown, options });
}

/**
 * Durable groups on disk, in SQLite. A write that was answered is on the disk, synced, in both modes;
 * they differ in when that is. With `full` a commit takes all that has come in one round of the event
 * loop. With `interval` it takes what came within `flushMs`, and whoever does not wait for the answer
 * may lose that much.
 *
 * A commit that fails rejects all its writes, and is logged when an outage begins and when it is
 * over. A file found corrupt is set aside, at the start or later: then groups that write are told to
 * replace what is there, which is nothing.
 */
export class RelayStore extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #settings: StorageSettings;
  readonly #openFile: typeof openStoreFile;
  #database: StoreDatabase | null = null;
  #pending: Pending[] = [];
  #pendingChars = 0;
  #isFailing = false;

  constructor(settings: StorageSettings, openFile: typeof openStoreFile = openStoreFile) {
    super();
    this.#settings = settings;
    this.#openFile = openFile;
  }

  protected override init(): void {
    this.#open();
  }

  protected override terminate(): void {
    this.#flush();
    const database = this.#database;
    this.#database = null;
    database?.close();
  }

  /** The ids of all groups. @throws ReplyError `unavailable` */
  groupIds(): readonly string[] {
    this.#flush();
    return this.#read((database) => database.groupIds());
  }

  /** A group as it is after all writes before this; null: none. @throws ReplyError `unavailable` */
  load(groupId: string): StoredGroup | null {
    this.#flush();
    return this.#read((database) => database.load(groupId, this.#now()));
  }

  /** Commits what waits. */
  flush(): void {
    this.#flush();
  }

  /**
   * Resolves when the change is committed and synced.
   * @throws ReplyError `unavailable`: it could not be written; `not_in_step`: the group is not there,
   * or earlier messages of it are missing. Either way the group has to be written with `replace`.
   */
  write(write: StoreWrite): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const isFirst = this.#pending.push({ write, resolve, reject }) === 1;
    this.#pendingChars += countChars(write);
    // By the clock and not by a timer of the actor, which is silent once the actor is to stop, and
    // the stop waits for the writes in progress.
    if (this.#pending.length >= maxBatch || this.#pendingChars >= maxBatchChars) this.#flush();
    else if (isFirst && this.#settings.sync === "full") setImmediate(this.#flush);
    else if (isFirst) this.context.clock.after(this.#settings.flushMs, this.#flush);
    return promise;
  }

  readonly #flush = (): void => {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#pendingChars = 0;
    try {
      const writes = pending.map(({ write }) => write);
      const outcomes = this.#opened().commit(writes, this.#now());
      for (const [index, { write, resolve, reject }] of pending.entries()) {
        const refusal = outcomes[index] ?? null;
        if (refusal === null) resolve();
        else reject(new ReplyError("not_in_step", `${write.groupId} on disk: ${refusal}`));
      }
      this.#recovered();
    } catch (error) {
      for (const { reject } of pending) reject(unavailable(error));
      this.#failed(error);
    }
  };

  #read<T>(work: (database: StoreDatabase) => T): T {
    try {
      return work(this.#opened());
    } catch (error) {
      this.#failed(error);
      throw unavailable(error);
    }
  }

  #failed(error: unknown): void {
    const { path } = this.#settings;
    if (isCorruption(error)) {
      this.#renew(error);
      return;
    }
    if (this.#isFailing) return;
    this.#isFailing = true;
    const { message } = toErrorRecord(error);
    this.context.log("error", "the relay store cannot be used", { path, error: message });
  }

  #recovered(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.context.log("info", "the relay store can be used again", { path: this.#settings.path });
  }

  /** The file has gone bad under our hands: a fresh one takes its place. */
  #renew(fault: unknown): void {
    try {
      this.#database?.abandon();
      this.#database = null;
      setAside(this.#settings.path, fault, this.context);
      this.#open();
    } catch (error) {
      const record = toErrorRecord(error);
      this.context.stop({ kind: "crash", message: record.message, error: record });
    }
  }

  #open(): void {
    const { path } = this.#settings;
    try {
      try {
        this.#database = this.#begin();
      } catch (error) {
        if (!isCorruption(error)) throw error;
        setAside(path, error, this.context);
        this.#database = this.#begin();
      }
    } catch (error) {
      if (error instanceof TroupeError) throw error;
      const { message } = toErrorRecord(error);
      throw new TroupeError("start_failed", `relay store ${path}: ${message}`, error);
    }
  }

  #begin(): StoreDatabase {
    const { path, maxMessages, maxAgeMs, sync } = this.#settings;
    const file = this.#openFile(path, this.context);
    try {
      return new StoreDatabase(file, { maxMessages, maxAgeMs }, sync, this.#now());
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #opened(): StoreDatabase {
    if (this.#database === null) throw new Error("its file is not open");
    return this.#database;
  }

  #now(): number {
    return this.context.clock.wallTime();
  }
}

function unavailable(error: unknown): ReplyError {
  return new ReplyError("unavailable", `the relay store: ${toErrorRecord(error).message}`, error);
}

function countChars({ messages, replace }: StoreWrite): number {
  let chars = 0;
  for (const { text } of [...(messages ?? []), ...(replace?.messages ?? [])]) chars += text.length;
  return chars;
}
