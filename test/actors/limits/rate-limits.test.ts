import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { selectLimitValue } from "../../../actors/limits/limit-key.ts";
import { Mute } from "./fixtures/checker.ts";
import { LimitKit, textFor } from "./limit-kit.ts";

const perUser = { key: "user_id", maxRequests: 2, windowMs: 1_000 };
const perDevice = { key: "device_id", maxRequests: 3, windowMs: 5_000 };

test("a request that no rule limits passes at once", async () => {
  const kit = await LimitKit.start({
    apiLimits: [{ ...perUser, service: "users", requestType: "get" }],
  });
  const isSynchronous = (requestType: string): Promise<boolean> =>
    kit.until(kit.checker.isSynchronous({ requestType }));
  assert.equal(await isSynchronous("list"), true);
  assert.equal(await isSynchronous("get"), false);
  await kit.until(kit.limits.configure({ enabled: false }));
  assert.equal(await isSynchronous("get"), true);
});

test("a refusal tells the rule and, to the millisecond, when there is room", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser] });
  assert.equal(await kit.check({ userId: "ann" }), null);
  await kit.kernel.advance(400);
  assert.equal(await kit.check({ userId: "ann" }), null);
  assert.deepEqual(await kit.check({ userId: "ann" }), {
    ...{ retryAfterMs: 600, ruleId: "global:user_id", key: "user_id" },
  });
  assert.equal(await kit.check({ userId: "bob" }), null);
  await kit.kernel.advance(599);
  assert.equal((await kit.check({ userId: "ann" }))?.retryAfterMs, 1);
  await kit.kernel.advance(1);
  assert.equal(await kit.check({ userId: "ann" }), null);
});

test("the key is taken from the call, its assigns, its arguments; what is absent is shared", async () => {
  const one = { maxRequests: 1, windowMs: 1_000 };
  const passes = async (key: string, calls: object[]): Promise<boolean[]> => {
    const kit = await LimitKit.start({ globalLimits: [{ ...one, key }] });
    const outcomes = [];
    for (const call of calls) outcomes.push((await kit.check(call)) === null);
    return outcomes;
  };
  const forged = { assigns: { user_id: "me" }, args: { user_id: "somebody else" } };
  assert.deepEqual(await passes("user_id", [{ userId: "a" }, { userId: "a", ...forged }]), [
    ...[true, false],
  ]);
  const addresses = [{ ipAddress: "::1" }, { ipAddress: "::2" }, { ipAddress: "::1" }];
  assert.deepEqual(await passes("ip_address", addresses), [true, true, false]);
  const tenants = [
    { assigns: { tenant: "a" }, args: { tenant: "b" } },
    { assigns: { tenant: "a" }, args: { tenant: "c" } },
    { args: { tenant: "a" } },
    { args: { tenant: "b" } },
  ];
  assert.deepEqual(await passes("tenant", tenants), [true, false, false, true]);
  const numbers = [{ args: { id: 7 } }, { args: { id: "7" } }, { args: { id: 8 } }];
  assert.deepEqual(await passes("id", numbers), [true, false, true]);
  const absent = [{}, { args: { id: null } }, { args: { id: ["a"] } }, { args: { id: { a: 1 } } }];
  assert.deepEqual(await passes("id", absent), [true, false, false, false]);
  assert.deepEqual(await passes("toString", [{}, {}]), [true, false], "no inherited property");
  const long = ["x".repeat(5_000), `${"x".repeat(4_999)}y`].map((id) => ({ args: { id } }));
  assert.deepEqual(await passes("id", [...long, ...long]), [true, true, false, false]);
});

test("only own properties of assigns and arguments are keys", () => {
  const inherited = Object.create({ tenant: "a" }) as Record<string, unknown>;
  const call = {
    ...{ service: "s", requestType: "t", userId: null, deviceId: null, ipAddress: null },
    ...{ assigns: inherited, args: inherited },
  };
  assert.equal(selectLimitValue("tenant", call), "");
});

