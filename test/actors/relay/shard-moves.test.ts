import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import type { Group } from "../../../actors/relay/group.ts";
import type { GroupInfo } from "../../../actors/relay/group-messages.ts";
import { relayViewOf } from "../../../actors/relay/relay-view.ts";
import type { RelayShard } from "../../../actors/relay/shard.ts";
import {
  create,
  createNew,
  find,
  foundBy,
  type RelayNode,
  RelayWorld,
  restore,
} from "./shard-kit.ts";

const names: readonly string[] = Array.from({ length: 30 }, (_, n) => `group-${n}`);

async function infoOf(world: RelayWorld, group: ActorRef<Group>): Promise<GroupInfo> {
  const answer = await world.until(group.ask.info(null));
  assert.ok("ok" in answer && answer.ok, JSON.stringify(answer));
  return answer.info;
}

/** Creates all groups, each with an admin and three messages. */
async function createAll(world: RelayWorld, node: RelayNode): Promise<Map<string, GroupInfo>> {
  const infos = new Map<string, GroupInfo>();
  for (const name of names) {
    const creating = node.router.find(name, { ...create, creator: "alice" });
    const group = foundBy(await world.until(creating));
    for (const text of ["one", "two", "three"]) {
      await world.until(group.ask.send({ userId: "alice", requestId: "r" }, JSON.stringify(text)));
    }
    infos.set(name, await infoOf(world, group));
  }
  return infos;
}

/** That every group is what it was, wherever it is, and that all nodes find the same one. */
async function checkAll(
  world: RelayWorld,
  nodes: readonly RelayNode[],
  before: ReadonlyMap<string, GroupInfo>,
): Promise<void> {
  for (const [name, info] of before) {
    for (const node of nodes) {
      const history = node.router.ask(name, (group) => group.history(null, null, 10));
      const answer = await world.until(history);
      assert.ok(answer.ok, `${name} ${JSON.stringify(answer)}`);
      assert.deepEqual([answer.epoch, answer.offset], [info.epoch, info.offset]);
      assert.equal(answer.texts.length, info.offset);
      const now = await world.until(node.router.ask(name, (group) => group.info(null)));
      assert.ok(now.ok);
      assert.deepEqual(now.info, info);
    }
  }
}

/** Two nodes that lose each other in the middle of the moves: what the second answers gets lost. */
async function cutWhileMoving(world: RelayWorld): Promise<[RelayNode, RelayNode]> {
  const one = await world.start(1);
  await createAll(world, one);
  const other = await world.start(2, 0);
  await world.met(2);
  for (const index of [1, 2]) await world.until(other.startShard(index, 2));
  while (relayViewOf(one.context).nodes.length < 2) await world.pass(1);
  world.network.set(other.name, one.name, "cut");
  await world.met(1);
  return [one, other];
}

async function heldBy(world: RelayWorld, nodes: readonly RelayNode[]): Promise<string[][]> {
  return world.until(Promise.all(nodes.map((node) => node.held())));
}

