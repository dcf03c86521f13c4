import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Tables } from "../../../runtime/actor/tables.ts";
import { TableMirror } from "../../../runtime/cluster/table-mirror.ts";
import { TablePublisher } from "../../../runtime/cluster/table-publisher.ts";

const node = { name: "a@h:1", incarnation: 5 };

/** The tables of two nodes, and what the first tells the second. */
function setUp() {
  const from = new Tables(() => {});
  const to = new Tables(() => {});
  let pendings = 0;
  const publisher = new TablePublisher(
    (name) => from.open(name),
    () => {
      pendings += 1;
    },
  );
  const mirror = new TableMirror((name) => to.write(name));
  return {
    ...{ from, to, publisher, mirror },
    names: from.write<unknown>("names"),
    pendings: () => pendings,
    tellAll: (life = node) => {
      publisher.take();
      for (const snapshot of publisher.snapshots()) mirror.takeSnapshot(life, snapshot);
    },
    tell: (life = node) => {
      for (const changes of publisher.take()) mirror.takeChanges(life, changes);
    },
    /** What the second node can read. */
    read: (table: string) => Object.fromEntries(to.open(`${table}@${node.name}`).entries()),
  };
}

test("the names and the groups of all threads arrive whole, then change by change", () => {
  const t = setUp();
  t.names.set("x", 1);
  const ones = t.from.write<unknown>("groups/1");
  ones.set("16 workers", "one");
  t.publisher.followThread(0);
  t.publisher.followThread(1);
  t.publisher.followThread(1);
  t.from.write("groups/0").set("17 workers", "main");
  t.mirror.up(node);
  assert.equal(t.mirror.isMissing(node.name), true);
  t.tellAll();
  assert.equal(t.mirror.isMissing(node.name), false);
  assert.deepEqual(t.read("names"), { x: 1 });
  assert.deepEqual(t.read("groups"), { "0 17 workers": "main", "1 16 workers": "one" });
  const before = t.pendings();
  t.names.set("y", 2);
  t.names.delete("x");
  ones.delete("16 workers");
  assert.equal(t.pendings(), before + 1, "told once for all that waits");
  t.tell();
  assert.deepEqual(t.read("names"), { y: 2 });
  assert.deepEqual(t.read("groups"), { "0 17 workers": "main" });
  t.names.clear();
  t.tell();
  assert.deepEqual(t.read("names"), {});
});

test("what a node tells before it is up can be read once it is, changes too", () => {
  const t = setUp();
  t.names.set("x", 1);
  t.tellAll();
  t.names.set("y", 2);
  t.tell();
  assert.deepEqual(t.read("names"), {});
  t.mirror.up(node);
  assert.deepEqual(t.read("names"), { x: 1, y: 2 });
  assert.equal(t.mirror.isMissing(node.name), false);
  t.names.delete("x");
  t.tell();
  assert.deepEqual(t.read("names"), { y: 2 });
});

test("the tables are empty once the node is down, and missing when it is up again", () => {
  const t = setUp();
  t.mirror.up(node);
  t.names.set("x", 1);
  t.tellAll();
  t.mirror.down(node.name);
  assert.deepEqual(t.read("names"), {});
  t.mirror.up(node);
  assert.deepEqual(t.read("names"), {}, "it may have changed meanwhile");
  assert.equal(t.mirror.isMissing(node.name), true);
  t.tellAll();
  assert.deepEqual(t.read("names"), { x: 1 });
});

test("a gap makes the table missing until it is told anew; what is old changes nothing", () => {
  for (const isUp of [true, false]) {
    const t = setUp();
    if (isUp) t.mirror.up(node);
    t.names.set("x", 1);
    const [old] = t.publisher.take();
    assert.ok(old !== undefined);
    t.tellAll();
    t.mirror.takeChanges(node, old);
    t.names.set("lost", 2);
    t.publisher.take();
    t.names.set("y", 3);
    t.tell();
    t.mirror.up(node);
    assert.equal(t.mirror.isMissing(node.name), true);
    t.tellAll();
    assert.equal(t.mirror.isMissing(node.name), false);
    assert.deepEqual(t.read("names"), { x: 1, lost: 2, y: 3 });
  }
});

test("a table that is told anew replaces what was there", () => {
  const t = setUp();
  t.mirror.up(node);
  t.names.set("x", 1);
  t.names.set("gone", 1);
  t.tellAll();
  t.names.delete("gone");
  t.names.set("x", 2);
  t.tellAll();
  assert.deepEqual(t.read("names"), { x: 2 });
});

