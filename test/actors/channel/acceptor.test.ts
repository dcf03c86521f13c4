import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { type AcceptorConfig, channelDefaults, claimPort } from "../../../actors/channel/index.ts";
import { type ActorRef, createSystem, type System } from "../../../runtime/index.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";
import { Client, request, type Stage, stage } from "./client.ts";
import { FakeAcceptor, fake, fakeConfig } from "./fixtures/fake-acceptor.ts";

const api = { ...channelDefaults, topic: "api:*", event: "api", requireVerifiedUserId: false };

async function acceptorOn(
  system: System,
  thread: number,
  config: AcceptorConfig,
): Promise<ActorRef<FakeAcceptor>> {
  const args: [AcceptorConfig] = [config];
  return system.spawn(FakeAcceptor, { name: `acceptor-${thread}`, thread, args });
}

async function threads(t: TestContext, count: number): Promise<System> {
  const system = await createSystem({ threads: count, intensity: 100, stallTimeoutMs: 60_000 });
  t.after(() => system.stop());
  return system;
}

test("acceptors of all threads share the port that was claimed", async (t) => {
  const system = await threads(t, 2);
  const config = fakeConfig({ port: await claimPort("127.0.0.1", 0) });
  const first = await acceptorOn(system, 1, config);
  const second = await acceptorOn(system, 2, config);
  const address = await first.ask.address();
  assert.equal(address.port, config.port);
  const clients = Array.from(
    { length: 40 },
    () => new Client(`ws://127.0.0.1:${address.port}/socket/websocket?vsn=2.0.0`),
  );
  await Promise.all(clients.map((client) => client.open().then(() => client.heartbeat())));
  const counts = await Promise.all([first, second].map((ref) => ref.ask.statistics()));
  assert.equal(
    counts.reduce((sum, { sockets }) => sum + sockets, 0),
    40,
  );
  // The kernel spreads connections by hash: that one thread gets none of 40 is one in 2^39.
  assert.ok(counts.every(({ sockets }) => sockets > 0));
  for (const client of clients) client.ws.terminate();
});

test("an acceptor that is restarted comes back to the same port", async (t) => {
  const system = await threads(t, 2);
  const port = await claimPort("127.0.0.1", 0);
  const config = fakeConfig({ port });
  const first = await acceptorOn(system, 1, config);
  await acceptorOn(system, 2, config);
  const client = await new Client(`ws://127.0.0.1:${port}/socket/websocket`).open();
  client.ws.terminate();
  system.killActor(first, "test");
  let successor: ActorRef<FakeAcceptor> | undefined;
  while (successor === undefined || successor.equals(first)) {
    await new Promise((resolve) => setImmediate(resolve));
    successor = system.resolve("acceptor-1") as typeof successor;
  }
  assert.equal((await successor.askWith({ timeoutMs: 10_000 }).address()).port, port);
  const again = Array.from(
    { length: 40 },
    () => new Client(`ws://127.0.0.1:${port}/socket/websocket`),
  );
  await Promise.all(again.map((one) => one.open()));
  assert.ok((await successor.ask.statistics()).sockets > 0, "nobody reaches the successor");
  for (const one of again) one.ws.terminate();
});

test("what a killed acceptor left open is closed by its successor", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  await client.join("api:lobby");
  at.system.killActor(at.acceptor, "test");
  assert.equal(await client.closed, 1001);
});

test("a port that is taken is an error, whoever has it", async (t) => {
  const at = await stage(t);
  const message = new RegExp(`port ${at.port} on 127\\.0\\.0\\.1 is taken`);
  await assert.rejects(stage(t, { port: at.port }), message);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  await assert.rejects(stage(t, { port }), new RegExp(`port ${port} .* is taken`));
});

test("a host that is not ours is an error", async (t) => {
  await assert.rejects(stage(t, { host: "192.0.2.1" }), /cannot listen on 192\.0\.2\.1:0/);
});

test("a socket without a frame for 60 s is closed with 1000; any frame counts", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, {}, clock);
  const idle = await at.connect();
  const beating = await at.connect();
  const pinging = await at.connect();
  const pass = async (steps: number): Promise<void> => {
    for (let i = 0; i < steps; i++) {
      await beating.heartbeat();
      pinging.ws.ping();
      await once(pinging.ws, "pong");
      clock.advance(5_000);
      await at.statistics();
    }
  };
  await pass(11);
  await idle.heartbeat();
  await pass(12);
  await idle.heartbeat();
  await pass(14);
  assert.equal(await idle.closed, 1000);
  await beating.heartbeat();
  assert.equal((await at.statistics()).sockets, 2);
});

