import assert from "node:assert/strict";
import { test } from "node:test";
import { type LimitConfig, parseLimitConfig } from "../../../actors/limits/index.ts";

const limit = { key: "user_id", maxRequests: 10, windowMs: 1_000 };

function configOf(input: unknown): LimitConfig {
  const outcome = parseLimitConfig(input);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.config;
}

function faultsOf(input: unknown): readonly string[] {
  const outcome = parseLimitConfig(input);
  assert.ok(!outcome.ok);
  return outcome.faults;
}

test("both spellings read the same, defaults are filled in, global limits come first", () => {
  const camel = {
    failOpen: false,
    apiLimits: [{ ...limit, service: "users", requestType: "get" }],
    globalLimits: [limit, { ...limit, windowMs: 60_000 }, { ...limit, id: "mine" }],
  };
  const snake = {
    fail_open: false,
    api_limits: [...[{ service: "users", request_type: "get", key: "user_id" }]].map((api) => ({
      ...api,
      max_requests: 10,
      window_ms: 1_000,
    })),
    global_limits: [
      { key: "user_id", max_requests: 10, window_ms: 1_000 },
      { key: "user_id", max_requests: 10, window_ms: 60_000 },
      { id: "mine", key: "user_id", max_requests: 10, window_ms: 1_000 },
    ],
  };
  const config = configOf(camel);
  assert.deepEqual(config, configOf(snake));
  const ids = ["global:user_id", "global:user_id#2", "mine", "users/get:user_id"];
  assert.deepEqual(
    config.rules.map(({ id }) => id),
    ids,
  );
  assert.deepEqual(config.rules[3], {
    ...limit,
    ...{ id: "users/get:user_id", scope: "node", service: "users", requestType: "get" },
  });
  assert.ok(Object.isFrozen(config.rules[0]));
  assert.deepEqual(configOf(undefined), { enabled: true, failOpen: true, rules: [], redis: null });
});

test("each fault names its field, what was expected and what came", () => {
  assert.deepEqual(
    faultsOf({
      enabled: 1,
      colour: "red",
      globalLimits: [
        { key: "", maxRequests: 0, windowMs: 1.5 },
        { ...limit, service: "users" },
        { ...limit, service: "users", requestType: "get" },
        { ...limit, maxRequests: 1_000_001, windowMs: 604_800_001, scope: "galaxy" },
        { ...limit, max_requests: 5 },
        7,
      ],
      apiLimits: [limit, { id: "x" }, { ...limit, id: "a", service: "s", requestType: "t" }].concat(
        { ...limit, id: "a", service: "s", requestType: "t" } as never,
      ),
    }),
    [
      'rateLimits: unknown key "colour": expected one of enabled, failOpen, globalLimits, apiLimits, redis',
      "rateLimits.enabled: expected true or false, received 1",
      'rateLimits.globalLimits[0].key: expected a non-empty string of at most 256 bytes, received ""',
      "rateLimits.globalLimits[0].maxRequests: expected a whole number from 1 to 1000000, received 0",
      "rateLimits.globalLimits[0].windowMs: expected a whole number from 1 to 604800000, received 1.5",
      "rateLimits.globalLimits[1].requestType: expected a name, because service is given, received nothing",
      'rateLimits.globalLimits[2].service: expected none, the limit being global, received "users"',
      'rateLimits.globalLimits[3].scope: expected one of "node", "cluster", received "galaxy"',
      "rateLimits.globalLimits[3].maxRequests: expected a whole number from 1 to 1000000, received 1000001",
      "rateLimits.globalLimits[3].windowMs: expected a whole number from 1 to 604800000, received 604800001",
      "rateLimits.globalLimits[4].max_requests: given twice, also as maxRequests",
      "rateLimits.globalLimits[5]: expected a map { id?, scope?, service?, requestType?, key, maxRequests, windowMs }, received 7",
      "rateLimits.apiLimits[0].service: expected the API to limit, received nothing",
      "rateLimits.apiLimits[1].key: expected a non-empty string of at most 256 bytes, received nothing",
      "rateLimits.apiLimits[1].maxRequests: expected a whole number from 1 to 1000000, received nothing",
      "rateLimits.apiLimits[1].windowMs: expected a whole number from 1 to 604800000, received nothing",
      'rateLimits.apiLimits[3].id: expected an id that no other has, received "a"',
    ],
  );
  assert.deepEqual(faultsOf({ apiLimits: {} }), [
    "rateLimits.apiLimits: expected a list of limits, received {}",
  ]);
  assert.deepEqual(faultsOf("all"), [
    'rateLimits: expected a map { enabled?, failOpen?, globalLimits?, apiLimits?, redis? }, received "all"',
  ]);
});

test("a cluster rule needs Redis, and its URL is not told to anybody", () => {
  const cluster = { globalLimits: [{ ...limit, scope: "cluster" }] };
  assert.deepEqual(faultsOf(cluster), [
    'rateLimits.globalLimits[0].scope: expected "node", because rateLimits.redis is not configured',
  ]);
  const url = "redis://127.0.0.1:6379";
  assert.deepEqual(configOf({ ...cluster, redis: { url } }).redis, { url });
  assert.deepEqual(faultsOf({ redis: { url: "http://me:secret@host" } }), [
    "rateLimits.redis.url: expected a URL that begins with redis:// or rediss://",
  ]);
});
