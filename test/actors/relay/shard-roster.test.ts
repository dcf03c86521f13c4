import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EnterRequest } from "../../../actors/relay/fanout-messages.ts";
import { selectHome } from "../../../actors/relay/home.ts";
import { RelayStore, type StorageSettings, storeName } from "../../../actors/relay/store.ts";
import { create, find, foundBy, type RelayNode, RelayWorld } from "./shard-kit.ts";
import { storage, storePath } from "./store-kit.ts";

const names = Array.from({ length: 12 }, (_, n) => `group-${n}`).sort();
/** A fan-out that is a fake hears of no presence. */
const limits = { maxGroupsPerUser: names.length, presence: false };

/** The groups of a user as the home of the user has them, sorted. */
async function groupsOf(world: RelayWorld, node: RelayNode, userId: string): Promise<string[]> {
  const home = node.router.shardOf(userId);
  assert.ok(home !== undefined);
  return [...(await world.until(home.ask.groupsOf(userId)))].sort();
}

/** A user whose home is on one of the nodes. */
function userAt(node: RelayNode, nodes: readonly RelayNode[]): string {
  const known = nodes.map(({ name, shards }) => ({ name, shards: shards.length }));
  const users = Array.from({ length: 100 }, (_, n) => `user-${n}`);
  const found = users.find((userId) => selectHome(userId, known)?.node === node.name);
  assert.ok(found !== undefined);
  return found;
}

/** A session of the user comes to all groups. */
async function enterAll(world: RelayWorld, node: RelayNode, userId: string): Promise<void> {
  const fanout = await world.until(node.fanout());
  for (const [no, name] of names.entries()) {
    const group = foundBy(await world.until(node.router.find(name, find)));
    const who = { no, session: 1, userId, deviceId: null, meta: {}, isOfTopic: true };
    const request: EnterRequest = { ...who, since: null, epoch: null };
    group.tell.enter(fanout.ref, request);
  }
  await world.pass(50);
}

/** What becomes of it when a user creates one group more. */
async function oneMore(world: RelayWorld, node: RelayNode, creator: string): Promise<string> {
  const end = await world.until(node.router.find("one more", { ...create, creator }));
  return end.ok ? "ok" : end.code;
}

/** A node with a store, and the way to stop both. */
async function startStored(
  settings: StorageSettings,
): Promise<[RelayWorld, RelayNode, () => Promise<void>]> {
  const world = new RelayWorld({ ...limits, storage: settings });
  const node = await world.start(1, 0);
  const options = { name: storeName, concurrency: 1_000 };
  const { kernel } = node.node;
  const store = await world.until(kernel.spawnHere(RelayStore, [settings], options, null));
  for (const index of [1, 2]) await world.until(node.startShard(index, 2));
  const stop = async (): Promise<void> => {
    for (const shard of node.shards) node.stop(shard);
    await world.pass(50);
    node.stop(store);
    await world.pass(50);
    assert.equal(kernel.find(store.id), undefined);
  };
  return [world, node, stop];
}

describe("the groups of a user", () => {
  it("are known at the user's new home when they have moved, and are counted", async () => {
    const world = new RelayWorld(limits);
    const nodes = (await world.cluster(2)) as [RelayNode, RelayNode];
    const [one, other] = nodes;
    const [creator, member] = [userAt(other, nodes), userAt(one, nodes)];
    for (const name of names) await world.until(one.router.find(name, { ...create, creator }));
    await enterAll(world, one, member);
    await world.stop(other);
    await world.pass(50);
    assert.deepEqual(await world.until(one.held()), names);
    for (const userId of [creator, member]) {
      assert.deepEqual(await groupsOf(world, one, userId), names);
      assert.equal(await oneMore(world, one, userId), "too_many_groups");
    }
  });

  it("are known when they have been read from the disk, and are counted", async (t) => {
    const settings = storage(storePath(t), { flushMs: 1 });
    const [world, node, stop] = await startStored(settings);
    const durable = { ...create, isDurable: true, creator: "alice" };
    for (const name of names) await world.until(node.router.find(name, durable));
    await enterAll(world, node, "bob");
    const left = names[3] as string;
    await world.until(node.router.ask(left, (group) => group.leave("bob")));
    await stop();
    const [later, restarted, stopAgain] = await startStored(settings);
    await later.pass(50);
    assert.deepEqual(await groupsOf(later, restarted, "alice"), names);
    const others = names.filter((name) => name !== left);
    assert.deepEqual(await groupsOf(later, restarted, "bob"), others);
    assert.equal(await oneMore(later, restarted, "alice"), "too_many_groups");
    assert.equal(await oneMore(later, restarted, "bob"), "ok");
    await stopAgain();
  });
});
