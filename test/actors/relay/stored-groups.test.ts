import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { ActorRef } from "#runtime";
import { RelayStore, type StorageSettings, storeName } from "../../../actors/relay/store.ts";
import { create, find, foundBy, type RelayNode, RelayWorld } from "./shard-kit.ts";

const from = { userId: null, requestId: "r" };
const durable = { ...create, isDurable: true, creator: "alice" };

function storageOf(t: TestContext): StorageSettings {
  const folder = mkdtempSync(join(tmpdir(), "troupe-shard-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return {
    ...{ path: join(folder, "relay.db"), flushMs: 1, sync: "full" },
    ...{ maxMessages: 100, maxAgeMs: null },
  };
}

async function startStore(
  world: RelayWorld,
  node: RelayNode,
  storage: StorageSettings,
  Store: typeof RelayStore = RelayStore,
): Promise<ActorRef> {
  const options = { name: storeName, concurrency: 1_000 };
  return world.until(node.node.kernel.spawnHere(Store, [storage], options, null));
}

/** A node whose shards start when its store has. */
async function startNode(storage: StorageSettings): Promise<[RelayWorld, RelayNode, ActorRef]> {
  const world = new RelayWorld({ storage });
  const node = await world.start(1, 0);
  const store = await startStore(world, node, storage);
  for (const index of [1, 2]) await world.until(node.startShard(index, 2));
  return [world, node, store];
}

async function messagesOf(world: RelayWorld, node: RelayNode, name: string): Promise<unknown[]> {
  const page = await world.until(node.router.ask(name, (group) => group.history(null, null, 10)));
  assert.ok(page.ok, JSON.stringify(page));
  return page.texts.map((text) => JSON.parse(text).result.message);
}

describe("groups on disk", () => {
  it("are there when the gateway has been started anew", async (t) => {
    const storage = storageOf(t);
    const [world, node, store] = await startNode(storage);
    const names = Array.from({ length: 8 }, (_, n) => `group-${n}`);
    for (const name of names) {
      await world.until(node.router.find(name, durable));
      await world.until(
        node.router.ask(name, (group) => group.send(from, JSON.stringify(`to ${name}`))),
      );
    }
    for (const shard of node.shards) node.stop(shard);
    await world.pass(20);
    node.stop(store);
    await world.pass(20);
    assert.equal(node.node.kernel.find(store.id), undefined);
    const [later, restarted] = await startNode(storage);
    for (const name of names) {
      assert.deepEqual(await messagesOf(later, restarted, name), [`to ${name}`]);
    }
    assert.deepEqual(await later.until(restarted.held()), names);
    const noted = restarted.router.shardOf("alice")?.ask.groupsOf("alice");
    assert.deepEqual([...(await later.until(noted as Promise<string[]>))].sort(), names);
  });

  it("are read again when their actor has crashed, without waiting for anybody", async (t) => {
    const [world, node] = await startNode(storageOf(t));
    const group = foundBy(await world.until(node.router.find("chat", durable)));
    await world.until(node.router.ask("chat", (ask) => ask.send(from, JSON.stringify("hello"))));
    node.kill(group);
    await world.pass(1);
    const before = world.clock.now();
    assert.deepEqual(await messagesOf(world, node, "chat"), ["hello"]);
    assert.ok(world.clock.now() - before < 100);
    assert.ok(!foundBy(await world.until(node.router.find("chat", find))).equals(group));
  });

  it("are not created anew while they cannot be read", async (t) => {
    const storage = storageOf(t);
    const [world, node, store] = await startNode(storage);
    const group = foundBy(await world.until(node.router.find("chat", durable)));
    await world.until(node.router.ask("chat", (ask) => ask.send(from, JSON.stringify("hello"))));
    node.kill(group);
    node.stop(store);
    await world.pass(20);
    node.router.forget("chat");
    const end = await world.until(node.router.find("chat", create));
    assert.equal(end.ok || end.code, "unavailable");
    await startStore(world, node, storage);
    assert.deepEqual(await messagesOf(world, node, "chat"), ["hello"]);
  });

  it("let a shard wait for its store, and give up when it does not come", async (t) => {
    const storage = storageOf(t);
    const world = new RelayWorld({ storage });
    const node = await world.start(1, 0);
    const late = node.startShard(1, 1);
    await world.pass(2_000);
    await startStore(world, node, storage);
    await world.until(late);
    const other = new RelayWorld({ storage });
    const poor = await other.start(1, 0);
    await assert.rejects(other.until(poor.startShard(1, 1)), { code: "start_failed" });
  });

  it("are there before the shards that stop have stopped", async (t) => {
    const storage: StorageSettings = { ...storageOf(t), flushMs: 600_000, sync: "interval" };
    const world = new RelayWorld({ storage });
    const node = await world.start(1, 0);
    let flushes = 0;
    class WatchedStore extends RelayStore {
      override flush(): void {
        flushes += 1;
        super.flush();
      }
    }
    await startStore(world, node, storage, WatchedStore);
    for (const index of [1, 2]) await world.until(node.startShard(index, 2));
    await world.until(node.router.find("chat", durable));
    for (const shard of node.shards) node.stop(shard);
    await world.pass(20);
    assert.equal(flushes, 2);
  });
});
