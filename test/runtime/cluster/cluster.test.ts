import assert from "node:assert/strict";
import { test } from "node:test";
import { Actor } from "../../../runtime/actor/index.ts";
import { FakeNetwork, type FakeNode } from "./fake-links.ts";

const a = "a@127.0.0.1:1";
const b = "b@127.0.0.1:2";
const c = "c@127.0.0.1:3";

class Worker extends Actor {
  join(group: string): void {
    this.context.groups.join(group);
  }

  finish(): void {
    this.context.stop();
  }
}

async function spawnWorker(node: FakeNode, name: string) {
  return node.test.spawn(Worker, { name });
}

async function pair() {
  const network = new FakeNetwork();
  const one = network.start(a);
  const other = network.start(b, { join: [a], roles: ["service"] });
  await network.advance(100);
  return { network, one, other };
}

test("a node that joins is connected both ways; each has a row for itself and the other", async () => {
  const { one, other } = await pair();
  for (const node of [one, other]) assert.deepEqual(node.up(), [a, b]);
  assert.deepEqual(one.row(b), {
    ...{ name: b, incarnation: other.incarnation, roles: ["service"], isSelf: false },
  });
  assert.equal(one.row(a)?.isSelf, true);
  assert.deepEqual(one.events, [`node_up ${a}`, `node_up ${b}`]);
  assert.deepEqual([one.links.dials, other.links.dials], [[b], [a]]);
  assert.equal(one.logged("node up").length, 1);
});

test("nodes that join the same one find each other", async () => {
  const network = new FakeNetwork();
  const nodes = [network.start(a)];
  for (const name of [b, c, "d@127.0.0.1:4"]) nodes.push(network.start(name, { join: [a] }));
  await network.advance(200);
  for (const node of nodes) assert.equal(node.up().length, 4, node.name);
});

test("a node that is not there yet is dialled until it is; the log says so once", async () => {
  const network = new FakeNetwork();
  const node = network.start(b, { join: [a] });
  await network.advance(20_000);
  assert.ok(node.links.dials.length > 10, `${node.links.dials.length} dials`);
  assert.equal(node.logged("node not reached").length, 1);
  await network.advance(45_000);
  assert.equal(node.logged("node not reached").length, 2, "and again after a minute");
  network.start(a);
  await network.advance(2_600);
  assert.deepEqual(node.up(), [a, b]);
  network.kill(a);
  await network.advance(5_000);
  assert.equal(node.logged("node not reached").length, 3, "it was there: that is news");
});

test("a killed node goes down at once and comes back as another", async () => {
  const { network, one, other } = await pair();
  network.kill(b);
  await network.steps.settle();
  assert.deepEqual(one.up(), [a]);
  assert.match(one.logged("node down")[0] ?? "", /why="connection reset"/);
  await network.advance(1_000);
  const again = network.start(b, { join: [a] });
  await network.advance(100);
  assert.equal(one.row(b)?.incarnation, again.incarnation);
  assert.ok(again.incarnation > other.incarnation);
  assert.deepEqual(one.events.slice(1), [`node_up ${b}`, `node_down ${b}`, `node_up ${b}`]);
});

test("a node that was started anew before its end was noticed replaces its earlier life", async () => {
  const { network, one } = await pair();
  // Nobody tells the first node that its link is dead.
  network.nodes.delete(b);
  const again = network.start(b, { join: [a] });
  await network.advance(100);
  assert.equal(one.row(b)?.incarnation, again.incarnation);
  assert.deepEqual(one.events.slice(1), [`node_up ${b}`, `node_down ${b}`, `node_up ${b}`]);
  assert.deepEqual(again.up(), [a, b]);
});

test("after a cut both sides dial again, and are connected soon after it is healed", async () => {
  const { network, one, other } = await pair();
  network.cut(a, b);
  await network.advance(60_000);
  assert.deepEqual([one.up(), other.up()], [[a], [b]]);
  network.heal();
  await network.advance(2_600);
  assert.deepEqual(
    [one.up(), other.up()],
    [
      [a, b],
      [a, b],
    ],
  );
});

test("a dial that hangs since before the cut was healed is given up once the node is seen", async () => {
  const { network, one, other } = await pair();
  network.holes.add(`${a} ${b}`);
  one.links.break(b, "no sign of life");
  await network.advance(5_000);
  assert.deepEqual(one.up(), [a]);
  network.heal();
  other.links.break(a, "no sign of life");
  await network.advance(2_600);
  assert.deepEqual(one.up(), [a, b]);
});

