import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ActorRef, ANY_NODE, type ClusterOptions, type System } from "#runtime";
import { Envoy } from "../../fixtures/actors/envoy.ts";
import { eventually, type LogRecord, startSystem } from "../../fixtures/running-system.ts";
import { freeNodeName } from "../cluster/free-node-name.ts";

interface Node {
  readonly name: string;
  readonly system: System;
  readonly log: LogRecord;
}

async function startNode(
  t: TestContext,
  name: string,
  options: Partial<ClusterOptions> = {},
  threads = 2,
): Promise<Node> {
  const spawnModules = [new URL("../../fixtures/", import.meta.url).href];
  // The main threads of all nodes are one here: on a busy machine it may be silent for seconds.
  const cluster = { name, spawnModules, suspicionMs: 60_000 };
  return { name, ...(await startSystem(t, { threads, cluster: { ...cluster, ...options } })) };
}

/** Resolves when they are all connected to each other. */
async function connected(...nodes: Node[]): Promise<void> {
  for (const { system } of nodes) {
    await eventually("all are connected", () => system.nodes.list().length === nodes.length);
  }
}

async function startPair(t: TestContext): Promise<[Node, Node]> {
  const [one, other] = [await freeNodeName("one"), await freeNodeName("other")];
  const nodes: [Node, Node] = [
    await startNode(t, one, { roles: ["gateway"] }),
    await startNode(t, other, { join: [one], roles: ["service"] }),
  ];
  await connected(...nodes);
  return nodes;
}

/** The actor of that name on another node, as soon as word of it has come. */
function remote(from: ActorRef<Envoy>, name: string, node: string) {
  return eventually(`${name} on ${node} is known`, async () => {
    const found = await from.ask.find(name, node);
    return found === undefined ? null : (found as ActorRef<Envoy>);
  });
}

test("names lead to actors of other nodes, whatever threads both live on", async (t) => {
  const [one, other] = await startPair(t);
  const asker = await one.system.spawn(Envoy, { name: "asker", thread: 1 });
  for (const thread of [0, 1, 2]) {
    const name = `envoy-${thread}`;
    await other.system.spawn(Envoy, { name, thread });
    const there = await remote(asker, name, other.name);
    assert.equal(there.node, other.name);
    assert.equal(there.thread, thread);
    assert.deepEqual(await asker.ask.ask(there, { n: thread }), { n: thread });
    // From the main thread as well, over a connection of its own.
    const back = (await there.ask.whereabouts()) as { thread: number; ref: ActorRef };
    assert.equal(back.thread, thread);
    assert.ok(back.ref.equals(there));
  }
  assert.equal(await asker.ask.find("envoy-1", "0"), undefined, "a name is that of one node");
  const anywhere = (await asker.ask.find("envoy-1", ANY_NODE)) as ActorRef;
  assert.equal(anywhere.node, other.name);
  await one.system.spawn(Envoy, { name: "envoy-1" });
  const nearer = (await asker.ask.find("envoy-1", ANY_NODE)) as ActorRef;
  assert.equal(nearer.node, "0", "this node goes before others");
});

test("a group has the members of all nodes; they go with their node", async (t) => {
  const [one, other] = await startPair(t);
  const here = await one.system.spawn(Envoy, { thread: 1 });
  const there = await other.system.spawn(Envoy, { thread: 2 });
  await here.ask.join("readers");
  await there.ask.join("readers");
  const members = await eventually("both are members", () => {
    const all = one.system.members("readers");
    return all.length === 2 ? all : null;
  });
  assert.deepEqual(members.map(({ node }) => node).sort(), ["0", other.name]);
  await other.system.stop();
  await eventually("the other one is gone", () => one.system.members("readers").length === 1);
  const down = await one.log.entry("node down");
  assert.equal(down.fields["why"], "it leaves");
  assert.equal(down.level, "info");
});

test("messages of one sender arrive in order, through both nodes' threads", async (t) => {
  const [one, other] = await startPair(t);
  const sender = await one.system.spawn(Envoy, { thread: 2 });
  await other.system.spawn(Envoy, { name: "taker", thread: 1, mailboxCapacity: 100_000 });
  const taker = await remote(sender, "taker", other.name);
  // While a connection is being made, only 10,000 may wait for it.
  await sender.ask.ask(taker, "connected?");
  const count = 20_000;
  await sender.askWith({ timeoutMs: 60_000 }).shower(taker, count);
  const notes = await eventually("all have come", async () => {
    const taken = (await taker.ask.notes()) as number[];
    return taken.length === count ? taken : null;
  });
  assert.ok(notes.every((note, index) => note === index));
});

