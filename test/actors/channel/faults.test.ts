import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { type Client, request, type Stage, stage } from "./client.ts";
import { fake } from "./fixtures/fake-acceptor.ts";

async function joined(at: Stage): Promise<Client> {
  const client = await at.connect();
  await client.join("api:lobby", "1", { reply: "inline" });
  return client;
}

test("a client that drops in the middle of a call leaves nothing behind", async (t) => {
  const at = await stage(t);
  const client = await joined(at);
  client.send(["1", "2", "api:lobby", "api", request("hold", "r1")]);
  await fake.count(1);
  client.ws.terminate();
  await at.quiet();
  assert.equal(fake.signals.get("r1")?.aborted, true, "nobody waits for it any more");
  fake.release("r1");
  await (await joined(at)).heartbeat();
  assert.deepEqual(at.log, []);
});

test("a client that leaves its channel in the middle of a call cancels it, and no other", async (t) => {
  const at = await stage(t);
  const [client, other] = [await joined(at), await joined(at)];
  client.send(["1", "2", "api:lobby", "api", request("hold", "r1")]);
  other.send(["1", "2", "api:lobby", "api", request("hold", "r2")]);
  await fake.count(2);
  client.send(["1", "3", "api:lobby", "phx_leave", {}]);
  await client.take(2);
  await at.until(({ sessions }) => sessions === 1);
  assert.equal(fake.signals.get("r1")?.aborted, true);
  assert.equal(fake.signals.get("r2")?.aborted, false);
});

test("a client that does not read is not read, and loses nothing once it does", async (t) => {
  const at = await stage(t);
  const client = await joined(at);
  const other = await joined(at);
  client.ws.pause();
  const big = { bytes: 3_000_000 };
  let asked = 0;
  // The first answers fill the buffers of the kernel, however large; then the server stops reading.
  for (let executed = -1; fake.executed.length > executed && asked < 5; asked++) {
    executed = fake.executed.length;
    client.send(["1", `${asked}`, "api:lobby", "api", request("big", `big${asked}`, big)]);
    for (let i = 0; i < 20; i++) await other.heartbeat();
  }
  assert.ok(fake.executed.length < asked, `${fake.executed.length} of ${asked} were executed`);
  client.ws.resume();
  const refs = (await client.take(asked)).map(([, ref]) => Number(ref));
  assert.deepEqual(
    refs,
    refs.map((_, i) => i),
  );
});

test("a client that never reads is closed, and the log tells whose it was", async (t) => {
  const at = await stage(t);
  const client = await joined(at);
  const other = await joined(at);
  for (let i = 0; i < 60; i++) {
    client.send(["1", `${i}`, "api:lobby", "api", request("hold", `r${i}`)]);
  }
  await fake.count(60);
  client.ws.pause();
  const bulk = "x".repeat(900_000);
  for (let i = 0; i < 60; i++) {
    fake.release(`r${i}`, bulk);
    await other.heartbeat();
  }
  client.ws.resume();
  assert.equal(await client.closed, 1013);
  const line = at.log.find(({ message }) => message === "socket closed");
  assert.match(String(line?.fields?.["fault"]), /does not read/);
});

test("half a request does not hold up anybody", async (t) => {
  const at = await stage(t);
  const half = connect(at.port, "127.0.0.1");
  await once(half, "connect");
  half.write("GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: loc");
  await (await joined(at)).heartbeat();
  half.destroy();
});

test("a thousand clients that come, misbehave and drop leave nothing behind", async (t) => {
  const at = await stage(t);
  const witness = await joined(at);
  const before = await at.system.inspect();
  const actors = before.actors.length;
  const visit = async (round: number): Promise<void> => {
    const client = await at.connect();
    client.send(["1", "1", "api:a", "phx_join", {}]);
    client.send(["2", "2", "api:b", "phx_join", {}]);
    client.send(["3", "3", "api:a", "phx_join", {}]);
    client.send("garbage");
    client.send(["3", "4", "api:a", "nonsense", {}]);
    client.send(["3", "5", "api:a", "api", request("hold", `r${round}`)]);
    client.send(["2", "6", "api:b", "api", request("echo", "e")]);
    if (round % 3 === 0) await client.take(7);
    if (round % 2 === 0) client.ws.terminate();
    else client.ws.close();
    await client.closed;
  };
  for (let round = 0; round < 1_000; round += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => visit(round + i)));
  }
  witness.send(["1", "2", "api:lobby", "api", request("echo", "r1")]);
  assert.equal((await witness.next())[1], "2");
  await at.until(({ sockets }) => sockets === 1);
  assert.deepEqual(await at.statistics(), { sockets: 1, sessions: 1, inFlight: 0 });
  assert.equal((await at.system.inspect()).actors.length, actors);
  assert.ok(!at.log.some(({ level }) => level === "error"));
});
