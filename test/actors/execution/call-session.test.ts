import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ActorRef, createSystem } from "#runtime";
import { Registry, registryName } from "../../../actors/registry/index.ts";
import { SessionClient, SessionTeller } from "./fixtures/session-teller.ts";

const entry = (service: string, requestType: string, module = service): object => ({
  ...{ service, requestType, nodes: "local", argTypes: null, argOrders: "map" },
  mfa: { module, function: requestType, args: [] },
});

async function startClient(t: TestContext): Promise<ActorRef<SessionClient>> {
  const system = await createSystem({ threads: 0, strictMessages: true, log: () => {} });
  t.after(() => system.stop());
  const registry = await system.spawn(Registry, { name: registryName });
  await registry.ask.batchAdd([
    ...[entry("chat_service", "tell"), entry("chat_service", "refuse"), entry("other", "tell")],
    entry("rooms", "tell", "chat_service"),
  ]);
  await system.spawn(SessionTeller);
  return system.spawn(SessionClient);
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

test("a function's own error may tell when to come back", async (t) => {
  const client = await startClient(t);
  const response = await client.ask.call("chat_service", "refuse", true);
  assert.partialDeepStrictEqual(response, {
    ...{ success: false, code: "rate_limited", error: "too fast" },
    ...{ can_retry: true, retry_after_ms: 13 },
  });
});
