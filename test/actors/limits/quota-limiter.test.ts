import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type ActorRef,
  type Clock,
  childOf,
  createSystem,
  Supervisor,
  type System,
  systemClock,
} from "#runtime";
import {
  type Limits,
  limitChildren,
  limitsName,
  type QuotaLimiter,
  quotaName,
} from "../../../actors/limits/index.ts";
import { eventually, LogRecord } from "../../fixtures/running-system.ts";
import { Checker } from "./fixtures/checker.ts";
import { configOf } from "./limit-kit.ts";
import { RedisServer, whyNoRedis } from "./redis-server.ts";

const reason = whyNoRedis();
if (reason !== null) process.stdout.write(`quotas are not tested: ${reason}\n`);
const options = { skip: reason ?? false };

const minute = 60_000;
const perUser = { key: "user_id", maxRequests: 20, windowMs: minute, scope: "cluster" };

interface Gateway {
  readonly log: LogRecord;
  readonly limits: ActorRef<Limits>["ask"];
  readonly quota: ActorRef<QuotaLimiter>["ask"];
  readonly checker: ActorRef<Checker>["ask"];
}

/** On a busy machine Redis may not answer in 200 ms; here everybody waits so many times longer. */
const patience = 40;
const timeoutMs = 200 * patience;
const slowClock: Clock = {
  now: () => systemClock.now() / patience,
  wallTime: () => systemClock.wallTime(),
  after: (delayMs, fire) => systemClock.after(delayMs * patience, fire),
};

interface Options {
  readonly isConnected?: boolean;
  readonly maxLimiters?: number;
  /** Requests wait for Redis as long as those of a gateway. */
  readonly isHasty?: boolean;
}

/** A node with its limiters, connected to Redis unless there is none. */
async function gateway(
  t: TestContext,
  input: object,
  { isConnected = true, isHasty = false, ...more }: Options = {},
): Promise<Gateway> {
  const log = new LogRecord();
  const clock = isHasty ? systemClock : slowClock;
  const system: System = await createSystem({ threads: 0, log: log.log, clock });
  t.after(() => system.stop());
  const config = configOf(input);
  const redis = config.redis && { ...config.redis, ...more, ...(isHasty ? {} : { timeoutMs }) };
  const children = limitChildren([0], { ...config, redis });
  const spec = childOf(Supervisor, { args: [{}, children], type: "supervisor" });
  await system.startChild(spec);
  const quota = (system.resolve(quotaName) as ActorRef<QuotaLimiter>).ask;
  const limits = (system.resolve(limitsName) as ActorRef<Limits>).ask;
  const checker = (await system.spawn(Checker, { concurrency: 10_000 })).ask;
  if (isConnected) {
    await eventually("connected", async () => (await quota.statistics()).isConnected);
    // The first request makes the scripts known, which takes longer than any other.
    await eventually("counting", async () => {
      await checker.check({ userId: "nobody" });
      const { checked, uncounted } = await quota.statistics();
      return checked > uncounted;
    });
  }
  return { log, limits, quota, checker };
}

test("a quota is one for all gateways, to the last request", options, async (t) => {
  const { url } = await RedisServer.start(t);
  const input = { failOpen: false, globalLimits: [perUser], redis: { url } };
  const gateways = [await gateway(t, input), await gateway(t, input)];
  for (const userId of ["ann", "bob"]) {
    const passed = await Promise.all(gateways.map(({ checker }) => checker.burst(userId, 30)));
    assert.equal(
      passed.reduce((sum, count) => sum + count, 0),
      20,
    );
  }
  for (const { limits, checker } of gateways) {
    const refusal = await checker.check({ userId: "ann" });
    assert.equal(refusal?.ruleId, "global:user_id");
    assert.ok(refusal.retryAfterMs > 0 && refusal.retryAfterMs <= minute);
    const [status] = await limits.status("ann");
    assert.deepEqual([status?.used, status?.remaining], [20, 0]);
    assert.ok(Number(status?.resetMs) > 0 && Number(status?.resetMs) <= minute);
    assert.equal((await limits.status("somebody new"))[0]?.remaining, 20);
  }
  assert.equal(await gateways[0]?.limits.reset("ann"), 1);
  assert.equal(await gateways[0]?.limits.reset("ann"), 0);
  const [one, other] = gateways;
  assert.equal(await other?.checker.burst("ann", 15), 15, "reset holds for the other one as well");
  assert.equal(await one?.checker.burst("ann", 15), 5);
});

test("a full quota is full again when its window is over", options, async (t) => {
  const { url } = await RedisServer.start(t);
  const short = { ...perUser, windowMs: 3_000 };
  const { checker } = await gateway(t, { globalLimits: [short], redis: { url } });
  assert.equal(await checker.burst("ann", 50), 20);
  const refusal = await checker.check({ userId: "ann" });
  assert.ok(refusal !== null && refusal.retryAfterMs <= 3_000, JSON.stringify(refusal));
  await eventually("room", async () => (await checker.check({ userId: "ann" })) === null);
  assert.equal(await checker.burst("ann", 50), 19);
});

