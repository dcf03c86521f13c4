import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { within } from "./deadline.ts";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import { answered, joinOnEach, WireClient } from "./wire-client.ts";

const calls = 100_000;
const gateway = await GatewayProcess.start(fileScope(), {
  services: ["slow-service.ts", "thread-service.ts"],
});

/** The final Responses of a flood of calls, by code. */
interface Flood {
  readonly client: WireClient;
  readonly codes: Map<string, number>;
  /** Calls with two final Responses, or with one that was not asked for. */
  strays: number;
  /** Resolves when so many have ended. */
  ended(count: number): Promise<void>;
}

/** Channels of the flood's socket: each has 64 requests in progress that are not acknowledged. */
const channels = 99;

/** Calls an async function 100,000 times at once. */
async function flood(t: TestContext, requestType: string): Promise<Flood> {
  const client = await WireClient.join(t, gateway);
  for (let channel = 0; channel < channels; channel++) {
    client.send(["1", "1", `api:${channel}`, "phx_join", { reply: "inline" }]);
    await client.next();
  }
  client.ws.removeAllListeners("message");
  const open = new Uint8Array(calls).fill(1);
  let total = 0;
  let wanted: { count: number; resolve: () => void } | null = null;
  const seen: Flood = {
    client,
    codes: new Map(),
    strays: 0,
    ended: (count) =>
      new Promise((resolve) => {
        wanted = { count, resolve };
        if (total >= count) resolve();
      }),
  };
  client.ws.on("message", (data) => {
    const [, , , , payload] = JSON.parse(String(data));
    const response = payload.response ?? payload;
    // The acknowledgement.
    if (response.async) return;
    const index = Number(response.request_id.slice(1));
    if (open[index] !== 1) seen.strays += 1;
    open[index] = 0;
    const code = response.success ? "ok" : response.code;
    seen.codes.set(code, (seen.codes.get(code) ?? 0) + 1);
    total += 1;
    if (wanted !== null && total >= wanted.count) wanted.resolve();
  });
  const what = `"service":"slow_service","request_type":"${requestType}"`;
  client.corked(() => {
    for (let index = 0; index < calls; index++) {
      client.send(
        `["1","${index}","api:${index % channels}","api",{${what},"request_id":"f${index}"}]`,
      );
    }
  });
  return seen;
}

/** While `work` goes on, clients on every thread call other functions; each call succeeds. */
async function othersUnharmed(t: TestContext, work: () => Promise<void>): Promise<void> {
  const clients = [...(await joinOnEach(t, gateway, [1, 2], 2)).values()].flat();
  let isEnough = false;
  const pumps = clients.map((client) =>
    client.pump(
      1,
      () => ["user_service", "get_user", { user_id: "1" }],
      () => isEnough,
      5,
    ),
  );
  await work();
  isEnough = true;
  await within(Promise.all(pumps), "the others' calls end");
  for (const { tally } of clients) {
    assert.deepEqual([...tally.codes.keys()], ["ok"]);
    assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
  }
}

for (const [requestType, bound, what] of [
  ["on_actor", 11_000, "a slow function: 1,000 at work, 10,000 in its mailbox"],
  ["behind_bulkhead", 2_000, "a function behind a bulkhead: 500 at work, 1,500 that wait"],
] as const) {
  it(`100,000 calls at once of ${what}, the rest refused`, async (t) => {
    await othersUnharmed(t, async () => {
      const seen = await flood(t, requestType);
      await within(seen.ended(calls - bound), "all others have ended", 100_000);
      const [ok = 0, full = 0] = [seen.codes.get("ok"), seen.codes.get("queue_full")];
      t.diagnostic(`${ok} ok, ${full} refused so far`);
      assert.ok(full > 0);
      assert.deepEqual([...seen.codes.keys()].sort(), ["ok", "queue_full"].slice(ok > 0 ? 0 : 1));
      assert.equal(seen.strays, 0);
      seen.client.ws.terminate();
    });
  });
}

it("100,000 calls at once of a function on a pool: 10,000 wait, and end with their client", async (t) => {
  await othersUnharmed(t, async () => {
    const { client, codes, ended } = await flood(t, "on_pool");
    await within(ended(calls - 10_100), "the refused ones have ended", 100_000);
    // The longer the flood takes to come, the more of it find a place that another has left.
    const placed = codes.get("ok") ?? 0;
    const refused = codes.get("queue_full") ?? 0;
    assert.ok(refused + placed >= calls - 10_100, JSON.stringify([...codes]));
    assert.ok(refused > placed, JSON.stringify([...codes]));
    client.ws.terminate();
    await client.closed;
    // Whoever comes next does not wait behind 10,000 that nobody wants any more.
    const next = await WireClient.join(t, gateway);
    // The gateway hears of the end later than the client does: until then there is no room.
    const turn = async (): Promise<unknown> => {
      const ack = await next.call("slow_service", "on_pool", {});
      assert.deepEqual([ack?.async, ack?.success], [true, true]);
      const [, , , , last] = await next.next();
      return (last as { code?: string }).code === "queue_full" ? turn() : last;
    };
    const last = await within(turn(), "it has its turn", 30_000);
    assert.equal((last as { result: unknown }).result, "slow");
  });
});
