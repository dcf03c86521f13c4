import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually, within } from "./deadline.ts";
import { Gate } from "./gate.ts";
import { fixture, GatewayProcess, type Scope, testScope } from "./gateway-process.ts";
import type { WireResponse } from "./phoenix-client.ts";
import { joinOnEach, WireClient } from "./wire-client.ts";

const services = ["held-service.ts", "thread-service.ts"];

it("SIGTERM lets the calls in flight end, then the process, with 0", async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope, { services });
  const gate = await Gate.open(scope);
  const clients = [...(await joinOnEach(scope, gateway, [1, 2], 2)).values()].flat();
  const calls = clients.map((client, index) =>
    client.call("held_service", "holds", { url: gate.url(`c${index}`) }),
  );
  await gate.holds(calls.length);
  gateway.kill("SIGTERM");
  await gateway.said("stderr", /stopping signal=SIGTERM/);
  gate.release();
  const answers = await Promise.all(calls);
  assert.deepEqual(
    answers.map((answer) => answer?.result),
    ["c0", "c1", "c2", "c3"],
  );
  for (const { closed } of clients) {
    assert.equal((await within(closed, "the socket closes")).code, 1001);
  }
  const { code, signal } = await within(gateway.ended, "the process ends");
  assert.deepEqual([code, signal], [0, null]);
});

it("SIGTERM ends what outlives the drain, and streams, with a final Response", async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope, {
    services: ["contract-service.ts"],
    config: fixture("short-drain.config.ts"),
    threads: 1,
  });
  const client = await WireClient.join(scope, gateway);
  const held = client.call("contract_service", "hold", { key: "held" });
  const opened = await client.call("contract_service", "ticks");
  assert.equal(opened?.result, "init");
  gateway.kill("SIGTERM");
  assert.equal((await held)?.code, "cancelled");
  let last: Partial<WireResponse> = { has_more: true };
  while (last.has_more) last = (await client.next())[4] as WireResponse;
  assert.deepEqual([last.request_id, last.code], [opened?.request_id, "cancelled"]);
  assert.equal((await within(client.closed, "the socket closes")).code, 1001);
  assert.equal((await within(gateway.ended, "the process ends")).code, 0);
});

it("while calls in flight end, no thread accepts anybody", async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope, { services });
  const gate = await Gate.open(scope);
  const clients = [...(await joinOnEach(scope, gateway, [1, 2], 1)).values()].flat();
  const calls = clients.map((client, index) =>
    client.call("held_service", "holds", { url: gate.url(`c${index}`) }),
  );
  await gate.holds(calls.length);
  gateway.kill("SIGTERM");
  // So many at once that every thread that accepts gets some.
  await eventually(
    async () => {
      const attempts = Array.from({ length: 20 }, () => connects(scope, gateway));
      return (await Promise.all(attempts)).filter((connected) => connected).length;
    },
    (connected) => connected === 0,
    "new connections are refused",
  );
  gate.release();
  for (const call of calls) assert.equal((await call)?.success, true);
  assert.equal((await within(gateway.ended, "the process ends")).code, 0);
});

it("a second SIGTERM ends the process at once", async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope, { services, threads: 1 });
  const gate = await Gate.open(scope);
  const client = await WireClient.join(scope, gateway);
  const call = client.call("held_service", "holds", { url: gate.url("held") });
  await gate.holds(1);
  // Signals that follow too closely are one: it is told until it listens.
  const telling = setInterval(() => gateway.kill("SIGTERM"), 100);
  try {
    const { code } = await within(gateway.ended, "the process ends");
    assert.equal(code, 143);
  } finally {
    clearInterval(telling);
  }
  assert.equal(await call, null, "nobody answered what was in flight");
});

it("SIGINT ends an idle gateway with 0", async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope, { threads: 1 });
  const client = await WireClient.join(scope, gateway);
  gateway.kill("SIGINT");
  assert.equal((await within(client.closed, "the socket closes")).code, 1001);
  assert.equal((await within(gateway.ended, "the process ends")).code, 0);
});

async function connects(scope: Scope, gateway: GatewayProcess): Promise<boolean> {
  const client = new WireClient(scope, gateway);
  try {
    await client.opened();
    return true;
  } catch {
    return false;
  } finally {
    client.ws.terminate();
  }
}