test("word of another life of the node is kept for it, or dropped", () => {
  const t = setUp();
  t.mirror.up(node);
  t.names.set("x", "old");
  t.tellAll();
  t.tellAll({ ...node, incarnation: 4 });
  t.names.set("x", "new");
  const next = { ...node, incarnation: 6 };
  t.tellAll(next);
  assert.deepEqual(t.read("names"), { x: "old" });
  t.mirror.down(node.name);
  t.mirror.up(next);
  assert.deepEqual(t.read("names"), { x: "new" });
  t.mirror.down(node.name);
  t.tellAll(next);
  t.mirror.up({ ...node, incarnation: 7 });
  assert.deepEqual(t.read("names"), {}, "the next life has told nothing yet");
});

test("what nodes told that are known no more is forgotten", () => {
  const t = setUp();
  t.names.set("x", 1);
  t.tellAll();
  t.mirror.retain(() => false);
  t.mirror.up(node);
  assert.deepEqual(t.read("names"), {});
});

test("only the tables that are mirrored are taken", () => {
  const t = setUp();
  t.mirror.up(node);
  t.mirror.takeSnapshot(node, { table: "nodes", version: 1, entries: [["x", 1]] });
  assert.deepEqual(t.read("nodes"), {});
});

test("the members on a thread that died are gone, those of its successor come", () => {
  const t = setUp();
  t.publisher.followThread(1);
  t.from.receive({
    name: "groups/1",
    snapshot: {
      ...{ epoch: 1, version: 2 },
      entries: [
        ["16 g", "old"],
        ["17 g", "old"],
      ],
    },
  });
  t.mirror.up(node);
  t.tellAll();
  t.publisher.dropThread(1);
  t.publisher.dropThread(1);
  t.publisher.dropThread(9);
  t.tell();
  assert.deepEqual(t.read("groups"), {});
  t.tellAll();
  assert.deepEqual(t.read("groups"), {}, "nor are they in the whole table");
  t.from.receive({
    name: "groups/1",
    snapshot: { epoch: 2, version: 1, entries: [["16 g", "new"]] },
  });
  t.tell();
  assert.deepEqual(t.read("groups"), { "1 16 g": "new" });
  t.publisher.dropThread(1);
  t.tell();
  t.from.receive({ name: "groups/1", snapshot: { epoch: 3, version: 1, entries: [] } });
  assert.deepEqual(t.publisher.take(), [], "what is gone does not go again");
});

test("whatever changes, and whenever all is told again: the mirror is what the node has", () => {
  const key = fc.constantFrom("1 a", "2 a", "1 b");
  const step = fc.oneof(
    fc.tuple(fc.constantFrom("names", "groups/1", "groups/2"), key, fc.nat(3)),
    fc.constantFrom("tell" as const, "tellAll" as const, "lose" as const, "down" as const),
    fc.constantFrom("clear groups/1", "clear names"),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (schedule) => {
      const t = setUp();
      const writers = new Map(
        ["groups/1", "groups/2"].map((name) => [name, t.from.write<unknown>(name)]),
      );
      writers.set("names", t.names);
      t.publisher.followThread(1);
      t.publisher.followThread(2);
      t.mirror.up(node);
      for (const one of schedule) {
        if (typeof one !== "string") {
          const [table, at, value] = one;
          const writer = writers.get(table);
          if (value === 0) writer?.delete(at);
          else writer?.set(at, value);
        } else if (one === "tell") t.tell();
        else if (one === "tellAll") t.tellAll();
        else if (one === "lose") t.publisher.take();
        else if (one === "down") {
          t.mirror.down(node.name);
          t.mirror.up(node);
        } else writers.get(one.slice("clear ".length))?.clear();
      }
      t.tell();
      if (t.mirror.isMissing(node.name)) t.tellAll();
      // A gap shows with the change that follows it.
      t.names.set("last", 1);
      writers.get("groups/1")?.set("9 last", 1);
      t.tell();
      if (t.mirror.isMissing(node.name)) t.tellAll();
      const prefixed = (thread: number) =>
        [...t.from.open(`groups/${thread}`).entries()].map(([at, v]) => [`${thread} ${at}`, v]);
      assert.deepEqual(t.read("names"), Object.fromEntries(t.from.open("names").entries()));
      const groups = Object.fromEntries([...prefixed(1), ...prefixed(2)]);
      assert.deepEqual(t.read("groups"), groups);
    }),
    { numRuns: 500 },
  );
});