describe("groups on several nodes", () => {
  it("are spread over them, and found from everywhere", async () => {
    const world = new RelayWorld();
    const nodes = await world.cluster(3);
    const before = await createAll(world, nodes[0] as RelayNode);
    const held = await heldBy(world, nodes);
    assert.deepEqual(held.flat().sort(), [...names].sort());
    assert.ok(
      held.every(({ length }) => length > 2),
      `${held.map(({ length }) => length)}`,
    );
    await checkAll(world, nodes, before);
  });

  it("are created once, when two nodes want one at the same time", async () => {
    const world = new RelayWorld();
    const [one, other] = (await world.cluster(2)) as [RelayNode, RelayNode];
    const searches = names.flatMap((name) => [
      one.router.find(name, createNew),
      other.router.find(name, createNew),
    ]);
    const ends = await world.until(Promise.all(searches));
    assert.equal(ends.filter(({ ok }) => ok).length, names.length);
    const held = await heldBy(world, [one, other]);
    assert.equal(held.flat().length, names.length);
  });

  it("move to a node that comes, with all they are, and nothing is lost on the way", async () => {
    const world = new RelayWorld();
    const one = await world.start(1);
    const before = await createAll(world, one);
    const other = await world.start(2);
    // Whoever sends while they move.
    const sent = new Map<string, number[]>();
    const senders = names.map(async (name) => {
      const offsets: number[] = [];
      sent.set(name, offsets);
      for (let n = 0; n < 20; n += 1) {
        const from = { userId: null, requestId: "r" };
        const answer = await one.router.ask(name, (group) => group.send(from, String(n)));
        assert.ok(answer.ok, JSON.stringify(answer));
        offsets.push(answer.offset);
        await new Promise<void>((resolve) => world.clock.after(100, resolve));
      }
    });
    await world.met(2);
    await world.until(Promise.all(senders));
    for (const offsets of sent.values()) {
      assert.deepEqual(
        offsets,
        Array.from({ length: 20 }, (_, n) => n + 4),
      );
    }
    await world.pass(1_000);
    const [here, there] = await heldBy(world, [one, other]);
    assert.ok(here && there && here.length > 5 && there.length > 5);
    assert.equal(here.length + there.length, names.length);
    const after = new Map([...before].map(([name, info]) => [name, { ...info, offset: 23 }]));
    await checkHistories(world, [one, other], after);
    for (const node of [one, other]) {
      const home = node.router.shardOf("alice") as ActorRef<RelayShard>;
      const known = await world.until(home.ask.groupsOf("alice"));
      assert.deepEqual([...known].sort(), [...names].sort());
    }
    // Whoever is not the home of a user any more forgets it.
    const all = [...one.shards, ...other.shards].map((shard) => shard.ask.groupsOf("alice"));
    const counts = (await world.until(Promise.all(all))).map(({ length }) => length);
    assert.deepEqual(counts.sort(), [0, 0, 0, names.length]);
  });

  it("tell their fan-outs where they have gone", async () => {
    const world = new RelayWorld();
    const one = await world.start(1);
    const fanout = await world.until(one.fanout());
    for (const [index, name] of names.entries()) {
      const group = foundBy(await world.until(one.router.find(name, create)));
      const request = { no: index, session: index, userId: `user-${index}`, deviceId: null };
      const more = { meta: {}, isOfTopic: true, since: null, epoch: null };
      group.tell.enter(fanout.ref, { ...request, ...more });
    }
    await world.pass(1);
    const other = await world.start(2);
    await world.met(2);
    await world.pass(1_500);
    const [, there] = await heldBy(world, [one, other]);
    const told = fanout.record.messages.filter(({ method }) => method === "moved");
    assert.deepEqual(told.map(({ args }) => args[0]).sort(), there);
    assert.ok(told.every(({ args }) => (args[1] as ActorRef).node === other.name));
  });

  it("are found, not created anew, on a node that has just come", async () => {
    const world = new RelayWorld();
    const one = await world.start(1);
    const before = await createAll(world, one);
    const other = await world.start(2);
    while (other.context.nodes.list().length < 2) await world.pass(1);
    const ends = await world.until(
      Promise.all(names.map((name) => other.router.find(name, create))),
    );
    assert.deepEqual(
      ends.map((end) => end.ok && end.isNew),
      names.map(() => false),
    );
    await world.pass(1_500);
    await checkAll(world, [one, other], before);
  });

  it("move from a node that stops, and are there at once for the others", async () => {
    const world = new RelayWorld();
    const [one, other, third] = (await world.cluster(3)) as [RelayNode, RelayNode, RelayNode];
    const before = await createAll(world, one);
    const startedAt = world.clock.now();
    await world.stop(other);
    assert.ok(world.clock.now() - startedAt < 500);
    // It is in the cluster still.
    assert.equal(one.context.nodes.list().length, 3);
    const search = one.router.find("another one", createNew, 2_000);
    assert.ok((await world.until(search)).ok);
    await checkAll(world, [one, third], before);
    await world.leave(other);
    await world.met(2);
    await world.pass(1_500);
    await checkAll(world, [one, third], before);
  });

  it("end with a node that stops when there is no other, or the other stops too", async () => {
    const world = new RelayWorld();
    const [one, other] = (await world.cluster(2)) as [RelayNode, RelayNode];
    await createAll(world, one);
    for (const node of [one, other]) for (const shard of node.shards) node.stop(shard);
    await world.pass(1_000);
    for (const node of [one, other]) {
      for (const shard of node.shards) assert.equal(node.node.kernel.find(shard.id), undefined);
    }
  });

  it("are rebuilt at another node when theirs is lost, once, by those who bring a claim", async () => {
    const world = new RelayWorld();
    const [one, other, third] = (await world.cluster(3)) as [RelayNode, RelayNode, RelayNode];
    await createAll(world, one);
    const [, lost = []] = await heldBy(world, [one, other]);
    assert.ok(lost.length > 2);
    world.crash(other);
    await world.met(2);
    // Whoever comes first does not get an empty group, or none.
    const early = [find, create].flatMap((intent) =>
      lost.map((name) => third.router.find(name, intent)),
    );
    await world.pass(300);
    const claims = lost.flatMap((name) => [
      one.router.find(name, restore(3)),
      third.router.find(name, restore(2)),
    ]);
    const ends = await world.until(Promise.all(claims));
    assert.equal(ends.filter((end) => end.ok && end.isNew).length, lost.length);
    for (const end of await world.until(Promise.all(early))) assert.ok(end.ok && !end.isNew);
    for (const [index, name] of lost.entries()) {
      const [first, second] = [
        foundBy(ends[index * 2] as never),
        foundBy(ends[index * 2 + 1] as never),
      ];
      const from = { userId: null, requestId: "r" };
      for (const node of [one, third]) {
        assert.ok((await world.until(node.router.ask(name, (group) => group.send(from, "1")))).ok);
      }
      assert.equal((await infoOf(world, first)).epoch, (await infoOf(world, second)).epoch);
    }
    const held = await heldBy(world, [one, third]);
    assert.deepEqual(held.flat().sort(), [...names].sort());
  });

  it("become one again when two parts of a cluster meet", async () => {
    const world = new RelayWorld();
    const [one, other] = (await world.cluster(2)) as [RelayNode, RelayNode];
    world.network.setBoth(one.name, other.name, "cut");
    await world.met(1);
    await world.pass(1_200);
    for (const [node, creator] of [
      [one, "alice"],
      [other, "bob"],
    ] as const) {
      for (const name of names) {
        foundBy(await world.until(node.router.find(name, { ...create, creator })));
      }
    }
    world.network.heal();
    await world.met(2);
    await world.pass(2_000);
    const held = await heldBy(world, [one, other]);
    assert.deepEqual(held.flat().sort(), [...names].sort());
    for (const node of [one, other]) {
      for (const name of names) {
        const now = await world.until(node.router.ask(name, (group) => group.info(null)));
        assert.ok(now.ok);
        assert.deepEqual(now.info.members.map(({ userId }) => userId).sort(), ["alice", "bob"]);
      }
    }
  });

  it("stay where they are, and are moved later, when their new home does not take them", async () => {
    const world = new RelayWorld();
    const one = await world.start(1);
    const before = await createAll(world, one);
    const other = await world.start(2, 0);
    await world.met(2);
    for (const index of [1, 2]) await world.until(other.startShard(index, 2));
    while (relayViewOf(one.context).nodes.length < 2) await world.pass(1);
    for (const shard of other.shards) other.kill(shard);
    await world.pass(3_000);
    assert.equal((await heldBy(world, [one]))[0]?.length, names.length);
    for (const index of [1, 2]) await world.until(other.startShard(index, 2));
    await world.pass(3_000);
    const [here, there] = await heldBy(world, [one, other]);
    assert.ok(here && there && there.length > 5);
    await checkAll(world, [one, other], before);
  });

  it("go on where they are when the other node does not answer", async () => {
    const world = new RelayWorld();
    const [one, other] = await cutWhileMoving(world);
    const from = { userId: null, requestId: "r" };
    for (const name of names) {
      const answer = await world.until(one.router.ask(name, (group) => group.send(from, '"four"')));
      assert.ok(answer.ok && answer.offset === 4, JSON.stringify(answer));
    }
    assert.ok((await world.until(other.held())).length > 5);
  });

  it("lose nothing when the other node had taken them, and comes back", async () => {
    const world = new RelayWorld();
    const [one, other] = await cutWhileMoving(world);
    const from = { userId: null, requestId: "r" };
    for (const name of names) {
      const answer = await world.until(one.router.ask(name, (group) => group.send(from, '"four"')));
      assert.ok(answer.ok, JSON.stringify(answer));
    }
    world.network.heal();
    await world.met(2);
    await world.pass(2_000);
    const held = await heldBy(world, [one, other]);
    assert.deepEqual(held.flat().sort(), [...names].sort());
    for (const name of names) {
      const history = other.router.ask(name, (group) => group.history(null, null, 10));
      const answer = await world.until(history);
      assert.ok(answer.ok);
      const said = answer.texts.map((text) => JSON.parse(text).result.message);
      assert.deepEqual([name, said], [name, ["one", "two", "three", "four"]]);
      const next = await world.until(one.router.ask(name, (group) => group.send(from, '"five"')));
      assert.ok(next.ok && next.offset === 5);
    }
  });

  it("stay on the gateways that have shards", async () => {
    const world = new RelayWorld();
    const one = await world.start(1);
    const before = await createAll(world, one);
    await world.start(2, 0);
    await world.met(2);
    await world.pass(2_000);
    await checkAll(world, [one], before);
    const search = await world.until(one.router.find("another one", createNew, 1));
    assert.ok(search.ok);
  });

  it("are brought to who asks for them, and looked for there, while views differ", async () => {
    const world = new RelayWorld();
    const [one, other] = (await world.cluster(2)) as [RelayNode, RelayNode];
    const name = names.find((key) => {
      return relayViewOf(one.context).homeOf(key)?.node === other.name;
    }) as string;
    // For the one, the other does not count; the other has lost its shards, and has them again.
    for (const shard of one.shards) shard.tell.nodeLeaves(other.name);
    await world.pass(1_200);
    const before = foundBy(await world.until(one.router.find(name, create)));
    for (const shard of other.shards) other.kill(shard);
    await world.pass(1);
    for (const index of [1, 2]) await world.until(other.startShard(index, 2));
    const found = await world.until(other.router.find(name, create));
    assert.ok(found.ok && !found.isNew && !found.group.equals(before));
    assert.deepEqual(await heldBy(world, [one, other]), [[], [name]]);
    one.router.forget(name);
    const there = foundBy(await world.until(one.router.find(name, find)));
    assert.equal(there.node, other.name);
    // It is lost there, and the one who restores it does not get what is dead.
    other.kill(found.group);
    await world.pass(1);
    const restored = foundBy(await world.until(one.router.find(name, restore(0))));
    assert.ok(!restored.equals(there));
  });

  it("is refused by a shard of the right node that is not its home", async () => {
    const world = new RelayWorld();
    const one = await world.start(1);
    const group = foundBy(await world.until(one.router.find("chat", create)));
    const state = await world.until(group.ask.export());
    assert.ok(state);
    const home = one.router.shardOf("chat");
    const wrong = one.shards.find((shard) => !shard.equals(home as typeof shard));
    const answer = await world.until(wrong?.ask.adopt(state) as never);
    assert.deepEqual(answer, { ok: false, code: "wrong_home" });
    const search = await world.until(one.router.find("nobody", find));
    assert.equal(search.ok, false);
  });
});

async function checkHistories(
  world: RelayWorld,
  nodes: readonly RelayNode[],
  expected: ReadonlyMap<string, GroupInfo>,
): Promise<void> {
  for (const [name, info] of expected) {
    for (const node of nodes) {
      const answer = await world.until(
        node.router.ask(name, (group) => group.history(null, null, 100)),
      );
      assert.ok(answer.ok);
      assert.deepEqual([answer.epoch, answer.offset], [info.epoch, info.offset]);
      assert.equal(answer.texts.length, info.offset);
    }
  }
}
