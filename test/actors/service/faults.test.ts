import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActorRef } from "#runtime";
import { type ServiceKit, startKit } from "./service-kit.ts";

/** The next instance under a name, after `before` is gone. */
function successor(kit: ServiceKit, name: string): () => Promise<void> {
  const before = kit.system.resolve(name);
  return () =>
    kit.until<ActorRef>("names", (names) => {
      const now = names.get(name);
      return now !== undefined && before?.equals(now) === false;
    });
}

test("a function that loops for ever is named and stopped; the rest serves on", async (t) => {
  const kit = await startKit(t, { threads: 2, stallTimeoutMs: 3_000 });
  await kit.load("deadly-service.ts");
  await kit.loader.load("actors/examples/echo-service.ts");
  const instance = kit.system.resolve("deadly_service-1");
  assert.notEqual(instance?.thread, kit.client.thread, "the client would not live to tell");
  const back = successor(kit, "deadly_service-1");
  const { response } = await kit.call("deadly_service", "spins");
  assert.equal(response.code, "outcome_unknown");
  const named = await kit.log.first((line) =>
    JSON.stringify(line).includes("deadly_service.spins"),
  );
  assert.equal(named.level, "error");
  assert.equal(await kit.result("echo_service", "echo", { message: "still here" }), "still here");
  await back();
  assert.equal(await kit.result("deadly_service", "fine"), "fine");
});

test("a method that never ends costs its instance, and the next call is served", async (t) => {
  const kit = await startKit(t, { threads: 1 });
  await kit.load("stubborn-service.ts");
  const back = successor(kit, "stubborn_service-1");
  const { response } = await kit.call("stubborn_service", "never");
  assert.equal(response.code, "timeout");
  await back();
  assert.equal(await kit.result("stubborn_service", "fine"), "fine");
});

test("a function that exits its thread costs its own call alone", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  await kit.load("deadly-service.ts");
  const back = successor(kit, "deadly_service-1");
  const { response } = await kit.call("deadly_service", "exits");
  assert.equal(response.code, "outcome_unknown");
  await back();
  assert.equal(await kit.result("deadly_service", "fine"), "fine");
});

test("what a function throws where nobody catches it is charged to its instance", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  await kit.load("deadly-service.ts");
  const back = successor(kit, "deadly_service-1");
  const { response } = await kit.call("deadly_service", "throws_later");
  assert.ok(["outcome_unknown", "internal"].includes(response.code ?? ""));
  await back();
  assert.equal(await kit.result("deadly_service", "fine"), "fine");
});

test("a function that exhausts its heap takes its dedicated thread alone", async (t) => {
  const kit = await startKit(t, { threads: 1 });
  await kit.load("hungry-service.ts");
  const back = successor(kit, "hungry_service-1");
  const { response } = await kit.call("hungry_service", "eats");
  assert.equal(response.code, "outcome_unknown");
  await back();
  assert.equal(await kit.result("hungry_service", "fine"), "fine");
});

for (const name of ["then_throws", "then_is_missing"]) {
  test(`what only looks like a promise fails its own call alone (${name})`, async (t) => {
    const kit = await startKit(t, { threads: 1 });
    await kit.load("faulty-service.ts");
    const instance = kit.system.resolve("faulty_service-1");
    const { response } = await kit.call("faulty_service", name);
    assert.equal(response.code, "internal");
    assert.equal(await kit.result("faulty_service", "fine"), "fine");
    assert.equal(kit.system.resolve("faulty_service-1"), instance, "no instance was lost");
  });
}

for (const name of ["throws_hostile", "rejects_hostile", "refuses_without_words"]) {
  test(`${name}: an internal error like any other, and the instance lives on`, async (t) => {
    const kit = await startKit(t, { threads: 1 });
    await kit.load("faulty-service.ts");
    const instance = kit.system.resolve("faulty_service-1");
    const { response } = await kit.call("faulty_service", name);
    assert.deepEqual([response.code, response.error], ["internal", "Internal Server Error"]);
    await kit.log.entry("function failed");
    assert.deepEqual(
      kit.log.all("function failed").map(({ fields }) => fields["function"]),
      [`faulty_service.${name}`],
    );
    assert.equal(await kit.result("faulty_service", "fine"), "fine");
    assert.equal(kit.system.resolve("faulty_service-1"), instance, "no instance was lost");
  });
}

for (const threads of [0, 2]) {
  test(`1,000 failures of each kind leave nothing behind (threads: ${threads})`, async (t) => {
    const kit = await startKit(t, { threads });
    await kit.load("faulty-service.ts");
    const client = kit.client.askWith({ timeoutMs: 120_000 });
    const expected = {
      ...{ throws: "internal", rejects: "internal", refuses: "out_of_stock", bigint: "internal" },
      ...{ uncloneable: "internal", nope: "unsupported_function", fine: "ok" },
    };
    for (const [request_type, code] of Object.entries(expected)) {
      const seen = await client.repeat({ service: "faulty_service", request_type }, 1_000);
      assert.deepEqual(seen, { [code]: 1_000 }, request_type);
    }
    // 1,000 at once, so many as an instance works on: those that never answer give their places up.
    const never = { service: "faulty_service", request_type: "never_listens", request_id: "n" };
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all(Array.from({ length: 700 }, () => kit.execute(never)));
      assert.ok(outcomes.every(({ response }) => response.code === "timeout"));
    }
    const { response } = await kit.call("faulty_service", "fine");
    assert.equal(response.result, "fine");
    const { actors, threads: all } = await kit.system.inspect();
    assert.equal(actors.filter(({ name }) => name?.startsWith("faulty")).length, 2);
    for (const { pendingAsks, linkAsks } of all) {
      assert.deepEqual([pendingAsks, linkAsks], [0, { asking: 0, serving: 0 }]);
    }
  });
}
