import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#runtime/testing";
import { discoveriesOf, StaticDiscovery } from "../../../runtime/cluster/discovery.ts";
import type { DnsResolver } from "../../../runtime/cluster/dns-discovery.ts";

/** Every promise continuation that can run has run. */
const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp(join: readonly string[]) {
  const clock = new ManualClock();
  const logLines: string[] = [];
  const asked: string[] = [];
  /** What DNS says; an error is what it fails with. */
  const zone: { addresses: string[] | Error; services: { name: string; port: number }[] } = {
    addresses: [],
    services: [],
  };
  const resolver: DnsResolver = {
    async addresses(host) {
      asked.push(host);
      if (zone.addresses instanceof Error) throw zone.addresses;
      return zone.addresses;
    },
    async services(name) {
      asked.push(name);
      return zone.services;
    },
  };
  const log = (_level: string, message: string, fields: object = {}) =>
    void logLines.push(`${message} ${Object.values(fields).join(" ")}`);
  const discoveries = discoveriesOf({ name: "gw@h:1", join }, clock, log, resolver);
  const found: string[] = [];
  const start = () => {
    for (const discovery of discoveries) {
      discovery.start((names) => found.push(`${discovery.source}: ${names.join(" ")}`));
    }
  };
  return { clock, discoveries, found, start, zone, asked, logLines };
}

test("the static list is told once, after start has returned", async () => {
  const t = setUp(["A@h:1", "b@h:2"]);
  t.start();
  assert.deepEqual(t.found, []);
  await rest();
  assert.deepEqual(t.found, ["join: a@h:1 b@h:2"]);
  assert.equal(t.clock.pendingTimers, 0);
});

test("nothing to join, no discovery; one that is stopped tells nothing", async () => {
  assert.deepEqual(setUp([]).discoveries, []);
  const discovery = new StaticDiscovery(["a@h:1"]);
  discovery.start(() => assert.fail("it was stopped"));
  discovery.stop();
  await rest();
});

test("addresses become nodes, asked again 30 s after each answer", async () => {
  const t = setUp(["dns:users@users.svc:9101"]);
  t.zone.addresses = ["10.0.0.2", "10.0.0.1"];
  t.start();
  await rest();
  const source = "dns:users@users.svc:9101";
  assert.deepEqual(t.found, [`${source}: users@10.0.0.1:9101 users@10.0.0.2:9101`]);
  t.zone.addresses = ["10.0.0.3"];
  t.clock.advance(29_999);
  await rest();
  assert.equal(t.asked.length, 1);
  t.clock.advance(1);
  await rest();
  assert.deepEqual(t.found[1], `${source}: users@10.0.0.3:9101`);
  assert.deepEqual(t.asked, ["users.svc", "users.svc"]);
});

test("targets of a service record become nodes, under this node's alias where none is given", async () => {
  const t = setUp(["dns+srv:_t._tcp.users"]);
  t.zone.services = [
    { name: "pod-1.users.", port: 7 },
    { name: "pod-0.users", port: 8 },
  ];
  t.start();
  await rest();
  assert.deepEqual(t.found, ["dns+srv:gw@_t._tcp.users: gw@pod-0.users:8 gw@pod-1.users:7"]);
});

test("without an answer the last one holds; each failure is logged once", async () => {
  const t = setUp(["dns:users.svc:1"]);
  const poll = async (addresses: string[] | Error) => {
    t.zone.addresses = addresses;
    t.clock.advance(30_000);
    await rest();
  };
  t.start();
  await rest();
  await poll(new Error("no such host"));
  await poll(new Error("no such host"));
  await poll(new Error("no server"));
  await poll(["10.0.0.1"]);
  await poll(new Error("no server"));
  assert.deepEqual(t.found, ["dns:gw@users.svc:1: ", "dns:gw@users.svc:1: gw@10.0.0.1:1"]);
  assert.deepEqual(
    t.logLines,
    ["no such host", "no server", "no server"].map(
      (why) => `DNS gives no nodes dns:gw@users.svc:1 ${why}`,
    ),
  );
});

test("stopped, it asks no more and tells no late answer", async () => {
  const t = setUp(["dns:users.svc:1"]);
  t.start();
  await rest();
  t.clock.advance(30_000);
  for (const discovery of t.discoveries) discovery.stop();
  await rest();
  assert.equal(t.found.length, 1);
  assert.equal(t.clock.pendingTimers, 0);
});
