import assert from "node:assert/strict";
import { test } from "node:test";
import { type ActorRef, createSystem, type System } from "#runtime";
import { attachConfig } from "../../../actors/diagnostics/index.ts";
import {
  Catalog,
  type FunConfig,
  followRegistry,
  parseBatch,
  Registry,
  registryKey,
  registryTable,
} from "../../../actors/registry/index.ts";

const config = (requestType: string, more: Record<string, unknown> = {}): object => ({
  ...{ service: "users", requestType, mfa: { module: "users", function: requestType } },
  ...more,
});

async function start(): Promise<{ system: System; registry: ActorRef<Registry>["ask"] }> {
  const system = await createSystem({ threads: 0, strictMessages: true });
  const { ask } = await system.spawn(Registry, { name: "registry" });
  return { system, registry: ask };
}

function keysIn(system: System): string[] {
  return [...system.table(registryTable).entries()].map(([key]) => key).sort();
}

test("a batch is read whole: each fault with its entry, a key twice is one", () => {
  const good = parseBatch([config("a"), config("a", { version: "1.0.0" })]);
  assert.ok(good.ok);
  assert.deepEqual([...good.configs.keys()], ["users/a", "users/a@1.0.0"]);
  const bad = parseBatch([
    config("a"),
    config("a", { version: "0.0.0" }),
    config("b", { version: "x", timeout: 1 }),
    { service: "users" },
    7,
  ]);
  assert.ok(!bad.ok);
  const [twice, version, timeout, ...others] = bad.faults;
  assert.equal(twice, "users/a@0.0.0: defined twice");
  assert.match(version ?? "", /^users\/b@x: version: expected/);
  assert.match(timeout ?? "", /^users\/b@x: timeout: expected/);
  assert.deepEqual(others, [
    "entry 3: requestType: required, received nothing",
    "entry 3: mfa: required, received nothing",
    "entry 4: expected a map, received 7",
  ]);
});

test("batchAdd adds and replaces all of a batch, or nothing", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  assert.equal(await registry.batchAdd([config("a"), config("b", { version: "1.2.0" })]), 2);
  await assert.rejects(registry.batchAdd([config("c"), config("d", { timeout: 1 })]), {
    code: "invalid_config",
    message: /^users\/d: timeout: expected .*, received 1$/,
  });
  await assert.rejects(registry.batchAdd("all" as never), { code: "invalid_config" });
  assert.deepEqual(keysIn(system), ["users/a", "users/b@1.2.0"]);
  await registry.batchAdd([config("a", { timeout: 100 })]);
  const [changed] = (await registry.list("users")).filter(
    (entry) => registryKey(entry) === "users/a",
  );
  assert.equal(changed?.timeout, 100);
  assert.deepEqual(await registry.list("nobody"), []);
});

test("one entry is added, changed, switched off and on, and removed", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  assert.equal((await registry.add(config("a", { version: "0.0.0" }))).version, null);
  await registry.add(config("a", { version: "1.0.0", timeout: 300 }));
  await assert.rejects(registry.add(config("b", { timeout: 1 })), { code: "invalid_config" });
  assert.equal((await registry.get("users", "a", "1.0.0"))?.timeout, 300);
  assert.equal((await registry.get("users", "a"))?.version, null);
  assert.equal(await registry.get("users", "a", "2.0.0"), null);

  const changed = await registry.update("users", "a", "1.0.0", { arg_types: { x: "num" } });
  assert.deepEqual(changed.argTypes, { x: { type: "num", allowNil: false } });
  assert.equal(changed.timeout, 300);
  assert.deepEqual(await registry.get("users", "a", "1.0.0"), changed);
  for (const [change, message] of [
    [{ timeout: 1 }, /^timeout: expected .*, received 1$/],
    [{ version: "2.0.0" }, "version: cannot change, it names the entry"],
    [{ request_type: "b" }, "request_type: cannot change, it names the entry"],
    [{ colour: 1 }, "colour: unknown field"],
    [7, "expected a map of fields, received 7"],
  ] as const) {
    await assert.rejects(registry.update("users", "a", "1.0.0", change), {
      code: "invalid_config",
      message,
    });
  }
  assert.deepEqual(await registry.get("users", "a", "1.0.0"), changed);

  assert.equal((await registry.disable("users", "a")).disabled, true);
  assert.equal((await registry.get("users", "a"))?.disabled, true);
  assert.equal((await registry.enable("users", "a", null)).disabled, false);
  assert.equal((await registry.get("users", "a", "0.0.0"))?.disabled, false);
  for (const attempt of [
    registry.update("users", "x", null, {}),
    registry.disable("users", "x"),
    registry.enable("users", "x"),
  ]) {
    await assert.rejects(attempt, { code: "no_config", message: "there is no function users/x" });
  }

  assert.equal(await registry.count(), 2);
  assert.equal(await registry.delete("users", "a", "1.0.0"), true);
  assert.equal(await registry.delete("users", "a", "1.0.0"), false);
  assert.equal(await registry.count("users"), 1);
  assert.equal(await registry.count("nobody"), 0);
});

