import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ActorRef, createSystem } from "#runtime";
import { Registry, registryName } from "../../../actors/registry/index.ts";
import { SessionClient, SessionTeller } from "./fixtures/session-teller.ts";

const entry = (service: string, requestType: string, module = service): object => ({
  ...{ service, requestType, nodes: "local", argTypes: null, argOrders: "map" },
  mfa: { module, function: requestType, args: [] },
});

async function startClient(t: TestContext, threads = 0): Promise<ActorRef<SessionClient>> {
  const system = await createSystem({ threads, strictMessages: true, log: () => {} });
  t.after(() => system.stop());
  const registry = await system.spawn(Registry, { name: registryName });
  await registry.ask.batchAdd([
    ...[entry("chat_service", "tell"), entry("chat_service", "refuse"), entry("other", "tell")],
    entry("rooms", "tell", "chat_service"),
  ]);
  const [home, other] = system.schedulers;
  await system.spawn(SessionTeller, other === undefined ? {} : { thread: other });
  return system.spawn(SessionClient, home === undefined ? {} : { thread: home });
}

test("the functions of the chat service alone are told which session asks", async (t) => {
  const client = await startClient(t);
  const tell = async (service: string, isSession: boolean): Promise<unknown> =>
    (await client.ask.call(service, "tell", isSession))?.result;
  assert.equal(await tell("chat_service", true), client.key);
  assert.equal(await tell("rooms", true), client.key, "under another name");
  assert.equal(await tell("other", true), "none");
  assert.equal(await tell("chat_service", false), "none");
});

for (const threads of [0, 2]) {
  test(`a function's own error may tell when to come back: ${threads} threads`, async (t) => {
    const client = await startClient(t, threads);
    let response = await client.ask.call("chat_service", "refuse", true);
    // The thread of the client learns of the other one's groups when that has told them.
    while (response?.code === "unavailable") {
      response = await client.ask.call("chat_service", "refuse", true);
    }
    assert.partialDeepStrictEqual(response, {
      ...{ success: false, code: "rate_limited", error: "too fast" },
      ...{ can_retry: true, retry_after_ms: 13 },
    });
  });
}
