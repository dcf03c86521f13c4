import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManualClock } from "#runtime/testing";
import type { MemberState } from "../../../actors/relay/group-kind.ts";
import type { GroupState } from "../../../actors/relay/group-state.ts";
import type { HistoryEntry, HistoryLimits } from "../../../actors/relay/history.ts";
import type { StorageSettings } from "../../../actors/relay/store.ts";
import { StoreDatabase, type StoreSync } from "../../../actors/relay/store-database.ts";
import { openStoreFile } from "../../../actors/relay/store-file.ts";
import { LogRecord } from "../../fixtures/running-system.ts";

/** What has an end: a test. */
interface Ending {
  after(end: () => void): void;
}

/** The path of a file, not there yet, in a folder that goes with the test. */
export function storePath(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-relay-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "relay.db");
}

/** A file of a store, to be opened again and again, and what the log says of it. */
export class StoreFolder {
  readonly path: string;
  readonly clock: ManualClock = new ManualClock();
  readonly log: LogRecord = new LogRecord();
  readonly limits: HistoryLimits;
  /** Every file that was opened, in order; the connection of a store is the last one. */
  readonly opened: DatabaseSync[] = [];

  constructor(t: Ending, limits: Partial<HistoryLimits> = {}) {
    t.after(() => this.crash());
    this.path = storePath(t);
    this.limits = { maxMessages: 100, maxAgeMs: null, ...limits };
  }

  get now(): number {
    return this.clock.wallTime();
  }

  openFile(): DatabaseSync {
    const file = openStoreFile(this.path, { clock: this.clock, log: this.log.log });
    this.opened.push(file);
    return file;
  }

  open(sync: StoreSync = "full"): StoreDatabase {
    return new StoreDatabase(this.openFile(), this.limits, sync, this.now);
  }

  /** Closes what is open as the end of a process does, without a word to it. */
  crash(): void {
    for (const file of this.opened) if (file.isOpen) file.close();
  }

  /** Writes to the file with plain SQL. */
  run(sql: string): void {
    const file = new DatabaseSync(this.path);
    file.exec(sql);
    file.close();
  }
}

/** Settings for a store at `path`. */
export function storage(path: string, settings: Partial<StorageSettings> = {}): StorageSettings {
  return { path, flushMs: 100, sync: "full", maxMessages: 100, maxAgeMs: null, ...settings };
}

/** An active member. */
export function member(userId: string, changes: Partial<MemberState> = {}): MemberState {
  return { userId, role: "member", status: "active", joinedAt: 1_000, version: 2, ...changes };
}

/** A message; its text tells its offset. */
export function message(offset: number, at = 1_000): HistoryEntry {
  return { offset, at, text: JSON.stringify({ offset }) };
}

/** Messages from one offset to another. */
export function messages(from: number, to: number): HistoryEntry[] {
  return Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
}

/** A durable group with the messages of its first offsets. */
export function group(groupId: string, offset = 0, changes: Partial<GroupState> = {}): GroupState {
  return {
    ...{ groupId, kind: "private", isDurable: true, epoch: "first", offset, createdAt: 500 },
    members: [member("anna", { role: "admin" })],
    messages: messages(1, offset),
    ...changes,
  };
}