test("all rules count a request or none does, over several shards", async () => {
  const kit = await LimitKit.start({
    globalLimits: [perUser],
    apiLimits: [{ ...perDevice, service: "users", requestType: "get" }],
  });
  const userId = textFor(0, 2, "user");
  const deviceId = textFor(1, 2, "device");
  const used = async (value: string): Promise<number | null> =>
    (await kit.until(kit.limits.status(value))).reduce((sum, { used }) => sum + (used ?? 0), 0);
  for (const _ of [1, 2]) assert.equal(await kit.check({ userId, deviceId }), null);
  for (const _ of [1, 2, 3]) {
    const refusal = await kit.check({ userId, deviceId });
    assert.deepEqual(refusal, { retryAfterMs: 1_000, ruleId: "global:user_id", key: "user_id" });
  }
  await kit.kernel.settle();
  assert.deepEqual([await used(userId), await used(deviceId)], [2, 2]);
  await kit.kernel.advance(1_000);
  assert.equal(await kit.check({ userId, deviceId }), null);
  const refusal = await kit.check({ userId, deviceId });
  assert.deepEqual(refusal, {
    retryAfterMs: 4_000,
    ruleId: "users/get:device_id",
    key: "device_id",
  });
  await kit.kernel.settle();
  assert.deepEqual([await used(userId), await used(deviceId)], [1, 3], "the user's count is back");
});

test("of several rules without room the one that has room last is told", async () => {
  const kit = await LimitKit.start({
    globalLimits: [
      { ...perUser, maxRequests: 1 },
      { ...perDevice, maxRequests: 1 },
    ],
  });
  for (const [user, device] of [
    [0, 1],
    [0, 0],
  ] as const) {
    const call = { userId: textFor(user, 2, "u"), deviceId: textFor(device, 2, "d") };
    assert.equal(await kit.check(call), null);
    assert.equal((await kit.check(call))?.ruleId, "global:device_id");
    await kit.kernel.advance(10_000);
  }
});

test("without a shard failOpen decides, one line is logged for each outage", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser] }, 1, [0]);
  const logged = (text: string): number =>
    kit.kernel.logLines.filter((line) => line.includes(text)).length;
  for (const _ of [1, 2, 3]) assert.equal(await kit.check({ userId: "ann" }), null);
  await kit.until(kit.limits.configure({ failOpen: false }));
  assert.deepEqual(await kit.check({ userId: "ann" }), {
    ...{ retryAfterMs: 1_000, ruleId: "global:user_id", key: "user_id" },
  });
  assert.equal(logged("rate limiter does not answer"), 1);
  await kit.startShard(0);
  await kit.kernel.settle();
  assert.equal(await kit.check({ userId: "ann" }), null);
  assert.equal(logged("rate limiter counts again"), 1);
});

test("one that is stuck is waited for 250 ms, and then asked again once a second only", async () => {
  const kit = await LimitKit.start({ failOpen: false, globalLimits: [perUser] }, 1, [0]);
  await kit.kernel.spawn(Mute, { name: "limiter-1" });
  const ask = async (waitMs: number): Promise<boolean> => {
    let isDone = false;
    const asked = kit.checker.check({ userId: "ann" }).then(() => {
      isDone = true;
    });
    await kit.kernel.advance(waitMs);
    const was = isDone;
    await kit.kernel.advance(300);
    await asked;
    return was;
  };
  assert.equal(await ask(245), false, "the first one waits");
  assert.equal(await ask(0), true, "the next one does not");
  assert.equal(await ask(0), true);
  await kit.kernel.advance(1_000);
  assert.equal(await ask(245), false, "a second later one tries again");
  assert.equal(await ask(0), true);
  await kit.until(kit.limits.configure({ failOpen: true }));
  assert.equal(await kit.check({ userId: "ann" }), null);
});

test("who listens hears of each check and each refusal", async () => {
  const kit = await LimitKit.start({ globalLimits: [perUser] });
  const heard: unknown[] = [];
  const listen = (message: unknown, name: string | symbol): void => {
    heard.push({ name, ...(message as object) });
  };
  const names = ["troupe:rate_limiter:check", "troupe:rate_limiter:exceeded"];
  for (const name of names) subscribe(name, listen);
  for (const _ of [1, 2, 3]) await kit.check({ userId: "ann" });
  for (const name of names) unsubscribe(name, listen);
  const subject = { service: "users", request_type: "get", user_id: "ann" };
  const check = (allowed: boolean): object => ({
    name: "troupe:rate_limiter:check",
    measurements: { duration_us: 0, rules: 1 },
    metadata: { ...subject, allowed },
  });
  assert.deepEqual(heard, [
    ...[check(true), check(true), check(false)],
    {
      name: "troupe:rate_limiter:exceeded",
      measurements: { retry_after_ms: 1_000 },
      metadata: { ...subject, rule: "global:user_id", key: "user_id" },
    },
  ]);
});