test("names and groups of the others can be read everywhere, and go with their node", async () => {
  const { network, one, other } = await pair();
  const early = await spawnWorker(other, "early");
  early.tell.join("workers");
  await network.steps.settle();
  const seen = one.kernel.whereis("early", b);
  assert.deepEqual(
    [seen?.node, seen?.id, seen?.incarnation],
    [b, early.id, other.incarnation],
    "the address as it is from here",
  );
  assert.deepEqual(
    one.kernel.groups.members("workers").map((ref) => ref.key),
    [seen?.key],
  );
  const late = network.start(c, { join: [b] });
  await network.advance(100);
  assert.equal(late.kernel.whereis("early", b)?.key, seen?.key, "a late node gets all there is");
  early.tell.finish();
  await network.steps.settle();
  assert.equal(one.kernel.whereis("early", b), undefined);
  assert.deepEqual(one.kernel.groups.members("workers"), []);
  await spawnWorker(other, "second");
  await network.steps.settle();
  assert.notEqual(one.kernel.whereis("second", b), undefined);
  network.kill(b);
  await network.steps.settle();
  assert.equal(one.kernel.whereis("second", b), undefined);
});

test("names come back after a cut, with what has changed meanwhile", async () => {
  const { network, one, other } = await pair();
  const gone = await spawnWorker(other, "gone");
  await spawnWorker(other, "stays");
  network.cut(a, b);
  await network.steps.settle();
  assert.equal(one.kernel.whereis("stays", b), undefined);
  gone.tell.finish();
  await spawnWorker(other, "new");
  network.heal();
  await network.advance(2_600);
  assert.equal(one.kernel.whereis("gone", b), undefined);
  assert.notEqual(one.kernel.whereis("stays", b), undefined);
  assert.notEqual(one.kernel.whereis("new", b), undefined);
});

test("after the loss of one direction only, the tables are there again", async () => {
  const { network, one, other } = await pair();
  await spawnWorker(other, "x");
  await network.steps.settle();
  one.links.break(b, "no sign of life");
  await network.steps.settle();
  assert.equal(one.kernel.whereis("x", b), undefined);
  await network.advance(2_000);
  assert.notEqual(one.kernel.whereis("x", b), undefined);
});

test("what a full link did not take is told again", async () => {
  const { network, one, other } = await pair();
  other.links.isFull = true;
  await spawnWorker(other, "x");
  await network.advance(3_000);
  assert.equal(one.kernel.whereis("x", b), undefined);
  other.links.isFull = false;
  await network.advance(1_000);
  assert.notEqual(one.kernel.whereis("x", b), undefined);
});

test("groups of all threads are told, until their thread dies", async () => {
  const { network, one, other } = await pair();
  const epoch = other.incarnation;
  for (const listener of other.threadListeners) listener(1);
  other.kernel.tables.receive({
    name: "groups/1",
    snapshot: { epoch, version: 1, entries: [["16 g", { incarnation: epoch }]] },
  });
  await network.steps.settle();
  assert.deepEqual(
    one.kernel.groups.members("g").map(({ node, thread, id }) => [node, thread, id]),
    [[b, 1, 16]],
  );
  for (const listener of other.threadDownListeners) listener(1);
  await network.steps.settle();
  assert.deepEqual(one.kernel.groups.members("g"), []);
});

test("roles are added and removed while the cluster runs, and known to nodes that come later", async () => {
  const { network, one, other } = await pair();
  other.cluster.tell.addRole("extra");
  other.cluster.tell.addRole("extra");
  other.cluster.tell.removeRole("service");
  await network.steps.settle();
  assert.deepEqual(one.row(b)?.roles, ["extra"]);
  assert.deepEqual(other.row(b)?.roles, ["extra"]);
  assert.deepEqual(one.events.slice(2), [`role_added ${b} extra`, `role_removed ${b} service`]);
  const late = network.start(c, { join: [a] });
  await network.advance(100);
  assert.deepEqual(late.row(b)?.roles, ["extra"]);
});

test("a node that leaves says goodbye: it is not dialled, until it comes back", async () => {
  const { network, one, other } = await pair();
  const left = other.cluster.ask.leave("stopping");
  await network.steps.settle();
  await left;
  assert.deepEqual(other.links.closed, ["stopping"]);
  assert.deepEqual(other.up(), [b]);
  assert.deepEqual(one.up(), [a]);
  assert.match(one.logged("node down")[0] ?? "", / info .*why=stopping/);
  const dials = one.links.dials.length;
  await network.advance(60_000);
  assert.equal(one.links.dials.length, dials);
  assert.equal(other.logged("handshake failed").length, 0);
  network.start(b, { join: [a] });
  await network.advance(100);
  assert.deepEqual(one.up(), [a, b]);
});

test("a node of the list that left is dialled at leisure", async () => {
  const { network, one, other } = await pair();
  const left = one.cluster.ask.leave("stopping");
  await network.steps.settle();
  await left;
  const dials = other.links.dials.length;
  await network.advance(4_900);
  assert.equal(other.links.dials.length, dials);
  await network.advance(5_200);
  assert.ok(other.links.dials.length > dials);
});

