import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import type { RelayShard } from "../../../actors/relay/shard.ts";
import { create, createNew, find, foundBy, RelayWorld, restore } from "./shard-kit.ts";

describe("a shard", () => {
  it("says at once that there is no group, on a gateway that is alone", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const before = world.clock.now();
    const search = await world.until(node.router.find("chat", find));
    assert.equal(search.ok || search.code, "group_not_found");
    assert.equal(world.clock.now(), before);
  });

  it("creates a group once, whoever looks for it at the same time", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const searches = Array.from({ length: 20 }, () => node.router.find("chat", create));
    const ends = await world.until(Promise.all(searches));
    const groups = ends.map(foundBy);
    assert.ok(groups.every((group) => group.equals(groups[0] as typeof group)));
    assert.equal(ends.filter((end) => end.ok && end.isNew).length, 1);
    assert.deepEqual(await world.until(node.held()), ["chat"]);
  });

  it("refuses to create a group that is there, and creates it for one of many who want it", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const searches = Array.from({ length: 5 }, () => node.router.find("chat", createNew));
    const ends = await world.until(Promise.all(searches));
    const codes = ends.map((end) => (end.ok ? "ok" : end.code)).sort();
    assert.deepEqual(codes, [...Array(4).fill("group_exists"), "ok"]);
    const again = await world.until(node.router.find("chat", createNew));
    assert.equal(again.ok || again.code, "group_exists");
  });

  it("refuses what is not its own", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const home = node.router.shardOf("chat");
    const other = node.shards.find((shard) => !shard.equals(home as typeof shard));
    const answer = await world.until((other as ActorRef<RelayShard>).ask.find("chat", create));
    assert.deepEqual(answer, { ok: false, code: "wrong_home" });
  });

  it("forgets a group that has ended, and creates another in its place", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const first = foundBy(await world.until(node.router.find("chat", create)));
    assert.deepEqual(await world.until(first.ask.delete(null)), { ok: true });
    await world.pass(1);
    node.router.forget("chat");
    const gone = await world.until(node.router.find("chat", find));
    assert.equal(gone.ok || gone.code, "group_not_found");
    const second = foundBy(await world.until(node.router.find("chat", create)));
    assert.equal(second.equals(first), false);
  });

  it("lets who looks for a group that crashed wait for those who can restore it", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const first = foundBy(await world.until(node.router.find("chat", create)));
    await world.until(first.ask.send({ userId: null, requestId: "1" }, '"hello"'));
    node.kill(first);
    await world.pass(1);
    node.router.forget("chat");
    const waiting = [node.router.find("chat", find), node.router.find("chat", create)];
    await world.pass(400);
    const restored = foundBy(await world.until(node.router.find("chat", restore(1))));
    for (const end of await world.until(Promise.all(waiting))) {
      assert.ok(foundBy(end).equals(restored));
    }
    const sent = await world.until(restored.ask.send({ userId: null, requestId: "2" }, '"again"'));
    assert.ok("ok" in sent && sent.ok);
    assert.equal(sent.offset, 2);
  });

  it("says that a group is lost when nobody restores it within a second", async () => {
    const world = new RelayWorld();
    const node = await world.start(1);
    const first = foundBy(await world.until(node.router.find("chat", create)));
    node.kill(first);
    await world.pass(1);
    node.router.forget("chat");
    const before = world.clock.now();
    const gone = await world.until(node.router.find("chat", find));
    assert.equal(gone.ok || gone.code, "group_not_found");
    const waited = world.clock.now() - before;
    assert.ok(waited > 700 && waited < 1_300, `${waited} ms`);
  });

  it("that was started anew waits for claims, and is told its users again", async () => {
    const world = new RelayWorld();
    const node = await world.start(1, 2);
    const [lost, other] = node.shards as [ActorRef<RelayShard>, ActorRef<RelayShard>];
    const names = Array.from({ length: 40 }, (_, n) => `group-${n}`);
    const isLost = (key: string): boolean => node.router.shardOf(key)?.equals(lost) === true;
    const user = ["alice", "bob", "carol", "dave", "eve"].find(isLost);
    assert.ok(user !== undefined, "a user of the first shard");
    const intent = { ...create, creator: user };
    for (const name of names) await world.until(node.router.find(name, intent));
    await world.pass(1);
    node.kill(lost);
    await world.pass(1);
    await world.until(node.startShard(1, 2));
    const restarted = node.shards[0] as ActorRef<RelayShard>;
    const mine = names.filter((name) => node.router.shardOf(name)?.equals(restarted));
    assert.ok(mine.length > 5 && mine.length < 35);
    const name = mine[0] as string;
    node.router.forget(name);
    const waiting = node.router.find(name, find);
    await world.pass(500);
    const restored = foundBy(await world.until(node.router.find(name, restore(7))));
    assert.ok(foundBy(await world.until(waiting)).equals(restored));
    const kept = names.filter((one) => node.router.shardOf(one)?.equals(other));
    const noted = await world.until(restarted.ask.groupsOf(user));
    assert.deepEqual([...noted].sort(), kept.sort());
  });

  it("knows the groups of its users, and how many they may be in", async () => {
    const world = new RelayWorld({ maxGroupsPerUser: 2 });
    const node = await world.start(1, 1);
    const [shard] = node.shards as [ActorRef<RelayShard>];
    for (const name of ["one", "two"]) {
      await world.until(node.router.find(name, { ...create, creator: "alice" } as const));
    }
    await world.pass(1);
    assert.deepEqual(await world.until(shard.ask.groupsOf("alice")), ["one", "two"]);
    assert.equal(await world.until(shard.ask.admit("alice", "three")), false);
    assert.equal(await world.until(shard.ask.admit("alice", "two")), true);
    shard.tell.note("alice", "one", false);
    assert.equal(await world.until(shard.ask.admit("alice", "three")), true);
  });
});
