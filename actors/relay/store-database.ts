import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { GroupKind, MemberRole, MemberState, MemberStatus } from "./group-kind.ts";
import type { GroupState } from "./group-state.ts";
import type { HistoryEntry, HistoryLimits } from "./history.ts";
import { maxRemoved, type RemovedMember, removedMs } from "./removed-members.ts";
import { encodeId, parseId } from "./store-schema.ts";

/**
 * When a commit takes place: `full`, at once, before the write is answered; `interval`, together
 * with all that came in an interval, for askers that do not wait.
 */
export type StoreSync = "interval" | "full";

/** A group as it is on disk. */
export interface StoredGroup {
  readonly state: GroupState;
  /**
   * The last messages that were acknowledged may be missing: the file was not closed in order by one
   * that synced in intervals, or the disk did not take what was to be written. It stays so until the
   * group is written with another epoch, or replaced.
   */
  readonly isSuspect: boolean;
}

/** A change of a group on disk. All of it is done or nothing, in the order of the fields. */
export interface StoreWrite {
  readonly groupId: string;
  /** The group goes, with all that is left of it; other fields are ignored. */
  readonly delete?: true;
  /** What is there of the group is forgotten for this; other fields are ignored. */
  readonly replace?: GroupState;
  /** Creates the group or changes it. A new epoch need not begin at the next offset. */
  readonly group?: Pick<GroupState, "kind" | "epoch" | "createdAt">;
  /** The ids of those that are members no longer. */
  readonly gone?: readonly string[];
  /** Who is remembered as one whose membership was ended. */
  readonly removed?: readonly RemovedMember[];
  /** Those that came, behind the others, and those that changed. */
  readonly members?: readonly MemberState[];
  /** By rising offset, from the next one on; those that are there already are left out. */
  readonly messages?: readonly HistoryEntry[];
}

interface GroupRow {
  readonly number: number;
  readonly id: string;
  readonly kind: GroupKind;
  readonly epoch: string;
  readonly offset: number;
  readonly created_at: number;
  readonly is_suspect: number;
}

interface MemberRow {
  readonly user_id: string;
  readonly role: MemberRole;
  readonly status: MemberStatus;
  readonly joined_at: number;
  readonly version: number;
}

const sql = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  readRun: "SELECT is_closed, sync FROM run",
  writeRun: "UPDATE run SET is_closed = ?, sync = ?",
  suspectAll: "UPDATE groups SET is_suspect = 1",
  suspect: "UPDATE groups SET is_suspect = 1 WHERE id = ?",
  pruneAll: "DELETE FROM messages WHERE at < ?",
  groupIds: "SELECT id FROM groups ORDER BY number",
  readGroup: "SELECT * FROM groups WHERE id = ?",
  addGroup: `INSERT INTO groups (id, kind, epoch, "offset", created_at) VALUES (?, ?, ?, ?, ?)`,
  changeGroup:
    "UPDATE groups SET kind = ?, epoch = ?, created_at = ?, is_suspect = ? WHERE number = ?",
  countOn: `UPDATE groups SET "offset" = ? WHERE number = ?`,
  deleteGroup: "DELETE FROM groups WHERE number = ?",
  readMembers: "SELECT * FROM members WHERE group_number = ? ORDER BY position",
  putMember: `INSERT INTO members (group_number, user_id, role, status, joined_at, version)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (group_number, user_id) DO UPDATE
    SET role = excluded.role, status = excluded.status, joined_at = excluded.joined_at,
      version = excluded.version`,
  deleteMember: "DELETE FROM members WHERE group_number = ? AND user_id = ?",
  deleteMembers: "DELETE FROM members WHERE group_number = ?",
  readRemoved: `SELECT user_id, removed_at FROM removed
    WHERE group_number = ? ORDER BY removed_at, user_id`,
  putRemoved: `INSERT INTO removed (group_number, user_id, removed_at) VALUES (?, ?, ?)
    ON CONFLICT (group_number, user_id) DO UPDATE SET removed_at = excluded.removed_at`,
  pruneRemoved: "DELETE FROM removed WHERE removed_at < ?",
  dropRemoved: `DELETE FROM removed WHERE group_number = ?1 AND removed_at < (
    SELECT removed_at FROM removed WHERE group_number = ?1
    ORDER BY removed_at DESC LIMIT 1 OFFSET ?2)`,
  deleteRemoved: "DELETE FROM removed WHERE group_number = ?",
  readMessages: `SELECT "offset", at, text FROM messages
    WHERE group_number = ? AND "offset" > ? AND at >= ? ORDER BY "offset"`,
  addMessage: `INSERT INTO messages (group_number, "offset", at, text) VALUES (?, ?, ?, ?)`,
  dropBefore: `DELETE FROM messages WHERE group_number = ? AND "offset" <= ?`,
  dropFrom: `DELETE FROM messages WHERE group_number = ? AND "offset" >= ?`,
  // The oldest that may stay is near the beginning: what lies behind it is not looked at.
  dropOld: `DELETE FROM messages WHERE group_number = ?1 AND "offset" < (
    SELECT "offset" FROM messages WHERE group_number = ?1 AND at >= ?2 ORDER BY "offset" LIMIT 1)`,
} as const;

