import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import type { RelayShard, ShardAnswer } from "../../../actors/relay/shard.ts";
import { create, find, foundBy, type RelayNode, RelayWorld, restore } from "./shard-kit.ts";

/** Searches that may wait on a shard. */
const maxWaiting = 5_000;

/** A node whose group "chat" has crashed, and its shard. */
async function crashed(): Promise<[RelayWorld, RelayNode, ActorRef<RelayShard>]> {
  const world = new RelayWorld();
  const node = await world.start(1, 1);
  const group = foundBy(await world.until(node.router.find("chat", create)));
  node.kill(group);
  await world.pass(1);
  node.router.forget("chat");
  return [world, node, node.shards[0] as ActorRef<RelayShard>];
}

describe("searches for a group that may turn up", () => {
  it("wait, 5,000 at once; others are to come again, and find it too", async () => {
    const [world, node, shard] = await crashed();
    const ends: string[] = [];
    const search = (): void => {
      void shard.ask.find("chat", find).then((answer: ShardAnswer) => {
        ends.push(answer.ok ? "found" : answer.code);
      });
    };
    for (let i = 0; i < maxWaiting; i += 1) search();
    await world.pass(10);
    assert.deepEqual(ends, [], "all of them wait");
    for (let i = 0; i < 3; i += 1) search();
    await world.pass(10);
    assert.deepEqual(ends, Array(3).fill("wrong_home"));
    const comesAgain = node.router.find("chat", find);
    await world.pass(10);
    const restored = foundBy(await world.until(node.router.find("chat", restore(3))));
    assert.ok(foundBy(await world.until(comesAgain)).equals(restored));
    assert.deepEqual(ends.slice(3), Array(maxWaiting).fill("found"));
  });

  it("are let in again when others have ended", async () => {
    const [world, node, shard] = await crashed();
    const waiting = Array.from({ length: maxWaiting }, () => shard.ask.find("chat", find));
    await world.pass(10);
    const tooMany = await world.until(shard.ask.find("chat", find));
    assert.deepEqual(tooMany, { ok: false, code: "wrong_home" });
    for (const answer of await world.until(Promise.all(waiting))) {
      assert.equal(answer.ok || answer.code, "group_not_found");
    }
    const end = await world.until(node.router.find("chat", find));
    assert.equal(end.ok || end.code, "group_not_found");
  });
});
