import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { LimiterShard } from "../../../actors/limits/index.ts";
import { LimitKit, textFor } from "./limit-kit.ts";

const perUser = { key: "user_id", maxRequests: 2, windowMs: 1_000 };
const perApi = { ...perUser, service: "users", requestType: "get", maxRequests: 1 };

async function passes(kit: LimitKit, userId: string, most = 20): Promise<number> {
  let passed = 0;
  while (passed < most && (await kit.check({ userId })) === null) passed += 1;
  return passed;
}

test("rules are added, changed, replaced and removed while requests come in", async () => {
  const kit = await LimitKit.start({});
  const { limits } = kit;
  assert.equal(await passes(kit, "ann"), 20);
  const rule = await kit.until(limits.add(perUser));
  assert.equal(rule.id, "global:user_id");
  assert.equal(await passes(kit, "ann"), 2);
  assert.equal((await kit.until(limits.update(rule.id, { max_requests: 5 }))).maxRequests, 5);
  assert.equal(await passes(kit, "ann"), 3, "what was counted counts on");
  await kit.until(limits.update(rule.id, { windowMs: 3_000, maxRequests: 6 }));
  await kit.kernel.advance(1_500);
  assert.equal(await passes(kit, "ann"), 1, "the longer window holds for it as well");
  assert.equal(await kit.until(limits.replace([{ ...perUser, maxRequests: 7 }, perApi])), 2);
  assert.equal((await kit.check({ userId: "bob" })) === null, true);
  assert.equal((await kit.check({ userId: "bob" }))?.ruleId, "users/get:user_id");
  assert.equal(await kit.until(limits.remove("users/get:user_id")), true);
  assert.equal(await kit.until(limits.remove("users/get:user_id")), false);
  assert.equal(await passes(kit, "bob"), 6);
  const { rules, ...settings } = await kit.until(limits.config());
  assert.deepEqual(settings, { enabled: true, failOpen: true });
  assert.deepEqual(rules, [
    { ...perUser, maxRequests: 7, id: rule.id, scope: "node", service: null, requestType: null },
  ]);
});

test("what a rule has counted goes soon after it, however long its window is", async () => {
  const kit = await LimitKit.start({ globalLimits: [{ ...perUser, windowMs: 86_400_000 }] }, 1);
  for (let user = 0; user < 50; user += 1) await kit.check({ userId: `user ${user}` });
  await kit.until(kit.limits.remove("global:user_id"));
  await kit.kernel.advance(2_000);
  assert.equal((await kit.until(kit.limits.statistics())).shards[0]?.keys, 0);
});

test("a rule that counts something else counts anew, and so does one that comes back", async () => {
  const kit = await LimitKit.start({ globalLimits: [{ ...perUser, id: "mine" }] });
  assert.equal(await passes(kit, "ann"), 2);
  await kit.until(kit.limits.remove("mine"));
  await kit.until(kit.limits.add({ ...perUser, id: "mine" }));
  assert.equal(await passes(kit, "ann"), 2);
  await kit.until(kit.limits.update("mine", { service: "users", requestType: "get" }));
  assert.equal(await passes(kit, "ann"), 2);
});

test("a change with a fault is refused whole", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser] });
  const { limits } = kit;
  const before = await kit.until(limits.config());
  const refused = (promise: Promise<unknown>, code: string, message: RegExp): Promise<void> =>
    assert.rejects(kit.until(promise), { code, message });
  await refused(limits.add(perUser), "limit_exists", /global:user_id/);
  await refused(limits.add({ ...perUser, maxRequests: 0 }), "invalid_limit", /limit\.maxRequests/);
  await refused(limits.add({ ...perUser, id: "c", scope: "cluster" }), "invalid_limit", /redis/);
  await refused(limits.update("nobody", {}), "unknown_limit", /nobody/);
  await refused(limits.update("global:user_id", { id: "x" }), "invalid_limit", /unknown key/);
  await refused(limits.update("global:user_id", null), "invalid_limit", /expected a map/);
  const list = [perApi, perApi, { ...perUser, id: "a" }, { ...perUser, id: "a" }];
  await refused(limits.replace(list), "invalid_limit", /limits\[3\]\.id/);
  await refused(limits.configure({ enabled: 1 as never }), "invalid_limit", /true or false/);
  await refused(limits.reset("ann", "nobody"), "unknown_limit", /nobody/);
  assert.deepEqual(await kit.until(limits.config()), before);
});

