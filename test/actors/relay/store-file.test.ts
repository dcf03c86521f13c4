import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { applicationId } from "../../../actors/relay/store-schema.ts";
import { group, member, messages, StoreFolder } from "./store-kit.ts";

const setAsideLine = "the relay store's file is corrupt: set aside, a fresh one is in its place";

/** What was set aside, by the log. */
function asideOf(folder: StoreFolder): { path: string; error: string }[] {
  return folder.log.all(setAsideLine).map(({ level, fields }) => {
    assert.equal(level, "error");
    assert.equal(fields["path"], folder.path);
    return { path: String(fields["setAside"]), error: String(fields["error"]) };
  });
}

/** A file with one group in it, closed in order. */
function fill(folder: StoreFolder): void {
  const store = folder.open();
  store.commit([{ groupId: "g", replace: group("g", 40) }], 0);
  store.close();
}

/** What version 2 had more than version 1; frozen here as it was. */
const secondSchema = `
  ALTER TABLE groups ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE groups ADD COLUMN is_suspect INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE members ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
  ALTER TABLE members DROP COLUMN is_active;
  CREATE TABLE run (is_closed INTEGER NOT NULL, sync TEXT NOT NULL) STRICT;
  INSERT INTO run (is_closed, sync) VALUES (1, 'full');
  PRAGMA user_version = 2;`;

/** The schema as version 1 had it; frozen here as it was. */
const firstSchema = `
  CREATE TABLE groups (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    epoch TEXT NOT NULL, "offset" INTEGER NOT NULL) STRICT;
  CREATE TABLE members (position INTEGER PRIMARY KEY, group_number INTEGER NOT NULL,
    user_id TEXT NOT NULL, role TEXT NOT NULL, is_active INTEGER NOT NULL,
    joined_at INTEGER NOT NULL, UNIQUE (group_number, user_id)) STRICT;
  CREATE TABLE messages (group_number INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    at INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (group_number, "offset")) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = 1;`;

