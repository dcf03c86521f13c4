import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ActorContext, formatWallTime, TroupeError, toErrorRecord } from "#runtime";
import { decideSchema, fileHeaderBytes, parseFileHeader } from "./store-schema.ts";

/** How long to wait for a file that another one is about to close, ms. */
const lockTimeoutMs = 2_000;
/** The log of writes is cut back to this after a checkpoint. */
const maxIdleLogBytes = 16_777_216;

/** Result codes of SQLite, the low byte. https://www.sqlite.org/rescode.html */
const busy = 5;
const corrupt = 11;
const notDatabase = 26;

/** What a file may have beside it that belongs to it. */
const companions = ["-wal", "-shm", "-journal"] as const;

/** What opening a file needs of an actor. */
export type FileContext = Pick<ActorContext, "log" | "clock">;

/** Found by looking at a file: it cannot be used, and nothing but setting it aside helps. */
class CorruptFile extends Error {}

/**
 * Opens a relay store: checked, of the present schema, write-ahead log, every commit synced to disk,
 * and for this connection alone. A file that does not exist is created, its folder is not.
 *
 * A corrupt file is set aside as `<path>.corrupt-<time>`, with one line in the log that says so, and
 * a fresh one takes its place.
 *
 * @throws TroupeError `start_failed` that names the path: no such folder, not readable or writable,
 * in use by another process, a database of something else, a schema newer than this code's. The file
 * is as it was then.
 */
export function openStoreFile(path: string, context: FileContext): DatabaseSync {
  try {
    try {
      return openUsable(path);
    } catch (error) {
      if (!isCorruption(error)) throw error;
      setAside(path, error, context);
      return openUsable(path);
    }
  } catch (error) {
    throw new TroupeError("start_failed", `relay store ${path}: ${describe(error)}`, error);
  }
}

/** Whether the error says that the content of the file is not what SQLite has written. */
export function isCorruption(error: unknown): boolean {
  const code = resultCode(error);
  return error instanceof CorruptFile || code === corrupt || code === notDatabase;
}

/** Moves a file and what belongs to it out of the way, and tells the log where to. */
export function setAside(path: string, fault: unknown, context: FileContext): void {
  const time = formatWallTime(context.clock.wallTime()).replaceAll(":", "-");
  let target = `${path}.corrupt-${time}`;
  for (let n = 2; existsSync(target); n += 1) target = `${path}.corrupt-${time}-${n}`;
  for (const suffix of ["", ...companions]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  const { message: error } = toErrorRecord(fault);
  const message = "the relay store's file is corrupt: set aside, a fresh one is in its place";
  context.log("error", message, { path, setAside: target, error });
}

function openUsable(path: string): DatabaseSync {
  const folder = dirname(path);
  if (!existsSync(folder)) throw new Error(`the folder ${folder} does not exist`);
  checkBefore(path);
  const database = new DatabaseSync(path, { timeout: lockTimeoutMs });
  try {
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What can be told without SQLite, which would write to the file, or drop its log unseen. */
function checkBefore(path: string): void {
  const header = readHeader(path);
  if (header.length === 0) {
    const log = `${path}-wal`;
    if (!existsSync(log) || statSync(log).size === 0) return;
    throw new CorruptFile("the file is empty, its write-ahead log is not");
  }
  const found = parseFileHeader(header);
  if (found === null) throw new CorruptFile("it is no database");
  // A database of which only the beginning is known is as good as new; the rest is looked at later.
  if (found.applicationId === 0 && found.version === 0) return;
  const decision = decideSchema({ ...found, isEmpty: false });
  if (decision.type === "refuse") throw new Error(decision.message);
}

function readHeader(path: string): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(fileHeaderBytes);
    return bytes.subarray(0, readSync(file, bytes, 0, fileHeaderBytes, 0));
  } finally {
    closeSync(file);
  }
}

function prepare(database: DatabaseSync): void {
  // Two gateways on one file would each take the other's groups for its own.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const decision = decideSchema({
    applicationId: readNumber(database, "PRAGMA application_id"),
    version: readNumber(database, "PRAGMA user_version"),
    isEmpty: readNumber(database, "SELECT count(*) FROM sqlite_schema") === 0,
  });
  if (decision.type === "refuse") throw new Error(decision.message);
  const verdict = read(database, "PRAGMA quick_check(1)");
  if (verdict !== "ok") throw new CorruptFile(String(verdict));
  const mode = read(database, "PRAGMA journal_mode = WAL");
  if (mode !== "wal") throw new Error(`it cannot have a write-ahead log, only ${mode}`);
  database.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${maxIdleLogBytes}`);
  if (decision.migration === null) return;
  database.exec("BEGIN IMMEDIATE");
  database.exec(decision.migration);
  database.exec("COMMIT");
  // The version is to stand in the file itself, where an older Troupe looks for it.
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

function read(database: DatabaseSync, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}

function readNumber(database: DatabaseSync, sql: string): number {
  return Number(read(database, sql));
}

function describe(error: unknown): string {
  if (resultCode(error) === busy) return "another process has it open";
  return toErrorRecord(error).message;
}

function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return Number(error.errcode) & 0xff;
}
