import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import type { ActorRef } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import {
  RelayStore,
  type StorageSettings,
  type StoreWrite,
  storeChild,
  storeName,
  storeOptions,
} from "../../../actors/relay/store.ts";
import { openStoreFile } from "../../../actors/relay/store-file.ts";
import { nextHolder, startSystem } from "../../fixtures/running-system.ts";
import { CountingStore, countCommits } from "./fixtures/counting-store.ts";
import { group, message, storage, storePath } from "./store-kit.ts";

/** A store under a manual clock, and the connection that it has to its file. */
class Stage {
  readonly kernel: TestKernel = testKernel();
  readonly settings: StorageSettings;
  file: DatabaseSync | null = null;
  /** Commits so far. */
  commits = 0;

  constructor(t: TestContext, settings: Partial<StorageSettings> = {}) {
    this.settings = storage(storePath(t), settings);
    t.after(() => this.file?.isOpen && this.file.close());
  }

  start(): Promise<ActorRef<RelayStore>> {
    const { thread: _, ...options } = storeOptions(this.settings);
    const open: typeof openStoreFile = (path, context) => {
      this.file = openStoreFile(path, context);
      const note = (): void => {
        this.commits += 1;
      };
      return countCommits(this.file, note);
    };
    return this.kernel.spawn(RelayStore, { ...options, args: [this.settings, open] });
  }

  stop(store: ActorRef<RelayStore>): void {
    const cell = this.kernel.kernel.find(store.id);
    cell?.stop({ kind: "shutdown", message: "enough" });
  }

  /** What the log says of the store at that level. */
  lines(level: string): string[] {
    return this.kernel.logLines
      .filter((line) => line.includes(` ${level.padEnd(5)} `))
      .map((line) => line.replace(/^\S+ \w+ +/, "").replace(/ actor=.*/, ""));
  }
}

/** How each write ended, as soon as it has. */
function track(store: ActorRef<RelayStore>, writes: readonly StoreWrite[]): (string | null)[] {
  const ends: (string | null)[] = writes.map(() => null);
  for (const [index, write] of writes.entries()) {
    store
      .askWith({ timeoutMs: 100_000 })
      .write(write)
      .then(
        () => {
          ends[index] = "done";
        },
        (error) => {
          ends[index] = error.code;
        },
      );
  }
  return ends;
}

/** Writes rubbish over all of a file but its first page. */
function damage(path: string): void {
  const file = openSync(path, "r+");
  const rest = Buffer.alloc(statSync(path).size - 4_096, 0xa5);
  writeSync(file, rest, 0, rest.length, 4_096);
  closeSync(file);
}

const create = (groupId: string, offset = 0): StoreWrite => ({
  groupId,
  replace: group(groupId, offset),
});

