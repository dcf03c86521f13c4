import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { maxRemoved, removedMs } from "../../../actors/relay/removed-members.ts";
import { StoreDatabase } from "../../../actors/relay/store-database.ts";
import { group, member, message, messages, StoreFolder } from "./store-kit.ts";

/** The offsets of the messages that the store holds of `g`. */
function offsets(store: StoreDatabase, now = 0): number[] | undefined {
  return store.load("g", now)?.state.messages.map(({ offset }) => offset);
}

function isSuspect(store: StoreDatabase, groupId = "g"): boolean | undefined {
  return store.load(groupId, 0)?.isSuspect;
}

/** How many messages are in the file that was opened last. */
function countMessages(folder: StoreFolder): unknown {
  return folder.opened.at(-1)?.prepare("SELECT count(*) AS n FROM messages").get()?.["n"];
}

describe("a store on disk", () => {
  it("gives back a group as it was built up, after a close and without", (t) => {
    const folder = new StoreFolder(t);
    let store = folder.open();
    const [anna, bert] = [member("anna", { role: "admin" }), member("bert", { status: "pending" })];
    const first = { kind: "strict_private", epoch: "e", createdAt: 12 } as const;
    store.commit([{ groupId: "g", group: first, members: [anna, bert] }], 0);
    store.commit([{ groupId: "g", messages: messages(1, 2) }], 0);
    const muted = { ...bert, status: "muted" } as const;
    store.commit([{ groupId: "g", members: [muted], messages: messages(3, 3) }], 0);
    store.commit([{ groupId: "g", gone: ["anna"], members: [member("carl")] }], 0);
    store.commit([{ groupId: "g", members: [anna] }], 0);
    const expected = {
      ...{ groupId: "g", isDurable: true, ...first, offset: 3 },
      ...{ members: [muted, member("carl"), anna], messages: messages(1, 3) },
    };
    assert.deepEqual(store.load("g", 0), { state: expected, isSuspect: false });
    store.close();
    store = folder.open();
    assert.deepEqual(store.load("g", 0), { state: expected, isSuspect: false });
    folder.crash();
    assert.deepEqual(folder.open().load("g", 0), { state: expected, isSuspect: false });
  });

  it("leaves nothing of a deleted group", (t) => {
    const folder = new StoreFolder(t);
    const store = folder.open();
    const removed = [{ userId: "zoe", removedAt: folder.now }];
    const other = group("other", 3, { removed });
    store.commit([{ groupId: "g", replace: group("g", 3, { removed }) }], 0);
    store.commit([{ groupId: "other", replace: other }], 0);
    assert.deepEqual(store.commit([{ groupId: "g", delete: true }], 0), [null]);
    assert.deepEqual(store.commit([{ groupId: "never", delete: true }], 0), [null]);
    assert.deepEqual(store.groupIds(), ["other"]);
    assert.deepEqual(store.load("other", 0)?.state, other);
    store.close();
    const file = folder.openFile();
    for (const table of ["members", "messages", "removed"]) {
      const numbers = file.prepare(`SELECT DISTINCT group_number AS n FROM ${table}`).all();
      assert.equal(numbers.length, 1, table);
    }
  });

  it("remembers of each group the last 1,000 who were removed, until 30 days have passed", (t) => {
    const folder = new StoreFolder(t);
    let store = folder.open();
    const removedIn = (groupId: string): readonly string[] =>
      store.load(groupId, folder.now)?.state.removed?.map(({ userId }) => userId) ?? [];
    const remove = (userId: string, removedAt: number): void => {
      const write = { groupId: "g", gone: [userId], removed: [{ userId, removedAt }] };
      assert.deepEqual(store.commit([write], folder.now), [null]);
    };
    const removed = Array.from({ length: maxRemoved }, (_, n) => ({
      ...{ userId: `user ${n}`, removedAt: folder.now - maxRemoved + n },
    }));
    const first = { userId: "first", removedAt: folder.now - removedMs + 1 };
    store.commit([{ groupId: "g", replace: group("g", 0, { removed }) }], folder.now);
    store.commit([{ groupId: "other", replace: group("other", 0, { removed: [first] }) }], 0);
    remove("anna", folder.now);
    assert.deepEqual(store.load("g", 0)?.state.members, []);
    assert.deepEqual([removedIn("g").length, removedIn("g")[0]], [maxRemoved, "user 1"]);
    remove("user 1", folder.now + 1);
    assert.deepEqual([removedIn("g")[0], removedIn("g").at(-1)], ["user 2", "user 1"]);
    assert.deepEqual(removedIn("other"), ["first"]);
    store.close();
    folder.clock.advance(1);
    store = folder.open();
    assert.deepEqual(removedIn("other"), ["first"]);
    store.close();
    folder.clock.advance(1);
    store = folder.open();
    assert.deepEqual([removedIn("g").length, removedIn("other")], [maxRemoved, []]);
  });

  it("refuses messages that do not follow, in place of leaving a hole", (t) => {
    const store = new StoreFolder(t).open();
    const refused = "its messages do not go on from offset 4";
    store.commit([{ groupId: "g", replace: group("g", 4) }], 0);
    const commit = (...entries: number[]): readonly (string | null)[] =>
      store.commit(
        [{ groupId: "g", members: [member("bert")], messages: entries.map((n) => message(n)) }],
        0,
      );
    assert.deepEqual(commit(6), [refused]);
    assert.deepEqual(commit(5, 7), [refused]);
    assert.deepEqual(store.load("g", 0)?.state, group("g", 4), "nothing of such a write is done");
    assert.equal(isSuspect(store), true);
    assert.deepEqual(commit(3, 4, 5), [null], "what is there already may come again");
    assert.deepEqual(offsets(store), [1, 2, 3, 4, 5]);
    assert.equal(isSuspect(store), true, "it is not known what came between");
    store.commit([{ groupId: "g", replace: group("g", 9) }], 0);
    assert.equal(isSuspect(store), false);
    assert.deepEqual(store.commit([{ groupId: "new", messages: [message(1)] }], 0), [
      "there is no such group",
    ]);
  });

  it("lets a new epoch begin anywhere", (t) => {
    const store = new StoreFolder(t).open();
    store.commit([{ groupId: "g", replace: group("g", 4) }], 0);
    const next = { kind: "private", epoch: "second", createdAt: 1 } as const;
    store.commit([{ groupId: "g", group: next, messages: messages(8, 9) }], 0);
    assert.deepEqual(offsets(store), [1, 2, 3, 4, 8, 9]);
    assert.equal(store.load("g", 0)?.state.offset, 9);
    store.commit([{ groupId: "g", group: { ...next, epoch: "third" } }], 0);
    assert.equal(store.load("g", 0)?.state.offset, 9);
    store.commit([{ groupId: "g", group: next, messages: messages(1, 2) }], 0);
    assert.deepEqual(offsets(store), [1, 2], "what the new one has not counted is not there");
  });

  it("goes on behind the offset it was given, whatever messages are kept", (t) => {
    const store = new StoreFolder(t).open();
    store.commit([{ groupId: "g", replace: group("g", 9, { messages: messages(2, 3) }) }], 0);
    assert.equal(store.load("g", 0)?.state.offset, 9);
    store.commit([{ groupId: "g", messages: [message(10)] }], 0);
    assert.deepEqual(offsets(store), [2, 3, 10]);
  });

  it("keeps the newest messages of each group", (t) => {
    const folder = new StoreFolder(t, { maxMessages: 3 });
    const store = folder.open();
    store.commit([{ groupId: "g", replace: group("g", 5) }], 0);
    assert.deepEqual(offsets(store), [3, 4, 5]);
    assert.equal(countMessages(folder), 3);
    store.commit([{ groupId: "g", messages: messages(6, 7) }], 0);
    assert.deepEqual(offsets(store), [5, 6, 7]);
    assert.equal(countMessages(folder), 3, "the others are gone from the disk");
    store.close();
    const fewer = new StoreDatabase(
      folder.openFile(),
      { maxMessages: 1, maxAgeMs: null },
      "full",
      0,
    );
    assert.deepEqual(offsets(fewer), [7]);
  });

  it("keeps no message that is too old", (t) => {
    const folder = new StoreFolder(t, { maxAgeMs: 1_000 });
    const store = folder.open();
    const { now } = folder;
    const at = (offset: number, atMs: number) => message(offset, now + atMs);
    store.commit(
      [{ groupId: "g", replace: group("g", 2, { messages: [at(1, 0), at(2, 0)] }) }],
      now,
    );
    store.commit([{ groupId: "g", messages: [at(3, 900)] }], now + 1_000);
    assert.deepEqual(offsets(store, now + 1_000), [1, 2, 3], "as old as that may stay");
    assert.deepEqual(offsets(store, now + 1_001), [3]);
    store.commit([{ groupId: "g", messages: [at(4, 1_500)] }], now + 1_500);
    assert.equal(countMessages(folder), 2, "and they are gone from the disk");
    store.close();
    folder.clock.advance(5_000);
    folder.open();
    assert.equal(countMessages(folder), 0, "also of a group to which nothing was sent any more");
  });
});

