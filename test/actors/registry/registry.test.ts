import assert from "node:assert/strict";
import { test } from "node:test";
import { type ActorRef, createSystem, type System } from "#runtime";
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

test("register adds and replaces all of a batch, or nothing", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  assert.equal(await registry.register([config("a"), config("b", { version: "1.2.0" })]), 2);
  await assert.rejects(registry.register([config("c"), config("d", { timeout: 1 })]), {
    code: "invalid_config",
    message: /^users\/d: timeout: expected .*, received 1$/,
  });
  await assert.rejects(registry.register("all" as never), { code: "invalid_config" });
  assert.deepEqual(keysIn(system), ["users/a", "users/b@1.2.0"]);
  await registry.register([config("a", { timeout: 100 })]);
  const [changed] = (await registry.list("users")).filter(
    (entry) => registryKey(entry) === "users/a",
  );
  assert.equal(changed?.timeout, 100);
  assert.deepEqual(await registry.list("nobody"), []);
});

test("replace makes a batch all that there is of its service", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  await registry.register([config("a"), config("b"), config("x", { service: "other" })]);
  await registry.replace("users", [config("b", { timeout: 100 }), config("c")]);
  assert.deepEqual(keysIn(system), ["other/x", "users/b", "users/c"]);
  await assert.rejects(registry.replace("users", [config("x", { service: "other" })]), {
    code: "invalid_config",
    message: "other/x: expected service users",
  });
  assert.equal(await registry.unregister("users"), 2);
  assert.equal(await registry.unregister("users"), 0);
  assert.deepEqual(keysIn(system), ["other/x"]);
});

test("a catalog that follows the registry has what it has, before and after each change", async (t) => {
  const { system, registry } = await start();
  t.after(() => system.stop());
  await registry.register([config("a")]);
  let made = 0;
  const catalog = followRegistry(system.table<FunConfig>(registryTable), (entry) => {
    made += 1;
    return entry;
  });
  assert.ok(catalog instanceof Catalog);
  const has = (requestType: string, version?: string): boolean =>
    catalog.lookup("users", requestType, version).ok;
  assert.ok(has("a"));
  await registry.register([config("a", { version: "2.0.0" }), config("b")]);
  assert.ok(has("a", "2.0.0") && has("b"));
  assert.equal(made, 3);
  await registry.replace("users", [config("b")]);
  assert.ok(!has("a") && !has("a", "2.0.0") && has("b"));
  await registry.unregister("users");
  assert.equal(catalog.count(), 0);
});