describe("a store that syncs in intervals", () => {
  it("commits together what came within the interval, and answers then", async (t) => {
    const stage = new Stage(t, { sync: "interval", flushMs: 100 });
    const store = await stage.start();
    const before = stage.commits;
    const first = track(store, [create("a"), create("b")]);
    await stage.kernel.advance(60);
    const second = track(store, [{ groupId: "a", messages: [message(1)] }]);
    await stage.kernel.advance(39);
    assert.deepEqual([first, second], [[null, null], [null]]);
    await stage.kernel.advance(1);
    assert.deepEqual([first, second], [["done", "done"], ["done"]]);
    assert.equal(stage.commits, before + 1);
    await stage.kernel.advance(1_000);
    assert.equal(stage.commits, before + 1, "nothing is committed where nothing came");
  });

  it("does not let more wait than a batch may hold", async (t) => {
    const stage = new Stage(t, { sync: "interval", flushMs: 60_000 });
    const store = await stage.start();
    const many = track(
      store,
      Array.from({ length: 1_000 }, (_, n) => create(`g${n}`)),
    );
    await stage.kernel.settle();
    assert.deepEqual([...new Set(many)], ["done"]);
    const text = JSON.stringify("x".repeat(2_200_000));
    const large = track(
      store,
      [1, 2].map((offset) => ({ groupId: "g0", messages: [{ ...message(offset), text }] })),
    );
    await stage.kernel.settle();
    assert.deepEqual(large, ["done", "done"]);
  });

  it("commits at once for whoever reads or says so", async (t) => {
    const stage = new Stage(t, { sync: "interval", flushMs: 60_000 });
    const store = await stage.start();
    const a = track(store, [create("a", 2)]);
    const asked = await stage.kernel.until(store.ask.load("a"));
    assert.deepEqual(asked, { state: group("a", 2), isSuspect: false });
    assert.deepEqual(a, ["done"]);
    const b = track(store, [create("b")]);
    assert.deepEqual(await stage.kernel.until(store.ask.groupIds()), ["a", "b"]);
    assert.deepEqual(b, ["done"]);
    track(store, [{ groupId: "b", delete: true }]);
    assert.deepEqual(await stage.kernel.until(store.ask.groupIds()), ["a"]);
    const flushed = track(store, [create("c")]);
    await stage.kernel.until(store.ask.flush());
    assert.deepEqual(flushed, ["done"]);
    assert.equal(await stage.kernel.until(store.ask.load("b")), null);
  });

  it("commits what waits before it stops, and closes the file in order", async (t) => {
    const stage = new Stage(t, { sync: "interval", flushMs: 100 });
    const store = await stage.start();
    const last = track(store, [create("a", 1)]);
    await stage.kernel.settle();
    stage.stop(store);
    await stage.kernel.advance(100);
    assert.deepEqual(last, ["done"]);
    assert.equal(stage.file?.isOpen, false);
    const next = await stage.start();
    const loaded = await stage.kernel.until(next.ask.load("a"));
    assert.deepEqual(loaded, { state: group("a", 1), isSuspect: false });
  });
});

describe("a store that syncs before it answers", () => {
  it("commits together what came in one round, and waits for nothing else", async (t) => {
    const { system } = await startSystem(t);
    const settings = storage(storePath(t), { flushMs: 60_000 });
    const store = await system.spawn(CountingStore, {
      args: [settings],
      ...storeOptions(settings),
    });
    const before = await store.ask.commits();
    await Promise.all(Array.from({ length: 200 }, (_, n) => store.ask.write(create(`g${n}`))));
    const commits = (await store.ask.commits()) - before;
    assert.ok(commits <= 50, `${commits} commits`);
    assert.equal((await store.ask.groupIds()).length, 200);
  });

  it("tells apart the writes of a batch that do not follow", async (t) => {
    const stage = new Stage(t);
    const store = await stage.start();
    const writes = track(store, [
      { groupId: "none", messages: [message(1)] },
      create("a", 1),
      { groupId: "a", messages: [message(3)] },
      { groupId: "a", messages: [message(2)] },
    ]);
    await stage.kernel.settle();
    assert.deepEqual(writes, ["not_in_step", "done", "not_in_step", "done"]);
    await assert.rejects(
      stage.kernel.until(store.ask.write({ groupId: "a", messages: [message(9)] })),
      { message: "a on disk: its messages do not go on from offset 2" },
    );
  });
});