test("node and cluster rules count a request together or not at all", options, async (t) => {
  const { url } = await RedisServer.start(t);
  const { limits, checker } = await gateway(t, {
    failOpen: false,
    globalLimits: [
      { ...perUser, id: "cluster" },
      { ...perUser, id: "narrow cluster", key: "device_id", maxRequests: 5 },
      { ...perUser, id: "node", scope: "node", maxRequests: 10 },
    ],
    redis: { url },
  });
  const used = async (value: string): Promise<unknown[]> =>
    (await limits.status(value)).map(({ used }) => used);
  assert.equal(await checker.burst("ann", 30), 5);
  await eventually("given back", async () => (await used("ann")).join() === "5,0,5");
  for (let number = 0; number < 5; number += 1) {
    assert.equal(await checker.check({ userId: "ann", deviceId: `${number}` }), null);
  }
  const refusal = await checker.check({ userId: "ann", deviceId: "another" });
  assert.equal(refusal?.ruleId, "node");
  assert.deepEqual(await used("ann"), [10, 0, 10], "Redis was not asked for what the node refused");
  assert.equal((await used("another"))[1], 0);
});

test("while Redis is away failOpen decides, and it counts again afterwards", options, async (t) => {
  const redis = await RedisServer.start(t);
  const input = { globalLimits: [perUser], redis: { url: redis.url } };
  const { checker, limits, quota, log } = await gateway(t, input);
  assert.equal(await checker.burst("ann", 30), 20);
  await redis.stop();
  await log.entry("Redis does not count quotas");
  const startedAt = performance.now();
  assert.equal(await checker.burst("ann", 30), 30);
  assert.ok(
    performance.now() - startedAt < timeoutMs / 2,
    "nobody waits for a connection that is lost",
  );
  await limits.configure({ failOpen: false });
  assert.equal(await checker.burst("ann", 30), 0);
  const [status] = await limits.status("ann");
  assert.deepEqual([status?.used, status?.remaining, status?.resetMs], [null, null, null]);
  await assert.rejects(limits.reset("ann"), { code: "limiter_unavailable" });
  await redis.start();
  await log.entry("Redis counts quotas again");
  // It has forgotten everything: the quota begins anew.
  assert.equal(await eventually("counting", () => checker.burst("ann", 20)), 20);
  assert.equal(await checker.burst("ann", 20), 0);
  assert.equal(log.all("Redis does not count quotas").length, 1, "one line for each outage");
  assert.equal((await quota.statistics()).outages, 1);
});

test("a Redis that is silent is not waited for longer than 200 ms", options, async (t) => {
  const redis = await RedisServer.start(t);
  const input = { failOpen: false, globalLimits: [perUser], redis: { url: redis.url } };
  const { checker } = await gateway(t, input, { isHasty: true });
  await eventually("counting", async () => (await checker.burst("ann", 1)) === 1);
  redis.signal("SIGSTOP");
  const startedAt = performance.now();
  const refusal = await checker.check({ userId: "ann" });
  const tookMs = performance.now() - startedAt;
  assert.equal(refusal?.retryAfterMs, 1_000);
  // The upper bound is generous: on a busy machine the test itself has to wait.
  assert.ok(tookMs > 150 && tookMs < 5_000, `${tookMs} ms`);
  redis.signal("SIGCONT");
  await eventually("counting", async () => (await checker.check({ userId: "ann" })) === null);
});

test("a gateway starts without Redis, and counts when it comes", options, async (t) => {
  const redis = await RedisServer.start(t);
  await redis.stop();
  const input = { failOpen: false, globalLimits: [perUser], redis: { url: redis.url } };
  const { checker, log } = await gateway(t, input, { isConnected: false });
  assert.equal(await checker.burst("ann", 5), 0);
  await redis.start();
  await log.entry("Redis counts quotas again");
  assert.equal(await eventually("counting", () => checker.burst("ann", 5)), 5);
});

test(
  "limiters in memory are bounded, and nothing that was counted goes with them",
  options,
  async (t) => {
    const { url } = await RedisServer.start(t);
    const input = { failOpen: false, globalLimits: [perUser], redis: { url } };
    const { checker, quota } = await gateway(t, input, { maxLimiters: 30 });
    assert.equal(await checker.burst("ann", 12), 12);
    for (let user = 0; user < 200; user += 1) {
      assert.equal(await checker.check({ userId: `user ${user}` }), null);
    }
    const { limiters, uncounted } = await quota.statistics();
    assert.ok(limiters < 150, `${limiters} limiters`);
    assert.equal(uncounted, 0, "no request was in the way of the change");
    assert.equal(await checker.burst("ann", 12), 8);
  },
);