describe("a group on disk is suspect", () => {
  it("when the file was not closed by one that syncs in intervals", (t) => {
    const folder = new StoreFolder(t);
    folder.open("full").commit([{ groupId: "g", replace: group("g", 1) }], 0);
    folder.crash();
    let store = folder.open("interval");
    assert.equal(isSuspect(store), false, "the one before has synced before it answered");
    store.close();
    store = folder.open("interval");
    assert.equal(isSuspect(store), false, "the one before has closed it");
    folder.crash();
    store = folder.open("full");
    assert.equal(isSuspect(store), true);
    store.close();
    store = folder.open("full");
    assert.equal(isSuspect(store), true, "until it has another epoch");
    const { kind, createdAt } = group("g");
    store.commit([{ groupId: "g", group: { kind, createdAt, epoch: "first" } }], 0);
    assert.equal(isSuspect(store), true);
    store.commit([{ groupId: "g", group: { kind, createdAt, epoch: "second" } }], 0);
    assert.equal(isSuspect(store), false);
  });

  it("after a write that failed until it is replaced, in the same run", (t) => {
    const store = new StoreFolder(t).open();
    const broken = { ...message(2), text: null as never };
    store.commit([{ groupId: "g", replace: group("g", 1) }], 0);
    assert.throws(() => store.commit([{ groupId: "g", messages: [broken] }], 0), /NOT NULL/);
    assert.equal(isSuspect(store), true);
    assert.deepEqual(store.commit([{ groupId: "other", replace: group("other") }], 0), [null]);
    assert.equal(isSuspect(store), true);
    store.commit([{ groupId: "g", replace: group("g", 1) }], 0);
    assert.equal(isSuspect(store), false);
    store.commit([{ groupId: "other", delete: true }], 0);
    assert.equal(isSuspect(store), false);
  });

  it("when a write to it has failed; and nothing of that batch is there", (t) => {
    const folder = new StoreFolder(t);
    const store = folder.open();
    store.commit([{ groupId: "g", replace: group("g", 1) }], 0);
    store.commit([{ groupId: "calm", replace: group("calm", 1) }], 0);
    const database = folder.opened.at(-1);
    assert.ok(database);
    database.exec("PRAGMA max_page_count = 20");
    const large = { ...message(2), text: "x".repeat(200_000) };
    const writes = [
      { groupId: "fresh", replace: group("fresh", 1) },
      { groupId: "g", messages: [large] },
    ];
    assert.throws(() => store.commit(writes, 0), { code: "ERR_SQLITE_ERROR", message: /full/ });
    assert.equal(store.load("fresh", 0), null);
    assert.deepEqual(store.load("g", 0), { state: group("g", 1), isSuspect: true });
    assert.equal(isSuspect(store, "calm"), false);
    database.exec("PRAGMA max_page_count = 100000");
    assert.deepEqual(store.commit([{ groupId: "calm", messages: [message(2)] }], 0), [null]);
    store.close();
    const again = folder.open();
    assert.equal(isSuspect(again), true, "the disk knows it from the next commit on");
    assert.equal(isSuspect(again, "calm"), false);
    assert.deepEqual(again.commit(writes, 0), [null, null]);
    assert.deepEqual(offsets(again), [1, 2]);
    again.commit([{ groupId: "g", replace: group("g", 2) }], 0);
    assert.equal(isSuspect(again), false);
  });
});
