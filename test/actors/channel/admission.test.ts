import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { fetchConnectionMemory } from "../../../actors/channel/connection-memory.ts";
import {
  type AcceptorConfig,
  claimPort,
  offerConnectionMemory,
} from "../../../actors/channel/index.ts";
import { createSystem, systemClock } from "../../../runtime/index.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";
import { Client, stage } from "./client.ts";
import { FakeAcceptor, fakeConfig } from "./fixtures/fake-acceptor.ts";
import { refusedUpgrade } from "./refused-upgrade.ts";

const tooMany = { status: 503, body: "too many connections" };
const tooManyFromIp = { status: 429, body: "too many connections from this address" };

test("a page of another host is refused before the upgrade, and told in the log", async (t) => {
  const at = await stage(t);
  const refusal = await refusedUpgrade(at.url(), { origin: "https://evil.example" });
  assert.deepEqual(refusal, { status: 403, body: "origin not allowed" });
  const { level, message, fields } = at.log.at(-1) ?? {};
  assert.deepEqual([level, message], ["warn", "connection refused"]);
  assert.equal(fields?.["reason"], "origin not allowed");
  assert.equal(fields?.["origin"], "https://evil.example");
  for (const origin of [`http://127.0.0.1:${at.port}`, "http://localhost:3000"]) {
    await (await new Client(at.url(), [], { origin }).open()).heartbeat();
  }
});

test("a page whose name was made to resolve to loopback is refused, and told in the log", async (t) => {
  const at = await stage(t);
  const host = `evil.example:${at.port}`;
  const rebound = { origin: `http://${host}`, headers: { host } };
  const refusal = await refusedUpgrade(at.url(), rebound);
  assert.deepEqual(refusal, { status: 403, body: "origin not allowed" });
  const { level, message, fields } = at.log.at(-1) ?? {};
  assert.deepEqual([level, message], ["warn", "connection refused"]);
  assert.deepEqual([fields?.["origin"], fields?.["host"]], [rebound.origin, host]);
});

test("a list of origins lets its pages in, and programs", async (t) => {
  const at = await stage(t, { allowedOrigins: ["https://*.example.com"] });
  await new Client(at.url(), [], { origin: "https://app.example.com" }).open();
  await at.connect();
  const { status } = await refusedUpgrade(at.url(), { origin: `http://127.0.0.1:${at.port}` });
  assert.equal(status, 403);
});

test("over maxConnections a socket is refused with 503, until another one goes", async (t) => {
  const at = await stage(t, { maxConnections: 2 });
  const first = await at.connect();
  await at.connect();
  assert.deepEqual(await refusedUpgrade(at.url()), tooMany);
  assert.equal(at.log.at(-1)?.fields?.["reason"], "maxConnections is reached");
  first.ws.terminate();
  await at.until(({ sockets }) => sockets === 1);
  await (await at.connect()).heartbeat();
  assert.deepEqual(await refusedUpgrade(at.url()), tooMany);
});

test("over maxConnectionsPerIp a socket is refused with 429", async (t) => {
  const at = await stage(t, { maxConnectionsPerIp: 1, limitLoopback: true });
  await at.connect();
  assert.deepEqual(await refusedUpgrade(at.url()), tooManyFromIp);
  assert.equal(at.log.at(-1)?.fields?.["reason"], "maxConnectionsPerIp is reached");
  const other = new Client(at.url(), [], { localAddress: "127.0.0.2" });
  await (await other.open()).heartbeat();
});

test("a refused upgrade takes no place", async (t) => {
  const at = await stage(t, { maxConnections: 1, allowedOrigins: ["https://a.example"] });
  for (let i = 0; i < 5; i++) {
    await refusedUpgrade(at.url(), { origin: "https://b.example" });
    await refusedUpgrade(at.url("vsn=9.0.0"));
  }
  await at.connect();
});

test("the bounds hold over the acceptors of all threads, also when one is restarted", async (t) => {
  const system = await createSystem({ threads: 2, intensity: 100, stallTimeoutMs: 60_000 });
  t.after(() => system.stop());
  const offer = offerConnectionMemory(2);
  t.after(() => offer.close());
  const config: AcceptorConfig = fakeConfig({
    port: await claimPort("127.0.0.1", 0),
    maxConnections: 12,
    connectionMemory: offer.name,
  });
  const [first] = await Promise.all(
    [1, 2].map((thread) =>
      system.spawn(FakeAcceptor, { name: `acceptor-${thread}`, thread, args: [config] }),
    ),
  );
  assert.ok(first);
  const url = `ws://127.0.0.1:${config.port}/socket/websocket`;
  const knock = async (count: number): Promise<Client[]> => {
    const clients = Array.from({ length: count }, () => new Client(url));
    const outcomes = await Promise.all(
      clients.map((client) =>
        Promise.race([
          once(client.ws, "open").then(() => true),
          once(client.ws, "unexpected-response").then(() => false),
        ]),
      ),
    );
    return clients.filter((_, index) => outcomes[index]);
  };
  const inside = await knock(60);
  const more = await knock(60);
  // Of two that knock at one instant for the last place both may be refused; later ones are not.
  assert.equal(inside.length + more.length, 12);
  system.killActor(first, "test");
  const all = [...inside, ...more];
  await Promise.race(all.map(({ closed }) => closed));
  let open = 0;
  while (open < 12) {
    const again = await knock(12);
    const left = all.filter(({ ws }) => ws.readyState === 1).length;
    all.push(...again);
    open = left + again.length;
    assert.ok(open <= 12, `${open} sockets`);
  }
  for (const { ws } of all) ws.terminate();
});

test("memory that nobody offers is an error", async () => {
  const clock = new ManualClock();
  const fetched = fetchConnectionMemory("troupe:connections:nobody", clock);
  clock.advance(10_000);
  await assert.rejects(fetched, { code: "unavailable" });
  const offer = offerConnectionMemory(1);
  const memory = await fetchConnectionMemory(offer.name, systemClock);
  assert.ok(memory instanceof SharedArrayBuffer);
  offer.close();
});

test("a socket that sends too many frames is closed with 1008, alone", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { maxFramesPerSecond: 5 }, clock);
  const [loud, quiet] = [await at.connect(), await at.connect()];
  for (let i = 0; i < 5; i++) await loud.heartbeat();
  clock.advance(1_000);
  for (let i = 0; i < 5; i++) await loud.heartbeat();
  await quiet.heartbeat();
  loud.send([null, "x", "phoenix", "heartbeat", {}]);
  assert.equal(await loud.closed, 1008);
  const { message, fields } = at.log.at(-1) ?? {};
  assert.deepEqual([message, fields?.["fault"]], ["socket closed", "too many frames per second"]);
  await quiet.heartbeat();
});

test("pings count as frames", async (t) => {
  const at = await stage(t, { maxFramesPerSecond: 5 }, new ManualClock());
  const client = await at.connect();
  for (let i = 0; i < 6; i++) client.ws.ping();
  assert.equal(await client.closed, 1008);
});
