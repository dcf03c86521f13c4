import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually, within } from "./deadline.ts";
import { Gate } from "./gate.ts";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import { PhoenixClient } from "./phoenix-client.ts";
import { answered, joinOnEach } from "./wire-client.ts";

const services = ["thread-service.ts", "held-service.ts", "mortal-service.ts"];
const gateway = await GatewayProcess.start(fileScope(), { services });

/** Calls until the service is there again: until then it is nothing but unavailable. */
function succeeds(client: PhoenixClient, service: string, type: string, args: object) {
  return eventually(
    () => client.call(service, type, args),
    ({ success, code, can_retry }) => {
      if (!success) assert.deepEqual([code, can_retry], ["unavailable", true]);
      return success;
    },
    `${service} is there again`,
  );
}

it("clients stay connected when an operator restarts a service actor", async (t) => {
  const client = await PhoenixClient.join(t, gateway.url);
  assert.equal(await client.result("math_service", "add", { by: 5 }), 5);
  const { code, stdout } = await gateway.run("restart", "math_service-1");
  assert.equal(code, 0);
  assert.match(stdout, /^<0\.[12]\.\d+> is now <0\.[12]\.\d+>\n$/);
  const response = await succeeds(client, "math_service", "add", { by: 1 });
  assert.equal(response.result, 1, "its state began anew");
  assert.deepEqual([client.opens, client.closes], [1, 0]);
  assert.equal(client.channel.state, "joined");
});

it("calls in progress on a restarted actor are told that their outcome is unknown", async (t) => {
  const gate = await Gate.open(t);
  const client = await PhoenixClient.join(t, gateway.url);
  const calls = Array.from({ length: 20 }, (_, index) =>
    client.call("held_service", "holds", { url: gate.url(`h${index}`) }),
  );
  await gate.holds(calls.length);
  await gateway.command("restart", "held_service-1");
  for (const { success, code } of await Promise.all(calls)) {
    assert.deepEqual([success, code], [false, "outcome_unknown"]);
  }
  await succeeds(client, "held_service", "echo", { message: "again" });
  assert.deepEqual([client.opens, client.closes], [1, 0]);
});

it("an actor that crashes is started anew, and keeps its secret", async (t) => {
  const client = await PhoenixClient.join(t, gateway.url);
  assert.equal(await client.result("mortal_service", "add", { by: 5 }), 5);
  const { success, code, error } = await client.call("mortal_service", "crash");
  assert.deepEqual([success, code, error], [false, "internal", "Internal Server Error"]);
  const { result } = await succeeds(client, "mortal_service", "add", { by: 1 });
  assert.equal(result, 1);
  await gateway.said("stderr", /a secret of the service/);
  assert.deepEqual([client.opens, client.closes], [1, 0]);
});

it("restarts under load cost nobody a call, and one too many costs the service alone", async (t) => {
  const clients = [...(await joinOnEach(t, gateway, [1, 2], 2)).values()].flat();
  let isEnough = false;
  const pumps = clients.map((client, index) =>
    client.pump(
      4,
      () =>
        index % 2
          ? ["mortal_service", "add", { by: 1 }]
          : ["echo_service", "echo", { message: "" }],
      () => isEnough,
    ),
  );
  // One restart has been counted above; the sixth in a minute is one too many.
  for (let count = 2; count <= 5; count++) await gateway.command("restart", "mortal_service-1");
  const client = await PhoenixClient.join(t, gateway.url);
  await succeeds(client, "mortal_service", "add", { by: 1 });
  const { newPid } = await gateway.command<{ newPid: null }>("restart", "mortal_service-1");
  assert.equal(newPid, null);
  await gateway.said("stderr", /service is down.* service=mortal_service/);
  const { code } = await client.call("mortal_service", "add", { by: 1 });
  assert.equal(code, "unavailable");
  const health = async (): Promise<string> =>
    (await gateway.command<{ status: string }>("health")).status;
  await eventually(health, (status) => status === "degraded", "the health says so");
  assert.equal(await client.result("held_service", "echo", { message: "well" }), "well");
  await gateway.command("restart", "mortal_service");
  await eventually(health, (status) => status === "ok", "it is healthy again");
  await succeeds(client, "mortal_service", "add", { by: 1 });
  isEnough = true;
  await within(Promise.all(pumps), "the load ends");
  assert.deepEqual([client.opens, client.closes], [1, 0]);
  for (const [index, { tally, isClosed }] of clients.entries()) {
    assert.equal(isClosed, false);
    assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
    const codes = index % 2 ? ["ok", "unavailable", "outcome_unknown"] : ["ok"];
    for (const code of tally.codes.keys()) assert.ok(codes.includes(code), code);
  }
});

it("restarts of what stands between the clients and the services fail no call", async (t) => {
  const clients = [...(await joinOnEach(t, gateway, [1, 2], 2)).values()].flat();
  let isEnough = false;
  const pumps = clients.map((client) =>
    client.pump(
      4,
      (index) => (index % 2 ? ["user_service", "list_users"] : ["math_service", "value"]),
      () => isEnough,
    ),
  );
  for (const name of ["registry", "loader", "console"]) {
    const { newPid } = await gateway.command<{ newPid: string | null }>("restart", name);
    assert.notEqual(newPid, null, name);
    gateway.write(
      `new_${name}.ts`,
      'import { defineService } from "troupe";\n' +
        `export default defineService("new_${name}", { name: () => "${name}" });\n`,
    );
    await gateway.command("spawn", `${gateway.folder}/new_${name}.ts`);
    for (const client of clients) {
      assert.equal((await client.call(`new_${name}`, "name"))?.result, name);
    }
  }
  isEnough = true;
  await within(Promise.all(pumps), "the load ends");
  for (const { tally } of clients) {
    assert.deepEqual([...tally.codes.keys()], ["ok"]);
    assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
  }
});

it("services that went down with their supervisor are loaded again", async (t) => {
  const client = await PhoenixClient.join(t, gateway.url);
  await gateway.command("restart", "services");
  for (const service of ["user_service", "mortal_service", "held_service"]) {
    await eventually(
      async () => gateway.command<{ name: string; status: string }[]>("services"),
      (services) => services.some(({ name, status }) => name === service && status === "running"),
      `${service} runs again`,
    );
  }
  await succeeds(client, "mortal_service", "add", { by: 1 });
  assert.deepEqual([client.opens, client.closes], [1, 0]);
});

it("a restarted acceptor gets its clients back by themselves", async (t) => {
  await gateway.has("acceptor-1", "acceptor-2", "thread_service-1", "thread_service-2");
  const socket = { reconnectAfterMs: () => 10 };
  const client = await PhoenixClient.join(t, gateway.url, { socket });
  const thread = await client.result("thread_service", "thread");
  await gateway.command("restart", `acceptor-${thread}`);
  await eventually(
    async () => client.opens,
    (opens) => opens === 2,
    "the client is connected again",
  );
  assert.equal(await client.result("echo_service", "echo", { message: "back" }), "back");
  // Whoever comes back so soon may still be taken in, and sent away, by the old one.
  assert.ok(client.closes >= 1);
});
