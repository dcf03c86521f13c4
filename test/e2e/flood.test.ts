import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { within } from "./deadline.ts";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import { answered, joinOnEach, WireClient } from "./wire-client.ts";

const gateway = await GatewayProcess.start(fileScope(), { services: ["thread-service.ts"] });

/** While `work` goes on, clients on every thread call; every call of theirs succeeds. */
async function unharmed(t: TestContext, work: () => Promise<void>): Promise<void> {
  const clients = [...(await joinOnEach(t, gateway, [1, 2], 2)).values()].flat();
  let isEnough = false;
  const pumps = clients.map((client) =>
    client.pump(
      1,
      (index) =>
        index % 2
          ? ["echo_service", "echo", { message: "meanwhile" }]
          : ["user_service", "get_user", { user_id: "1" }],
      () => isEnough,
      5,
    ),
  );
  await work();
  isEnough = true;
  await within(Promise.all(pumps), "the others' calls end");
  for (const { tally, isClosed } of clients) {
    assert.equal(isClosed, false);
    assert.deepEqual([...tally.codes.keys()], ["ok"]);
    assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
    t.diagnostic(`${tally.sent} calls meanwhile`);
  }
}

it("100,000 requests at once from one client are answered, each once", async (t) => {
  const count = 100_000;
  await unharmed(t, async () => {
    const flood = await WireClient.join(t, gateway);
    const seen = new Uint8Array(count);
    let failures = 0;
    flood.ws.removeAllListeners("message");
    const done = new Promise<void>((resolve) => {
      let left = count;
      flood.ws.on("message", (data) => {
        const [, ref, , event, payload] = JSON.parse(String(data));
        const { status, response } = payload;
        const index = Number(ref) - 2;
        const isRight = event === "phx_reply" && status === "ok" && response.result === `m${index}`;
        if (!isRight || seen[index] !== 0) failures += 1;
        seen[index] = 1;
        left -= 1;
        if (left === 0) resolve();
      });
    });
    flood.corked(() => {
      for (let index = 0; index < count; index++) {
        const service = `"service":"echo_service","request_type":"echo","request_id":"f${index}"`;
        flood.send(
          `["1","${index + 2}","api:lobby","api",{${service},"args":{"message":"m${index}"}}]`,
        );
      }
    });
    await within(Promise.race([done, flood.closed]), "the flood is answered", 110_000);
    assert.equal(failures, 0);
    assert.equal(
      seen.every((one) => one === 1),
      true,
    );
  });
});

it("a client that floods and never reads is not read either: memory is bounded", async (t) => {
  const rssBytes = await gateway.rssBytes();
  await unharmed(t, async () => {
    const deaf = await WireClient.join(t, gateway);
    deaf.ws.pause();
    // 120 MB of answers that nobody takes: they must not pile up in the gateway.
    const message = "x".repeat(60_000);
    for (let index = 0; index < 2_000; index++) {
      const request = { service: "echo_service", request_type: "echo", request_id: `d${index}` };
      deaf.send(["1", `${index + 2}`, "api:lobby", "api", { ...request, args: { message } }]);
    }
    const witness = await WireClient.join(t, gateway);
    for (let index = 0; index < 500; index++) {
      assert.equal((await witness.call("echo_service", "echo", { message: "hi" }))?.result, "hi");
    }
    const grown = (await gateway.rssBytes()) - rssBytes;
    t.diagnostic(`${Math.round(grown / 2 ** 20)} MiB more`);
    assert.ok(grown < 64 * 2 ** 20, `${grown} bytes`);
    assert.equal(deaf.ws.readyState, WebSocket.OPEN);
    deaf.ws.terminate();
  });
});