/**
 * The groups in an open file. Every call reads, or commits one transaction, before it returns.
 *
 * It knows of each group whether its copy may lag behind what was acknowledged: writes that failed,
 * and those of a run that was cut short. A file is used by one run at a time, from its construction
 * to {@link close}.
 */
export class StoreDatabase {
  readonly #database: DatabaseSync;
  readonly #limits: HistoryLimits;
  readonly #sync: StoreSync;
  readonly #statements = new Map<keyof typeof sql, StatementSync>();
  /** Groups of which a write was lost since the last commit. */
  readonly #behind = new Set<string>();

  /** @param now wall-clock time, in ms: messages that are too old by then are dropped. */
  constructor(database: DatabaseSync, limits: HistoryLimits, sync: StoreSync, now: number) {
    this.#database = database;
    this.#limits = limits;
    this.#sync = sync;
    this.#transact(() => this.#begin(now));
  }

  /** Those that are there. */
  groupIds(): readonly string[] {
    return this.#statement("groupIds")
      .all()
      .map((row) => parseId(String(row["id"])));
  }

  /** A group without the messages that are too old or too many by now; null: there is none. */
  load(groupId: string, now: number): StoredGroup | null {
    const row = this.#find(groupId);
    if (row === undefined) return null;
    const { number, kind, epoch, offset, created_at: createdAt } = row;
    const first = offset - this.#limits.maxMessages;
    const messages = this.#statement("readMessages").all(number, first, this.#oldest(now));
    const removed = this.#statement("readRemoved").all(number).map(removedOf);
    const state: GroupState = {
      ...{ groupId, kind, isDurable: true, epoch, offset, createdAt },
      members: this.#statement("readMembers")
        .all(number)
        .map((found) => memberOf(found as never)),
      messages: messages.map((found) => ({ ...found }) as unknown as HistoryEntry),
      ...(removed.length > 0 ? { removed } : {}),
    };
    return { state, isSuspect: row.is_suspect !== 0 || this.#behind.has(groupId) };
  }

  /**
   * Commits the writes, in their order, together. Each has null, or why it was left out: its group is
   * not there, or its messages do not follow those that are. Such a group has to be replaced.
   * @throws when nothing could be written; then none of them is.
   */
  commit(writes: readonly StoreWrite[], now: number): readonly (string | null)[] {
    try {
      const outcomes = this.#transact(() => {
        this.#markBehind();
        return writes.map((write) => this.#apply(write, now));
      });
      this.#behind.clear();
      return outcomes;
    } catch (error) {
      for (const { groupId } of writes) this.#behind.add(groupId);
      throw error;
    }
  }

