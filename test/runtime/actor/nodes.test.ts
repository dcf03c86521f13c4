import assert from "node:assert/strict";
import { test } from "node:test";
import { type NodeEvent, type NodeInfo, Nodes } from "../../../runtime/actor/nodes.ts";
import { Tables } from "../../../runtime/actor/tables.ts";

function info(name: string, roles: readonly string[] = [], incarnation = 1): NodeInfo {
  return { name, incarnation, roles, isSelf: name.startsWith("self@") };
}

function setUp(...rows: readonly NodeInfo[]) {
  const logLines: string[] = [];
  const tables = new Tables(
    () => {},
    (_level, message, fields) => logLines.push(`${message} ${fields?.["error"]}`),
  );
  const table = tables.write<NodeInfo>("nodes");
  for (const row of rows) table.set(row.name, row);
  const nodes = new Nodes(tables);
  const events: string[] = [];
  nodes.onChange((event) => events.push(describe(event)));
  return { table, tables, nodes, events, logLines };
}

function describe(event: NodeEvent): string {
  const what = `${event.type} ${event.node.name}#${event.node.incarnation}`;
  return "role" in event ? `${what} ${event.role}` : what;
}

const names = (nodes: readonly NodeInfo[]) => nodes.map(({ name }) => name);

test("lists what is up by name, those of a role, and this node", () => {
  const { nodes, table, events } = setUp(info("z@h:1", ["service"]), info("self@h:2", ["gateway"]));
  assert.deepEqual(names(nodes.list()), ["self@h:2", "z@h:1"]);
  table.set("a@h:3", info("a@h:3", ["service"]));
  assert.deepEqual(names(nodes.list()), ["a@h:3", "self@h:2", "z@h:1"]);
  assert.deepEqual(names(nodes.byRole("service")), ["a@h:3", "z@h:1"]);
  assert.deepEqual(nodes.byRole("nobody"), []);
  const told = events.length;
  table.set("s@h:4", info("s@h:4", ["search/indexer", "search/service"]));
  assert.deepEqual(names(nodes.byRole("search/indexer")), ["s@h:4"]);
  assert.deepEqual(names(nodes.inScope("search")), ["s@h:4"]);
  assert.deepEqual(nodes.inScope("sea"), []);
  assert.deepEqual(names(nodes.byRole("service")), ["a@h:3", "z@h:1"], "a scope is its own");
  table.delete("s@h:4");
  events.length = told;
  assert.equal(nodes.self?.name, "self@h:2");
  assert.equal(nodes.get("z@h:1")?.incarnation, 1);
  assert.equal(nodes.get("b@h:1"), undefined);
  assert.deepEqual(events, ["node_up a@h:3#1"], "what was there before is no event");
  assert.equal(nodes.list(), nodes.list(), "the list is made once per change");
});

test("is empty without a cluster", () => {
  const nodes = new Nodes(new Tables(() => {}));
  assert.deepEqual(nodes.list(), []);
  assert.equal(nodes.self, null);
});

test("tells of nodes that come, go and come back as another", () => {
  const { table, nodes, events } = setUp();
  table.set("a@h:1", info("a@h:1"));
  table.set("a@h:1", info("a@h:1"));
  table.set("a@h:1", info("a@h:1", [], 2));
  table.delete("a@h:1");
  table.set("a@h:1", info("a@h:1", [], 3));
  table.set("b@h:1", info("b@h:1"));
  table.clear();
  assert.deepEqual(events, [
    "node_up a@h:1#1",
    "node_down a@h:1#1",
    "node_up a@h:1#2",
    "node_down a@h:1#2",
    "node_up a@h:1#3",
    "node_up b@h:1#1",
    "node_down a@h:1#3",
    "node_down b@h:1#1",
  ]);
  assert.deepEqual(nodes.list(), []);
});

test("tells of roles that are added and removed", () => {
  const { table, nodes, events } = setUp(info("a@h:1", ["one", "two"]));
  assert.deepEqual(names(nodes.byRole("one")), ["a@h:1"]);
  table.set("a@h:1", info("a@h:1", ["two", "three"]));
  assert.deepEqual(events, ["role_removed a@h:1#1 one", "role_added a@h:1#1 three"]);
  assert.deepEqual(nodes.byRole("one"), []);
  assert.deepEqual(names(nodes.byRole("three")), ["a@h:1"]);
});

test("a listener reads what the event says, hears no more once it is unsubscribed", () => {
  const { table, nodes } = setUp();
  const seen: (number | undefined)[] = [];
  const stop = nodes.onChange(({ node }) => seen.push(nodes.get(node.name)?.incarnation));
  table.set("a@h:1", info("a@h:1"));
  stop();
  table.set("a@h:1", info("a@h:1", [], 2));
  assert.deepEqual(seen, [1]);
});

test("a listener that throws keeps no other from hearing, and is logged", () => {
  const { table, nodes, logLines } = setUp();
  let heard = 0;
  nodes.onChange(() => {
    throw new Error("broken");
  });
  nodes.onChange(() => {
    heard += 1;
  });
  table.set("a@h:1", info("a@h:1"));
  assert.equal(heard, 1);
  assert.deepEqual(logLines, ["table listener failed broken"]);
});
