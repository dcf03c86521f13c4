import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { eventually, within } from "./deadline.ts";
import { Gate } from "./gate.ts";
import { fileScope, fixture, GatewayProcess } from "./gateway-process.ts";
import { PhoenixClient } from "./phoenix-client.ts";
import { answered, joinOnEach, type WireClient } from "./wire-client.ts";

const services = [
  "thread-service.ts",
  "held-service.ts",
  "../../fixtures/services/hungry-service.ts",
];
const gateway = await GatewayProcess.start(fileScope(), { services });

/** Resolves when a thread that was lost before has come back with what clients are told apart by. */
function areBothUp(): Promise<void> {
  return gateway.has("acceptor-1", "acceptor-2", "thread_service-1", "thread_service-2");
}

/** Official clients, one for each thread, in that order. */
async function joinOfficial(t: TestContext, threads: readonly number[]): Promise<PhoenixClient[]> {
  const found = new Map<number, PhoenixClient>();
  while (found.size < threads.length) {
    const client = await PhoenixClient.join(t, gateway.url, {
      socket: { reconnectAfterMs: () => 10 },
    });
    const thread = Number(await client.result("thread_service", "thread"));
    if (found.has(thread)) await client.disconnect();
    else found.set(thread, client);
  }
  return threads.map((thread) => found.get(thread) as PhoenixClient);
}

/**
 * Has a function end the thread that has the instance of `held_service`, while clients of both
 * threads call functions of both; counts what becomes of their calls.
 */
async function killUnderLoad(
  t: TestContext,
  deadly: string,
  inFlight: number,
  codes: readonly string[],
): Promise<void> {
  const gate = await Gate.open(t);
  const threads = [1, 2];
  await areBothUp();
  const clients = await joinOnEach(t, gateway, threads, 4);
  const [anyone] = clients.get(1) ?? [];
  const doomed = Number((await anyone?.call("held_service", "thread"))?.result);
  const spared = doomed === 1 ? 2 : 1;
  const victims = clients.get(doomed) ?? [];
  const survivors = clients.get(spared) ?? [];
  const [lost, kept] = (await joinOfficial(t, [doomed, spared])) as [PhoenixClient, PhoenixClient];
  const [killer] = victims;
  const [witness] = survivors;
  if (killer === undefined || witness === undefined) throw new Error("no clients");

  let isEnough = false;
  const loaded = [...victims, ...survivors];
  const pumps = loaded.map((client) =>
    client.pump(
      inFlight,
      (index) => [index % 2 ? "held_service" : "echo_service", "echo", { message: "load" }],
      () => isEnough,
    ),
  );
  await eventually(
    async () => Math.min(...loaded.map(({ tally }) => answered(tally))),
    (least) => least > 100,
    "load on every client",
  );
  const held = witness.call("held_service", "holds", { url: gate.url("held") });
  await gate.holds(1);
  assert.equal(await killer.call("thread_service", deadly), null);
  await within(Promise.all(victims.map(({ closed }) => closed)), "the sockets of the thread close");
  assert.equal((await held)?.code, "outcome_unknown");

  // The official client of the dead thread comes back by itself; the other one noticed nothing.
  // What it sent before it noticed would be lost with its socket. Its first tries may end on the
  // thread that dies.
  await eventually(
    async () => lost.closes,
    (closes) => closes >= 1,
    "the official client notices",
  );
  assert.equal(await lost.result("echo_service", "echo", { message: "back" }), "back");
  assert.equal(lost.opens, 2);
  assert.equal(await kept.result("echo_service", "echo", { message: "here" }), "here");
  assert.deepEqual([kept.opens, kept.closes], [1, 0]);
  await eventually(
    () => lost.call("held_service", "echo", { message: "up again" }),
    ({ success }) => success,
    "the service on the dead thread answers again",
  );
  isEnough = true;
  await within(Promise.all(pumps), "the load ends");
  // The loader may have lived on the dead thread, and take a moment to come back.
  await eventually(
    () =>
      gateway.command("spawn", fixture("mortal-service.ts")).then(
        () => "loaded",
        (error) => String(error),
      ),
    (outcome) => outcome === "loaded",
    "modules can be spawned again",
  );
  for (const client of [lost, kept]) {
    assert.equal(typeof (await client.result("mortal_service", "add", { by: 1 })), "number");
  }

  for (const { tally, isClosed } of survivors) {
    assert.equal(isClosed, false);
    assert.deepEqual([tally.lost, tally.strays], [0, 0]);
    assert.equal(tally.sent, answered(tally));
    for (const code of tally.codes.keys()) assert.ok(codes.includes(code), code);
  }
  for (const { tally } of victims) {
    assert.equal(tally.strays, 0);
    assert.equal(tally.sent, answered(tally) + tally.lost);
    assert.ok(tally.lost >= 1);
    assert.deepEqual([...tally.codes.keys()], ["ok"]);
  }
  t.diagnostic(
    [survivors, victims]
      .map((group) => group.map(({ tally }) => describe(tally)).join("; "))
      .join(" | "),
  );
}

function describe({ sent, lost, codes }: WireClient["tally"]): string {
  return `${sent} sent, ${[...codes].map(([code, count]) => `${count} ${code}`)}, ${lost} lost`;
}

it("a thread that exits under load loses no call silently", async (t) => {
  await killUnderLoad(t, "exits", 16, ["ok", "outcome_unknown", "unavailable"]);
});

it("a thread that loops for ever under load is replaced, and loses no call silently", async (t) => {
  const codes = ["ok", "outcome_unknown", "unavailable", "timeout"];
  await killUnderLoad(t, "spins", 2, codes);
  await gateway.said("stderr", /stuck for \d+ ms in .*thread_service\.spins/);
});

it("a function that exhausts the heap of its own thread harms nobody else", async (t) => {
  await areBothUp();
  const clients = [...(await joinOnEach(t, gateway, [1, 2], 2)).values()].flat();
  let isEnough = false;
  const pumps = clients.map((client) =>
    client.pump(
      4,
      () => ["echo_service", "echo", { message: "load" }],
      () => isEnough,
    ),
  );
  const hungry = await PhoenixClient.join(t, gateway.url);
  assert.equal((await hungry.call("hungry_service", "eats")).code, "outcome_unknown");
  await eventually(
    () => hungry.call("hungry_service", "fine"),
    ({ success, code }) => {
      assert.ok(success || code === "unavailable", `${code}`);
      return success;
    },
    "the hungry service is back",
  );
  isEnough = true;
  await within(Promise.all(pumps), "the load ends");
  for (const { tally } of clients) {
    assert.deepEqual([...tally.codes.keys()], ["ok"]);
    assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
  }
  assert.deepEqual([hungry.opens, hungry.closes], [1, 0]);
});