  /** Ends the run in order and closes the file. */
  close(): void {
    try {
      this.#transact(() => {
        this.#markBehind();
        this.#statement("writeRun").run(1, this.#sync);
      });
    } finally {
      this.#database.close();
    }
  }

  /** Closes a file that is of no use any more as it is. */
  abandon(): void {
    this.#database.close();
  }

  #begin(now: number): void {
    const run = this.#statement("readRun").get();
    // Who syncs before it answers has promised nothing that is not here.
    if (run?.["is_closed"] === 0 && run["sync"] === "interval") this.#statement("suspectAll").run();
    this.#statement("writeRun").run(0, this.#sync);
    this.#statement("pruneRemoved").run(now - removedMs);
    if (this.#limits.maxAgeMs !== null) this.#statement("pruneAll").run(this.#oldest(now));
  }

  #apply(write: StoreWrite, now: number): string | null {
    const { groupId } = write;
    const row = this.#find(groupId);
    if (write.delete === true || write.replace !== undefined) {
      if (row !== undefined) this.#remove(row.number);
      if (write.delete !== true && write.replace !== undefined) this.#add(write.replace, now);
      return null;
    }
    if (row === undefined && write.group === undefined) return "there is no such group";
    const isNewEpoch = write.group !== undefined && write.group.epoch !== row?.epoch;
    const offset = row?.offset ?? 0;
    const messages = selectNew(write.messages ?? [], isNewEpoch ? null : offset);
    if (messages === null) {
      this.#statement("suspect").run(encodeId(groupId));
      return `its messages do not go on from offset ${offset}`;
    }
    const number = this.#settle(groupId, row, write.group);
    this.#change(number, write);
    this.#append(number, messages, offset, now);
    return null;
  }

  /** The number of the group, which is as `group` says from now on. */
  #settle(groupId: string, row: GroupRow | undefined, group: StoreWrite["group"]): number {
    if (row === undefined) {
      const { kind, epoch, createdAt } = group as NonNullable<typeof group>;
      return this.#addGroup(groupId, kind, epoch, 0, createdAt);
    }
    if (group !== undefined) {
      const { kind, epoch, createdAt } = group;
      const isSuspect = epoch === row.epoch ? row.is_suspect : 0;
      this.#statement("changeGroup").run(kind, epoch, createdAt, isSuspect, row.number);
    }
    return row.number;
  }

  #change(number: number, { gone, removed = [], members }: StoreWrite): void {
    for (const userId of gone ?? []) this.#statement("deleteMember").run(number, encodeId(userId));
    for (const { userId, removedAt } of removed) {
      this.#statement("putRemoved").run(number, encodeId(userId), removedAt);
    }
    if (removed.length > 0) this.#statement("dropRemoved").run(number, maxRemoved - 1);
    for (const { userId, role, status, joinedAt, version } of members ?? []) {
      this.#statement("putMember").run(number, encodeId(userId), role, status, joinedAt, version);
    }
  }

  #append(number: number, messages: readonly HistoryEntry[], offset: number, now: number): void {
    const [first] = messages;
    const last = messages.at(-1);
    if (first === undefined || last === undefined) return;
    // Another epoch may count anew: what it has not counted is not what it sends now.
    if (first.offset <= offset) this.#statement("dropFrom").run(number, first.offset);
    for (const entry of messages) {
      this.#statement("addMessage").run(number, entry.offset, entry.at, entry.text);
    }
    this.#statement("countOn").run(last.offset, number);
    this.#statement("dropBefore").run(number, last.offset - this.#limits.maxMessages);
    if (this.#limits.maxAgeMs !== null) this.#statement("dropOld").run(number, this.#oldest(now));
  }

  #add(state: GroupState, now: number): void {
    const { groupId, kind, epoch, offset, createdAt, members, removed = [], messages } = state;
    const number = this.#addGroup(groupId, kind, epoch, offset, createdAt);
    this.#change(number, { groupId, members, removed });
    this.#append(number, messages, 0, now);
    this.#statement("countOn").run(offset, number);
  }

  #addGroup(id: string, kind: string, epoch: string, offset: number, createdAt: number): number {
    const added = this.#statement("addGroup").run(encodeId(id), kind, epoch, offset, createdAt);
    return Number(added.lastInsertRowid);
  }

  #remove(number: number): void {
    this.#statement("deleteMembers").run(number);
    this.#statement("deleteRemoved").run(number);
    this.#statement("dropFrom").run(number, 0);
    this.#statement("deleteGroup").run(number);
  }

  #markBehind(): void {
    for (const groupId of this.#behind) this.#statement("suspect").run(encodeId(groupId));
  }

  #find(groupId: string): GroupRow | undefined {
    return this.#statement("readGroup").get(encodeId(groupId)) as GroupRow | undefined;
  }

  /** The time before which messages are too old. */
  #oldest(now: number): number {
    const { maxAgeMs } = this.#limits;
    return maxAgeMs === null ? Number.MIN_SAFE_INTEGER : now - maxAgeMs;
  }

  #transact<T>(work: () => T): T {
    this.#statement("begin").run();
    try {
      const result = work();
      this.#statement("commit").run();
      return result;
    } catch (error) {
      // Some failures, a full disk among them, have rolled it back already.
      if (this.#database.isTransaction) this.#statement("rollback").run();
      throw error;
    }
  }

  #statement(name: keyof typeof sql): StatementSync {
    let statement = this.#statements.get(name);
    if (statement === undefined) {
      statement = this.#database.prepare(sql[name]);
      this.#statements.set(name, statement);
    }
    return statement;
  }
}

/** The messages that are not there yet; null when they do not follow `offset`. Null: any do. */
function selectNew(
  messages: readonly HistoryEntry[],
  offset: number | null,
): readonly HistoryEntry[] | null {
  if (offset === null) return messages;
  const added = messages.filter((entry) => entry.offset > offset);
  const isNext = added.every((entry, index) => entry.offset === offset + 1 + index);
  return isNext ? added : null;
}

function memberOf(row: MemberRow): MemberState {
  const { user_id, role, status, joined_at, version } = row;
  return { userId: parseId(user_id), role, status, joinedAt: joined_at, version };
}

function removedOf(row: Readonly<Record<string, unknown>>): RemovedMember {
  return { userId: parseId(String(row["user_id"])), removedAt: Number(row["removed_at"]) };
}