test("a change may move work to the pool and back", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  await registry.add(config("a"));
  assert.equal((await registry.update("users", "a", null, { cpu: true })).executor, "pool");
  await assert.rejects(registry.update("users", "a", null, { executor: "actor" }), {
    message: 'cpu: expected false with executor "actor", received true',
  });
  assert.equal((await registry.update("users", "a", null, { cpu: false })).executor, "actor");
});

test("the latest is what a client gets who asks for no version", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  const versions = ["1.2.0", "1.10.0", "2.0.0-rc.1"].map((version) => config("a", { version }));
  await registry.batchAdd([...versions, config("b", { disabled: true })]);
  assert.equal((await registry.getLatest("users", "a"))?.version, "2.0.0-rc.1");
  await registry.disable("users", "a", "2.0.0-rc.1");
  assert.equal((await registry.getLatest("users", "a"))?.version, "1.10.0");
  await registry.add(config("a"));
  assert.equal((await registry.getLatest("users", "a"))?.version, null);
  assert.equal(await registry.getLatest("users", "b"), null);
  assert.equal(await registry.getLatest("users", "c"), null);
});

test("telemetry hears of every change, of none that was refused", async (t) => {
  const heard: string[] = [];
  t.after(
    attachConfig((name, { measurements, metadata }) => {
      heard.push(`${name} ${JSON.stringify({ ...measurements, ...metadata })}`);
    }),
  );
  const { system, registry } = await start();
  t.after(() => system.stop());
  await registry.add(config("a"));
  await registry.batchAdd([config("a"), config("b", { version: "1.0.0" })]);
  await registry.disable("users", "a");
  await registry.enable("users", "a");
  await registry.replace("users", [config("a")]);
  await registry.delete("users", "a");
  await registry.delete("users", "a");
  await assert.rejects(registry.add({}));
  await registry.clear("users");
  await registry.clear();
  const one = (requestType: string, version: string | null = null): string =>
    JSON.stringify({ count: 1, service: "users", request_type: requestType, version });
  assert.deepEqual(heard, [
    `troupe:config:add ${one("a")}`,
    'troupe:config:batch_add {"count":2,"services":["users"]}',
    `troupe:config:disable ${one("a")}`,
    `troupe:config:enable ${one("a")}`,
    'troupe:config:batch_add {"count":1,"services":["users"]}',
    `troupe:config:delete ${one("b", "1.0.0")}`,
    `troupe:config:delete ${one("a")}`,
    'troupe:config:clear {"count":0,"service":"users"}',
    'troupe:config:clear {"count":0,"service":null}',
  ]);
});

test("replace makes a batch all that there is of its service", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  await registry.batchAdd([config("a"), config("b"), config("x", { service: "other" })]);
  await registry.replace("users", [config("b", { timeout: 100 }), config("c")]);
  assert.deepEqual(keysIn(system), ["other/x", "users/b", "users/c"]);
  await assert.rejects(registry.replace("users", [config("x", { service: "other" })]), {
    code: "invalid_config",
    message: "other/x: expected service users",
  });
  assert.equal(await registry.clear("users"), 2);
  assert.equal(await registry.clear("users"), 0);
  assert.deepEqual(keysIn(system), ["other/x"]);
  assert.equal(await registry.clear(), 1);
  assert.equal(await registry.count(), 0);
});

test("a catalog that follows the registry has what it has, before and after each change", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  await registry.batchAdd([config("a")]);
  let made = 0;
  const catalog = followRegistry(system.table<FunConfig>(registryTable), (entry) => {
    made += 1;
    return entry;
  });
  assert.ok(catalog instanceof Catalog);
  const has = (requestType: string, version?: string): boolean =>
    catalog.lookup("users", requestType, version).ok;
  assert.ok(has("a"));
  await registry.batchAdd([config("a", { version: "2.0.0" }), config("b")]);
  assert.ok(has("a", "2.0.0") && has("b"));
  assert.equal(made, 3);
  await registry.replace("users", [config("b")]);
  assert.ok(!has("a") && !has("a", "2.0.0") && has("b"));
  await registry.clear("users");
  assert.equal(catalog.count(), 0);
});