test("status tells what a value has used of each rule, reset forgets it", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser], apiLimits: [perApi] });
  const { limits } = kit;
  await kit.check({ userId: "ann" });
  await kit.check({ userId: "7" });
  await kit.kernel.advance(100);
  await kit.check({ userId: "ann", requestType: "list" });
  const shown = async (value: unknown): Promise<unknown[]> =>
    (await kit.until(limits.status(value))).map(({ id, used, remaining, resetMs }) => {
      return [id, used, remaining, resetMs];
    });
  assert.deepEqual(await shown("ann"), [
    ["global:user_id", 2, 0, 1_000],
    ["users/get:user_id", 1, 0, 900],
  ]);
  assert.deepEqual((await shown(7))[0], ["global:user_id", 1, 1, 900], "7 is counted as its text");
  assert.deepEqual((await shown("bob"))[0], ["global:user_id", 0, 2, 0]);
  const heard: unknown[] = [];
  const listen = (message: unknown): void => void heard.push(message);
  subscribe("troupe:rate_limiter:reset", listen);
  assert.equal(await kit.until(limits.reset("ann", "users/get:user_id")), 1);
  assert.deepEqual(await shown("ann"), [
    ["global:user_id", 2, 0, 1_000],
    ["users/get:user_id", 0, 1, 0],
  ]);
  assert.equal(await kit.until(limits.reset("ann")), 1);
  assert.equal(await kit.until(limits.reset("ann")), 0);
  unsubscribe("troupe:rate_limiter:reset", listen);
  assert.deepEqual(heard[0], {
    measurements: { count: 1 },
    metadata: { value: "ann", rule: "users/get:user_id" },
  });
  assert.equal(heard.length, 3);
  assert.equal(await kit.check({ userId: "ann" }), null);
});

test("statistics tell what the shards hold and have done; one that is gone is null", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser], apiLimits: [perApi] }, 2, [1]);
  for (const _ of [1, 2]) await kit.check({ userId: textFor(0, 2, "user") });
  const { shards, quota, rules } = await kit.until(kit.limits.statistics());
  assert.equal(rules.length, 2);
  assert.equal((await kit.until(kit.limits.global())).rules.length, 1);
  assert.equal(quota, null);
  const [one, other] = shards;
  assert.equal(other, null);
  assert.ok(one);
  const { bytes, capacityBytes, ...counts } = one;
  assert.ok(bytes > 0 && bytes < capacityBytes);
  assert.deepEqual(counts, {
    ...{ name: "limiter-1", keys: 2, requests: 2, checked: 2, refused: 1 },
    ...{ uncounted: 0, cleanedUp: 0 },
  });
});

test("what has expired is cleaned up without being asked for, and the limiter then rests", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser] }, 1);
  const heard: { measurements: Record<string, number> }[] = [];
  const listen = (message: unknown): void => void heard.push(message as (typeof heard)[0]);
  subscribe("troupe:rate_limiter:cleanup", listen);
  for (let user = 0; user < 300; user += 1) await kit.check({ userId: `user ${user}` });
  await kit.kernel.advance(900);
  await kit.check({ userId: "late" });
  const keys = async (): Promise<unknown> =>
    (await kit.until(kit.limits.statistics())).shards[0]?.keys;
  await kit.kernel.advance(99);
  assert.equal(await keys(), 301);
  await kit.kernel.advance(1);
  assert.equal(await keys(), 1);
  await kit.kernel.advance(999);
  assert.equal(await keys(), 1);
  await kit.kernel.advance(1);
  assert.equal(await keys(), 0);
  // The asks' own deadlines pass.
  await kit.kernel.advance(10_000);
  assert.equal(kit.kernel.clock.pendingTimers, 0, "nothing to clean, no timer");
  unsubscribe("troupe:rate_limiter:cleanup", listen);
  const removed = heard.map(({ measurements }) => measurements["removed"]);
  assert.deepEqual(removed, [300, 1]);
});

test("rules that were changed while it ran outlive a restart of their keeper", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser] });
  await kit.until(kit.limits.configure({ failOpen: false }));
  await kit.until(kit.limits.remove("global:user_id"));
  await kit.until(kit.limits.add({ ...perUser, id: "new" }));
  const again = await kit.restartLimits({ globalLimits: [perUser] });
  const { failOpen, rules } = await kit.until(again.config());
  assert.equal(failOpen, false);
  assert.deepEqual(
    rules.map(({ id }) => id),
    ["new"],
  );
});

test("a shard without memory says so once, and failOpen decides", async () => {
  const kit = await LimitKit.start({ failOpen: false, globalLimits: [perUser] }, 1, [0]);
  await kit.kernel.spawn(LimiterShard, { name: "limiter-1", args: [{ capacityBytes: 100_000 }] });
  let user = 0;
  while ((await kit.check({ userId: `user ${user}` })) === null) user += 1;
  assert.ok(user > 500, `only ${user} users`);
  await kit.check({ userId: "one more" });
  await kit.until(kit.limits.configure({ failOpen: true }));
  assert.equal(await kit.check({ userId: "one more" }), null);
  const lines = kit.kernel.logLines.filter((line) => line.includes("no memory left"));
  assert.equal(lines.length, 1);
  assert.equal((await kit.until(kit.limits.statistics())).shards[0]?.uncounted, 3);
});

test("all limits of the node begin anew at once, for whoever is counted", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser, { ...perUser, key: "device_id" }] });
  const { limits } = kit;
  assert.equal(await passes(kit, "ann"), 2);
  const before = await kit.until(limits.config());
  assert.equal(await kit.until(limits.resetAll()), 2);
  assert.deepEqual(await kit.until(limits.config()), before, "the rules are the same");
  assert.equal((await kit.until(limits.status("ann")))[0]?.used, 0);
  assert.equal(await passes(kit, "ann"), 2);
});
