import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeOffers, encodeShape, selectVersions } from "../../../actors/exchange/offers.ts";
import { clusterGroup, serviceName } from "../../../actors/execution/callable.ts";
import type { FunConfig } from "../../../actors/registry/fun-config-schema.ts";
import { configsOf } from "./offers-kit.ts";

const own = new Set(["users"]);

function versionOf(configs: readonly FunConfig[]): string | undefined {
  return encodeOffers(configs, own, serviceName).get("users")?.version;
}

test("only a node's own services are offered", () => {
  const configs = [...configsOf({ get: {} }), ...configsOf({ pay: {} }, "shop")];
  assert.deepEqual([...encodeOffers(configs, own, serviceName).keys()], ["users"]);
  assert.deepEqual(Object.keys(selectVersions(encodeOffers(configs, own, serviceName))), ["users"]);
});

test("the version is that of what is offered: neither order nor state of the module count", () => {
  const configs = configsOf({ get: {}, list: { timeout: 100 } });
  const version = versionOf(configs);
  assert.match(version ?? "", /^[0-9a-f]{16}$/);
  assert.equal(versionOf([...configs].reverse()), version);
  const mfa = (config: FunConfig) => ({ ...config.mfa, module: "users@7" });
  assert.equal(versionOf(configs.map((config) => ({ ...config, mfa: mfa(config) }))), version);
  const shuffled = configs.map(
    (config) => Object.fromEntries(Object.entries(config).reverse()) as unknown as FunConfig,
  );
  assert.equal(versionOf(shuffled), version);
});

test("whatever changes in a function changes the version", () => {
  const version = versionOf(configsOf({ get: {} }));
  for (const fields of [
    { disabled: true },
    { timeout: 200 },
    { timeout: "infinity" },
    { nodes: ["a@h:1"] },
    { argTypes: { id: "string" } },
    { version: "1.0.0" },
  ]) {
    assert.notEqual(versionOf(configsOf({ get: fields })), version, JSON.stringify(fields));
  }
});

test("two configs have one shape when they differ in nothing but their nodes", () => {
  const [plain, named, slow] = [{}, { nodes: ["a@h:1"] }, { timeout: 200 }].map(
    (fields) => configsOf({ get: fields })[0] as FunConfig,
  ) as [FunConfig, FunConfig, FunConfig];
  assert.equal(encodeShape(plain), encodeShape(named));
  assert.notEqual(encodeShape(plain), encodeShape(slow));
});

test("a module is called the same on every node, whatever its state", () => {
  assert.equal(serviceName("users"), "users");
  assert.equal(serviceName("users@12"), "users");
  assert.equal(serviceName("users@home"), "users@home");
  assert.equal(serviceName("file:///srv/f.ts?troupe=3"), "file:///srv/f.ts");
  assert.equal(clusterGroup("users@2"), "services/users");
});