describe("a file of a relay store", () => {
  it("is created, for one connection, with a write-ahead log that every commit syncs", (t) => {
    const folder = new StoreFolder(t);
    const file = folder.openFile();
    assert.deepEqual({ ...file.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
    assert.deepEqual({ ...file.prepare("PRAGMA synchronous").get() }, { synchronous: 2 });
    assert.throws(() => folder.openFile(), {
      code: "start_failed",
      message: `relay store ${folder.path}: another process has it open`,
    });
    assert.deepEqual(folder.log.entries, []);
  });

  it("cannot be where there is no folder, or where a folder is", (t) => {
    const folder = new StoreFolder(t);
    const lost = new StoreFolder(t);
    const missing = join(dirname(lost.path), "none");
    Object.assign(lost, { path: join(missing, "relay.db") });
    assert.throws(() => lost.openFile(), {
      code: "start_failed",
      message: `relay store ${lost.path}: the folder ${missing} does not exist`,
    });
    assert.ok(!existsSync(missing));
    mkdirSync(folder.path);
    assert.throws(() => folder.openFile(), {
      code: "start_failed",
      message: new RegExp(`^relay store ${folder.path}: .*directory`),
    });
  });

  it("is not touched when it is a database of something else", (t) => {
    const folder = new StoreFolder(t);
    folder.run("CREATE TABLE accounts (id); PRAGMA user_version = 7");
    const before = readFileSync(folder.path);
    assert.throws(() => folder.openFile(), {
      code: "start_failed",
      message: `relay store ${folder.path}: it is a database of something else`,
    });
    assert.deepEqual(readFileSync(folder.path), before);
    folder.run("PRAGMA user_version = 0");
    assert.throws(() => folder.openFile(), /it is a database of something else/);
    assert.deepEqual(readdirSync(dirname(folder.path)), ["relay.db"]);
  });

  it("is not touched when a newer version has written it, also with its log beside it", (t) => {
    const folder = new StoreFolder(t);
    fill(folder);
    const newer = new DatabaseSync(folder.path);
    newer.exec("PRAGMA user_version = 4; PRAGMA wal_checkpoint(TRUNCATE)");
    newer.exec("CREATE TABLE novelties (id)");
    const names = (): string[] => readdirSync(dirname(folder.path)).sort();
    const bytes = (): Buffer[] => ["", "-wal"].map((suffix) => readFileSync(folder.path + suffix));
    const before = { names: names(), bytes: bytes() };
    assert.throws(() => folder.openFile(), {
      code: "start_failed",
      message: `relay store ${folder.path}: its schema has version 4, this version of Troupe knows up to 3`,
    });
    assert.deepEqual({ names: names(), bytes: bytes() }, before);
    newer.close();
  });

  it("of version 1 is brought up to date, once, and what is in it stays", (t) => {
    const folder = new StoreFolder(t);
    folder.run(`${firstSchema}
      INSERT INTO groups VALUES (1, 'g', 'strict_private', 'old', 7), (2, 'empty', 'public', 'e', 0);
      INSERT INTO members VALUES (5, 1, 'bert', 'admin', 1, 300), (9, 1, 'anna', 'member', 0, 200);
      INSERT INTO messages VALUES (1, 6, 150, '{"offset":6}'), (1, 7, 160, '{"offset":7}');`);
    const expected = {
      ...{ groupId: "g", kind: "strict_private", isDurable: true, epoch: "old", offset: 7 },
      createdAt: 150,
      members: [
        member("bert", { role: "admin", joinedAt: 300, version: 3 }),
        member("anna", { status: "pending", joinedAt: 200, version: 1 }),
      ],
      messages: messages(6, 7).map((entry) => ({ ...entry, at: entry.offset * 10 + 90 })),
    };
    for (let n = 0; n < 2; n += 1) {
      const store = folder.open();
      const stored = store.load("g", 0);
      assert.deepEqual(stored, { state: expected, isSuspect: true });
      assert.equal(store.load("empty", 0)?.state.createdAt, 0);
      const muted = member("bert", { status: "muted" });
      assert.deepEqual(store.commit([{ groupId: "empty", members: [muted] }], 0), [null]);
      assert.deepEqual(store.load("empty", 0)?.state.members, [muted]);
      const inFile = readFileSync(folder.path).readInt32BE(60);
      assert.equal(inFile, 3, "also for one who looks at the file alone, while it is open");
      store.close();
    }
    assert.deepEqual(folder.log.entries, []);
  });
});

describe("a file of version 2", () => {
  it("has versions of its members afterwards, by which they come before who joins anew", (t) => {
    const folder = new StoreFolder(t);
    folder.run(`${firstSchema}${secondSchema}
      INSERT INTO groups VALUES (1, 'g', 'strict_private', 'old', 0, 150, 0);
      INSERT INTO members VALUES (1, 1, 'anna', 'admin', 200, 'active'),
        (2, 1, 'bert', 'member', 300, 'active'), (3, 1, 'cora', 'member', 400, 'pending'),
        (4, 1, 'dora', 'member', 500, 'muted');`);
    const members = [
      member("anna", { role: "admin", joinedAt: 200, version: 3 }),
      member("bert", { joinedAt: 300, version: 2 }),
      member("cora", { status: "pending", joinedAt: 400, version: 1 }),
      member("dora", { status: "muted", joinedAt: 500, version: 500 }),
    ];
    for (let n = 0; n < 2; n += 1) {
      const store = folder.open();
      const stored = store.load("g", 0);
      assert.deepEqual([stored?.isSuspect, stored?.state.members], [false, members]);
      assert.equal(stored?.state.removed, undefined);
      store.close();
    }
  });
});

describe("a corrupt file", () => {
  it("that is no database is set aside whole, and a fresh one is there", (t) => {
    const folder = new StoreFolder(t);
    const rubbish = "This was a database once. ".repeat(400);
    writeFileSync(folder.path, rubbish);
    writeFileSync(`${folder.path}-wal`, "its log");
    const store = folder.open();
    assert.deepEqual(store.groupIds(), []);
    assert.deepEqual(store.commit([{ groupId: "g", replace: group("g") }], 0), [null]);
    const [aside, ...more] = asideOf(folder);
    assert.deepEqual(more, []);
    assert.equal(aside?.path, `${folder.path}.corrupt-2026-01-01T00-00-00.000Z`);
    assert.equal(aside.error, "it is no database");
    assert.equal(readFileSync(aside.path, "utf8"), rubbish);
    assert.equal(readFileSync(`${aside.path}-wal`, "utf8"), "its log");
  });

  it("never takes the place of one that was set aside at the same time", (t) => {
    const folder = new StoreFolder(t);
    for (const rubbish of ["one", "two", "three"]) {
      writeFileSync(folder.path, rubbish);
      folder.open().close();
    }
    const contents = asideOf(folder).map(({ path }) => readFileSync(path, "utf8"));
    assert.deepEqual(contents, ["one", "two", "three"]);
  });

  it("is found when the damage is behind an intact beginning", (t) => {
    const folder = new StoreFolder(t);
    fill(folder);
    const bytes = readFileSync(folder.path);
    bytes.fill(0xa5, 4_096);
    writeFileSync(folder.path, bytes);
    const store = folder.open();
    assert.deepEqual(store.groupIds(), []);
    const [aside] = asideOf(folder);
    assert.deepEqual(readFileSync(String(aside?.path)), bytes);
  });

  it("is found when it was cut off", (t) => {
    const folder = new StoreFolder(t);
    fill(folder);
    writeFileSync(folder.path, readFileSync(folder.path).subarray(0, 6_000));
    assert.deepEqual(folder.open().groupIds(), []);
    assert.equal(asideOf(folder).length, 1);
  });

  it("is one that is empty beside a log that is not: SQLite would drop the log", (t) => {
    const folder = new StoreFolder(t);
    writeFileSync(folder.path, "");
    folder.open().close();
    assert.deepEqual(asideOf(folder), [], "nothing is lost with an empty file alone");
    const store = folder.open();
    store.commit([{ groupId: "g", replace: group("g", 9) }], 0);
    const log = readFileSync(`${folder.path}-wal`);
    folder.crash();
    writeFileSync(folder.path, "");
    writeFileSync(`${folder.path}-wal`, log);
    assert.deepEqual(folder.open().groupIds(), []);
    const [aside] = asideOf(folder);
    assert.match(String(aside?.error), /empty, its write-ahead log is not/);
    assert.deepEqual(readFileSync(`${aside?.path}-wal`), log);
  });
});