describe("a store in trouble", () => {
  it("rejects what it cannot write, says so once, and goes on when it can again", async (t) => {
    const stage = new Stage(t);
    const store = await stage.start();
    await stage.kernel.until(store.ask.write(create("a", 1)));
    stage.file?.exec("PRAGMA max_page_count = 20");
    const large = { ...message(2), text: "x".repeat(200_000) };
    for (let n = 0; n < 3; n += 1) {
      const refused = track(store, [{ groupId: "a", messages: [large] }]);
      await stage.kernel.settle();
      assert.deepEqual(refused, ["unavailable"]);
    }
    assert.deepEqual(stage.lines("error"), ["the relay store cannot be used"]);
    assert.match(stage.kernel.logLines.at(-1) ?? "", /error="database or disk is full"/);
    stage.file?.exec("PRAGMA max_page_count = 100000");
    await stage.kernel.until(store.ask.write({ groupId: "a", messages: [message(2)] }));
    await stage.kernel.until(store.ask.write({ groupId: "a", messages: [message(3)] }));
    assert.deepEqual(stage.lines("error").length, 1);
    assert.deepEqual(stage.lines("info"), ["the relay store can be used again"]);
  });

  it("sets a file aside that has gone bad meanwhile, and is told all anew", async (t) => {
    const stage = new Stage(t, { maxMessages: 1_000 });
    const store = await stage.start();
    await stage.kernel.until(store.ask.write(create("a", 500)));
    stage.file?.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory");
    damage(stage.settings.path);
    const refused = track(store, [{ groupId: "a", messages: [message(501)] }]);
    await stage.kernel.settle();
    assert.deepEqual(refused, ["unavailable"]);
    assert.deepEqual(stage.lines("error"), [
      "the relay store's file is corrupt: set aside, a fresh one is in its place",
    ]);
    const again = track(store, [{ groupId: "a", messages: [message(501)] }, create("a", 501)]);
    await stage.kernel.settle();
    assert.deepEqual(again, ["not_in_step", "done"]);
    const names = readdirSync(dirname(stage.settings.path));
    assert.ok(names.some((name) => name.startsWith("relay.db.corrupt-")));
    assert.deepEqual((await stage.kernel.until(store.ask.load("a")))?.state, group("a", 501));
  });

  it("does not start where there is no folder", async (t) => {
    const stage = new Stage(t, {});
    Object.assign(stage.settings, { path: `${dirname(stage.settings.path)}/none/relay.db` });
    await assert.rejects(stage.start(), {
      code: "start_failed",
      message: /: relay store .*none\/relay\.db: the folder .*none does not exist$/,
    });
  });
});

describe("a store on a thread of its own", () => {
  it("goes on after its thread was killed; what it had answered is there", async (t) => {
    const { system, log } = await startSystem(t);
    const settings = storage(storePath(t), { sync: "interval", flushMs: 20 });
    const child = storeChild(settings);
    assert.equal(child.shutdown, settings.flushMs + 10_000, "time for an interval and a commit");
    const first = (await system.startChild(child)) as ActorRef<RelayStore>;
    const writes = [
      create("a", 3),
      ...[4, 5].map((n) => ({ groupId: "a", messages: [message(n)] })),
    ];
    await Promise.all(writes.map((write) => first.ask.write(write)));
    assert.deepEqual(await first.ask.load("a"), { state: group("a", 5), isSuspect: false });
    system.killActor(first, "enough");
    const second = await nextHolder(system, storeName, first);
    assert.deepEqual(await second.ask.groupIds(), ["a"]);
    assert.deepEqual(await second.ask.load("a"), { state: group("a", 5), isSuspect: true });
    await second.ask.write(create("a", 6));
    await system.stop();
    assert.deepEqual(log.all("terminate failed"), []);
    const other = new DatabaseSync(settings.path);
    const run = { ...other.prepare("SELECT * FROM run").get() };
    other.close();
    assert.deepEqual(run, { is_closed: 1, sync: "interval" });
  });

  it("says what is wrong with a file that it will not touch", async (t) => {
    const { system } = await startSystem(t);
    const settings = storage(storePath(t));
    const other = new DatabaseSync(settings.path);
    other.exec("CREATE TABLE accounts (id)");
    other.close();
    await assert.rejects(
      system.spawn(RelayStore, {
        ...{ restart: "temporary", args: [settings] },
        ...storeOptions(settings),
      }),
      { code: "start_failed", message: /relay\.db: it is a database of something else$/ },
    );
    writeFileSync(settings.path, "");
    await system.spawn(RelayStore, { args: [settings], ...storeOptions(settings) });
  });
});