test("an actor is started on another node, watched, and ended with its parent", async (t) => {
  const [one, other] = await startPair(t);
  const parent = await one.system.spawn(Envoy, { thread: 1, concurrency: 10 });
  const child = await parent.ask.hire({ node: other.name, thread: 2, name: "hired" });
  assert.equal(child.node, other.name);
  assert.deepEqual((await child.ask.whereabouts()).thread, 2);
  assert.ok(other.system.names().includes("hired"));
  const tree = JSON.stringify(await other.system.tree());
  assert.ok(tree.includes('"PeerAgent"') && tree.includes('"hired"'), tree);
  one.system.stopActor(parent);
  await eventually("the child has ended too", () => !other.system.names().includes("hired"));
});

test("the death of a thread there is told at once, with what it took along", async (t) => {
  const [one, other] = await startPair(t);
  const watcher = await one.system.spawn(Envoy, { thread: 1, concurrency: 10 });
  await other.system.spawn(Envoy, { name: "mortal", thread: 2, concurrency: 10 });
  const mortal = await remote(watcher, "mortal", other.name);
  await watcher.ask.observe(mortal);
  // The order to exit goes by another connection: the watch has to be there before it.
  await watcher.ask.ask(mortal, "watched?");
  const asked = mortal.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).never();
  await mortal.ask.echo(1);
  mortal.tell.exitProcess();
  await assert.rejects(asked, (error: { code: string }) => {
    // Whether its thread had taken the connection as well is the kernel's choice.
    return error.code === "thread_down" || error.code === "node_down";
  });
  const [heard] = await watcher.ask.heard(1);
  assert.match(heard ?? "", / (thread_down|node_down)$/);
});

test("a node that was started anew has new actors; refs of its first life are dead", async (t) => {
  const [one, other] = await startPair(t);
  const asker = await one.system.spawn(Envoy, { thread: 1 });
  await other.system.spawn(Envoy, { name: "reborn", thread: 1 });
  const first = await remote(asker, "reborn", other.name);
  assert.equal(await first.ask.echo(1), 1);
  await other.system.stop();
  await eventually("it is down", () => one.system.nodes.list().length === 1);
  await assert.rejects(first.ask.echo(2), { code: "unreachable" });
  const again = await startNode(t, other.name, { join: [one.name] });
  await connected(one, again);
  await again.system.spawn(Envoy, { name: "reborn", thread: 1 });
  const second = await remote(asker, "reborn", other.name);
  assert.equal(await second.ask.echo(3), 3);
  await assert.rejects(first.ask.echo(4), { code: "no_actor" });
});

test("nodes that join each other at the same moment are connected once", async (t) => {
  const names = await Promise.all(["a", "b", "c"].map((alias) => freeNodeName(alias)));
  const nodes = await Promise.all(
    names.map((name) => startNode(t, name, { join: names.filter((other) => other !== name) }, 1)),
  );
  await connected(...nodes);
  const ups = nodes.map(({ log }) => log.all("node up").map(({ fields }) => fields["node"]));
  for (const [index, up] of ups.entries()) {
    assert.deepEqual(up.sort(), names.filter((_, other) => other !== index).sort());
  }
  assert.deepEqual(
    nodes.flatMap(({ log }) => log.all("node down")),
    [],
  );
});

test("roles are told when a node comes up and when they change", async (t) => {
  const [one, other] = await startPair(t);
  assert.deepEqual(
    one.system.nodes.byRole("service").map(({ name }) => name),
    [other.name],
  );
  const events: string[] = [];
  one.system.nodes.onChange((event) => {
    const role = "role" in event ? ` ${event.role}` : "";
    events.push(`${event.type} ${event.node.name}${role}`);
  });
  await other.system.addRole("search");
  await eventually("it is told", () => one.system.nodes.byRole("search").length === 1);
  await other.system.removeRole("service");
  await eventually("that too", () => one.system.nodes.byRole("service").length === 0);
  await other.system.stop();
  await eventually("it is down", () => one.system.nodes.list().length === 1);
  assert.deepEqual(events, [
    `role_added ${other.name} search`,
    `role_removed ${other.name} service`,
    `node_down ${other.name}`,
  ]);
});

test("a cookie that differs keeps a node out, and the log says why", async (t) => {
  const name = await freeNodeName("one");
  const one = await startNode(t, name, { cookie: "right" }, 1);
  const two = await startNode(t, await freeNodeName("two"), { cookie: "wrong", join: [name] }, 1);
  const refused = await one.log.entry("handshake failed");
  assert.equal(refused.fields["code"], "wrong_cookie");
  const told = await two.log.entry("handshake failed");
  assert.match(String(told.fields["why"]), /cookie/);
  assert.equal(one.system.nodes.list().length, 1);
});

test("a port that is taken is one clear error, and nothing runs on", async (t) => {
  const name = await freeNodeName("one");
  await startNode(t, name, {}, 1);
  await assert.rejects(startNode(t, name.replace("one", "two"), {}, 1), { code: "port_taken" });
});
