import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ActorRef, createSystem, type System } from "#runtime";
import { copyBounded } from "../../../actors/registry/bounded-copy.ts";
import { FailedConfigLog, type Refusal } from "../../../actors/registry/failed-config-log.ts";
import {
  FAILED_CONFIG_LIFE_MS,
  FailedConfigs,
  failedConfigsName,
  MAX_FAILED_CONFIGS,
  Registry,
} from "../../../actors/registry/index.ts";

const refusal = (service: string | null, source: Refusal["source"] = "push"): Refusal => ({
  ...{ service, requestType: "get", version: null, source, node: "local" },
  ...{ reasons: ["wrong"], config: {} },
});

test("the log tells the newest first, within its filters", () => {
  const log = new FailedConfigLog();
  for (const [index, one] of [
    refusal("a"),
    refusal("b", "pull"),
    refusal("a", "file"),
    refusal(null),
  ].entries()) {
    log.record(one, index);
  }
  const ids = (filter: object): string[] => log.list(filter, 4).map(({ id }) => id);
  assert.deepEqual(ids({}), ["failed-4", "failed-3", "failed-2", "failed-1"]);
  assert.deepEqual(ids({ service: "a" }), ["failed-3", "failed-1"]);
  assert.deepEqual(ids({ service: "a", source: "push" }), ["failed-1"]);
  assert.deepEqual(ids({ limit: 2 }), ["failed-4", "failed-3"]);
  assert.deepEqual(ids({ limit: 0 }), []);
  assert.deepEqual(log.summary(4), {
    total: 4,
    bySource: { push: 2, pull: 1, file: 1 },
    byService: { a: 2, b: 1, unknown: 1 },
  });
  assert.equal(log.clear(), 4);
  assert.deepEqual(ids({}), []);
});

test("the log holds what is younger than 24 hours, and 1,000 at most: the oldest go", () => {
  const log = new FailedConfigLog();
  const first = log.record(refusal("a"), 0);
  log.record(refusal("b"), 1);
  assert.equal(log.list({}, FAILED_CONFIG_LIFE_MS - 1).length, 2);
  assert.deepEqual(
    log.list({}, FAILED_CONFIG_LIFE_MS).map(({ service }) => service),
    ["b"],
  );
  assert.equal(log.cleanup(FAILED_CONFIG_LIFE_MS), 0);
  assert.equal(log.cleanup(FAILED_CONFIG_LIFE_MS + 1), 1);
  for (let count = 0; count <= MAX_FAILED_CONFIGS; count++) log.record(refusal("c"), count);
  const all = log.list({}, MAX_FAILED_CONFIGS);
  assert.equal(all.length, MAX_FAILED_CONFIGS);
  assert.equal(all.at(-1)?.time, 1);
  assert.ok(all.every(({ id }) => id !== first.id));
});

test("a service called as an inherited name is counted as any other", () => {
  const log = new FailedConfigLog();
  log.record(refusal("__proto__"), 0);
  log.record(refusal("constructor"), 0);
  assert.deepEqual(Object.entries(log.summary(0).byService), [
    ["__proto__", 1],
    ["constructor", 1],
  ]);
});

test("a bounded copy is small plain data, and the same where the value was", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const huge = { text: "x".repeat(1e6), list: new Array(1e5).fill(1), cycle, f: () => 1, n: 1n };
  const copy = copyBounded(huge);
  assert.ok(JSON.stringify(copy).length < 12_000);
  assert.deepEqual(structuredClone(copy), copy);
  assert.deepEqual(copyBounded({ f: () => 1, n: 1n, x: Number.NaN, u: undefined }), {
    ...{ f: "function", n: "1n", x: "NaN", u: "undefined" },
  });
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      if (JSON.stringify(plain).includes("__proto__")) return;
      if (JSON.stringify(plain).length < 400) assert.deepEqual(copyBounded(plain), plain);
    }),
  );
});

async function start(): Promise<{
  system: System;
  registry: ActorRef<Registry>["ask"];
  failed: ActorRef<FailedConfigs>["ask"];
}> {
  const system = await createSystem({ threads: 0, strictMessages: true });
  const failed = (await system.spawn(FailedConfigs, { name: failedConfigsName })).ask;
  return { system, failed, registry: (await system.spawn(Registry, { name: "registry" })).ask };
}

test("what the registry refuses from elsewhere is recorded, each with its own reasons", async (t) => {
  const { system, registry, failed } = await start();
  t.after(() => system.stop());
  const good = { service: "users", request_type: "a", mfa: { module: "users", function: "a" } };
  const bad = { ...good, requestType: "b", request_type: undefined, version: "1", timeout: 1 };
  const origin = { source: "push", node: "n1@host" } as const;
  await assert.rejects(registry.batchAdd([good, bad, 5], origin), { code: "invalid_config" });
  await assert.rejects(registry.add({ ...good, retry: "x" }, { source: "file", node: "local" }));
  await assert.rejects(registry.replace("others", [good], origin), { code: "invalid_config" });
  await assert.rejects(registry.add(bad), { code: "invalid_config" });
  const [foreign, file, nothing, entry, ...others] = await failed.list();
  assert.deepEqual(others, []);
  assert.deepEqual(foreign?.reasons, ["expected service others"]);
  assert.deepEqual([file?.source, file?.node, file?.requestType], ["file", "local", "a"]);
  assert.deepEqual([nothing?.service, nothing?.reasons], [null, ["expected a map, received 5"]]);
  assert.deepEqual(
    [entry?.service, entry?.requestType, entry?.version, entry?.source, entry?.node],
    ["users", "b", "1", "push", "n1@host"],
  );
  assert.equal(entry?.reasons.length, 2);
  assert.match(JSON.stringify(entry?.config), /"timeout":1/);
  assert.equal((await failed.summary()).total, 4);
  await assert.rejects(failed.list({ limit: -1 }), { code: "invalid_filter" });
  assert.equal(await failed.cleanup(), 0);
  assert.equal(await failed.clear(), 4);
});

test("a flood of refusals is recorded within bounds", async (t) => {
  const { system, registry, failed } = await start();
  t.after(() => system.stop());
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`a${n}`, n]));
  await assert.rejects(registry.batchAdd(new Array(500).fill(many), { source: "push", node: "n" }));
  const all = await failed.list();
  assert.equal(all.length, 100);
  assert.equal(all[0]?.reasons.length, 21);
  assert.equal(all[0]?.reasons.at(-1), "and 483 more");
});