test("a node that has left keeps no timer", async () => {
  const network = new FakeNetwork();
  const node = network.start(b, { join: [a] });
  await network.advance(100);
  const left = node.cluster.ask.leave("stopping");
  await network.advance(10_000);
  await left;
  assert.equal(network.clock.pendingTimers, 0);
});

test("two nodes that forgot each other in a long cut learn of each other from a third", async () => {
  const network = new FakeNetwork();
  network.start(a);
  const nodes = [network.start(b, { join: [a] }), network.start(c, { join: [a] })];
  await network.advance(100);
  for (const node of nodes) assert.deepEqual(node.up(), [a, b, c]);
  network.cut(b, c);
  await network.advance(700_000);
  network.heal();
  await network.advance(30_000);
  for (const node of nodes) assert.deepEqual(node.up(), [a, b, c]);
});

test("a node without a cookie says that it takes connections of this machine only", async () => {
  const { network, one } = await pair();
  assert.match(one.logged("no cookie")[0] ?? "", / warn .*listen=127\.0\.0\.1:1/);
  const safe = network.start(c, { cookie: "secret" });
  assert.deepEqual(safe.logged("no cookie"), []);
});

test("a handshake that failed on a connection from outside is logged once a minute", async () => {
  const { network, one } = await pair();
  const refuse = async (port: number, code: string) => {
    one.cluster.tell.refused(`10.0.0.9:${port}`, code, `that is ${code}`);
    await network.steps.settle();
  };
  await refuse(1_000, "wrong_cookie");
  await refuse(1_001, "wrong_cookie");
  await refuse(1_002, "oversized_frame");
  const lines = one.logged("handshake failed");
  assert.equal(lines.length, 2);
  assert.match(
    lines[0] ?? "",
    /peer=10\.0\.0\.9:1000 code=wrong_cookie why="that is wrong_cookie"/,
  );
  await network.advance(60_000);
  await refuse(1_003, "wrong_cookie");
  assert.equal(one.logged("handshake failed").length, 3);
});

test("under cuts, kills and restarts of every order all nodes find each other again", async () => {
  const names = [a, b, c, "d@127.0.0.1:4"];
  for (let seed = 1; seed <= 15; seed += 1) {
    const network = new FakeNetwork(seed);
    const join = [a, b];
    for (const name of names) network.start(name, { join });
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 16) % below;
    };
    for (let round = 0; round < 20; round += 1) {
      const name = names[random(names.length)] ?? a;
      const other = names[random(names.length)] ?? a;
      const what = random(4);
      if (what === 0 && name !== other) network.cut(name, other);
      else if (what === 1) network.kill(name);
      else if (what === 2) {
        network.kill(name);
        network.start(name, { join });
      } else {
        const node = network.nodes.get(name);
        if (node !== undefined) void node.kernel.spawnHere(Worker, [], { name: `w${round}` }, null);
      }
      await network.advance(random(3_000));
    }
    network.heal();
    for (const name of names) if (!network.nodes.has(name)) network.start(name, { join });
    await network.advance(5_000);
    for (const node of network.nodes.values()) {
      assert.deepEqual(node.up(), names, `seed ${seed}: ${node.name}`);
      for (const other of network.nodes.values()) {
        if (other === node) continue;
        const read = (table: string, of: FakeNode) =>
          [...of.kernel.tables.open<{ id: number }>(table).entries()]
            .map(([name, { id }]) => `${name} ${id}`)
            .sort();
        const where = `seed ${seed}: names of ${other.name} at ${node.name}`;
        assert.deepEqual(read(`names@${other.name}`, node), read("names", other), where);
        assert.equal(node.row(other.name)?.incarnation, other.incarnation, where);
      }
    }
  }
});

test("what makes no sense costs a node nothing but a line of the log", async () => {
  const { network, one, other } = await pair();
  const tell = one.cluster.tell as unknown as Record<string, (...args: unknown[]) => boolean>;
  const life = { name: b, incarnation: other.incarnation };
  const nonsense: Record<string, unknown[][]> = {
    seen: [[], [{ name: b }], [{ ...life, roles: 5 }]],
    greet: [[], [{ ...life, roles: [] }], [{ name: 5, incarnation: 1, roles: [] }, []]],
    takeSnapshot: [[], [life], [life, { table: "names", version: 1, entries: 5 }]],
    takeChanges: [[], [life, {}], [life, { table: "names", after: 0, changes: [null] }]],
    tellAgain: [[], [{}]],
  };
  for (const [method, calls] of Object.entries(nonsense)) {
    for (const args of calls) tell[method]?.(...args);
  }
  await network.advance(100);
  assert.equal(one.logged("told what makes no sense").length, 5);
  assert.deepEqual(one.up(), [a, b]);
  network.start(c, { join: [a] });
  await network.advance(200);
  assert.deepEqual(one.up(), [a, b, c], "it goes on");
});