test("a socket that is not read because of its requests is not idle", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { channels: [{ ...api, maxInFlight: 1 }] }, clock);
  const client = await at.connect();
  await client.join("api:lobby", "1", { reply: "inline" });
  for (const id of ["r1", "r2"]) client.send(["1", id, "api:lobby", "api", request("hold", id)]);
  await fake.count(1);
  await at.until(({ inFlight }) => inFlight === 2);
  for (let i = 0; i < 20; i++) {
    clock.advance(5_000);
    await at.statistics();
  }
  fake.release("r1");
  await fake.count(2);
  fake.release("r2");
  assert.equal((await client.take(2)).length, 2);
});

test("when it stops, requests in progress are answered, then sockets close with 1001", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  await client.join("api:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "api:lobby", "api", request("hold", "r1")]);
  await fake.count(1);
  const stopped = at.system.stop();
  await refused(at);
  fake.release("r1");
  assert.equal((await client.next())[1], "2");
  assert.equal(await client.closed, 1001);
  await stopped;
});

test("when it stops, what does not end within drainMs is cancelled, and says so", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { drainMs: 700, channels: [{ ...api, maxInFlight: 1 }] }, clock);
  const client = await at.connect();
  await client.join("api:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "api:lobby", "api", request("async", "r1")]);
  assert.equal((await client.next())[1], "2");
  client.send(["1", "3", "api:lobby", "api", request("stream", "r2")]);
  assert.equal((await client.next())[1], "3");
  client.send(["1", "4", "api:lobby", "api", request("obey", "r3")]);
  client.send(["1", "5", "api:lobby", "api", request("obey", "r4")]);
  await fake.count(3);
  const stopped = at.system.stop();
  await refused(at);
  clock.advance(699);
  // A stream goes on for as long as calls do.
  fake.streams.get("r2")?.push("a chunk");
  const [, , , , chunk] = await client.next();
  assert.equal((chunk as { result: unknown }).result, "a chunk");
  clock.advance(1);
  const last = (await client.take(4)).map(([, ref, , , payload]) => {
    const { response = payload } = payload as { response?: unknown };
    const { request_id, code, has_more } = response as Record<string, unknown>;
    return [ref, request_id, code, has_more];
  });
  assert.deepEqual(last.sort(), [
    [null, "r1", "cancelled", false],
    [null, "r2", "cancelled", false],
    ["4", "r3", "cancelled", false],
    ["5", "r4", "cancelled", false],
  ]);
  assert.equal(await client.closed, 1001);
  await stopped;
});

test("when it stops, a stream keeps nobody waiting, and is cancelled", async (t) => {
  const at = await stage(t, { drainMs: 60_000 }, new ManualClock());
  const client = await at.connect();
  await client.join("api:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "api:lobby", "api", request("stream", "r1")]);
  assert.equal((await client.next())[1], "2");
  const stopped = at.system.stop();
  const [, , , , payload] = await client.next();
  const { request_id, code, has_more } = payload as Record<string, unknown>;
  assert.deepEqual([request_id, code, has_more], ["r1", "cancelled", false]);
  assert.equal(await client.closed, 1001);
  await stopped;
});

test("when it stops, what does not even hear that it is cancelled is left behind", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { drainMs: 700 }, clock);
  const client = await at.connect();
  await client.join("api:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "api:lobby", "api", request("hold", "r1")]);
  client.send(["1", "3", "api:lobby", "api", request("obey", "r2")]);
  await fake.count(2);
  const stopped = at.system.stop();
  await refused(at);
  clock.advance(700);
  assert.equal((await client.next())[1], "3");
  assert.equal(client.ws.readyState, client.ws.OPEN);
  clock.advance(200);
  assert.equal(await client.closed, 1001);
  await stopped;
});

/** Resolves when new connections are refused. */
async function refused(at: Stage): Promise<void> {
  for (;;) {
    const client = new Client(at.url());
    const outcome = await Promise.race([
      once(client.ws, "open").then(
        () => "open",
        () => "refused",
      ),
      client.closed.then(() => "refused"),
    ]);
    client.ws.terminate();
    if (outcome === "refused") return;
  }
}
