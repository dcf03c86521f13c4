import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BreakerRecord } from "../../../actors/breaker/index.ts";
import {
  type CircuitInfo,
  describeCircuit,
  formatBulkheads,
  formatCircuits,
  formatPools,
} from "../../../actors/gateway/circuit-text.ts";
import { readFilter } from "../../../actors/gateway/config-commands.ts";
import {
  formatCache,
  formatFailedConfigs,
  formatFailedSummary,
  formatReport,
  selectCacheStatus,
} from "../../../actors/gateway/config-text.ts";
import { selectFunction, selectFunctions } from "../../../actors/gateway/function-commands.ts";
import { formatFunctions, formatPath } from "../../../actors/gateway/function-text.ts";
import { decideStatus, formatHealth, type Health } from "../../../actors/gateway/health-text.ts";
import {
  formatAdded,
  formatLimiters,
  formatLimits,
  formatReset,
  formatUsage,
} from "../../../actors/gateway/limit-text.ts";
import type { LimitRule, ShardStatistics } from "../../../actors/limits/index.ts";
import {
  type FailedConfig,
  type FunConfig,
  parseFunConfig,
  validateWithDetails,
} from "../../../actors/registry/index.ts";

function config(name: string, more: object = {}): FunConfig {
  const [service, requestType] = name.split("/");
  const mfa = { module: "m", function: "f", args: [] };
  const outcome = parseFunConfig({ service, requestType, nodes: "local", mfa, ...more });
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.config;
}

/** The cells of a table's lines, which stand two spaces or more apart. */
function cells(text: string): string[][] {
  return text.split("\n").map((line) => line.trim().split(/ {2,}/));
}

const users = [
  config("users/list"),
  config("users/get", { version: "10.0.0" }),
  config("users/get", { version: "9.0.0", disabled: true, timeout: "infinity" }),
  config("math/add", {
    argTypes: { type: "object", properties: { a: {}, b: {} }, required: ["a"] },
    checkPermission: { role: ["admin", "clerk"] },
    responseType: "async",
    executor: "pool",
  }),
];

describe("functions", () => {
  it("are listed in order, each with its state, its callers and its arguments", () => {
    assert.deepEqual(cells(formatFunctions(selectFunctions(users))).slice(1), [
      ...[
        ["math", "add", "enabled", "async", "pool", "5000 ms", "role admin or clerk", "a, b?"],
        ["users", "get@9.0.0", "disabled", "sync", "actor", "none", "everybody", "none"],
        ["users", "get@10.0.0", "enabled", "sync", "actor", "5000 ms", "everybody", "none"],
        ["users", "list", "enabled", "sync", "actor", "5000 ms", "everybody", "none"],
      ],
    ]);
    assert.equal(formatFunctions([]), "no functions; spawn(path) loads a service");
  });

  it("are those of one service, which has to have any", () => {
    assert.deepEqual(
      selectFunctions(users, "math").map(({ requestType }) => requestType),
      ["add"],
    );
    const message = 'there is no service with functions "maths": there are math, users';
    assert.throws(() => selectFunctions(users, "maths"), { name: "CommandError", message });
    assert.throws(() => selectFunctions([], "maths"), /there is none at all$/);
  });

  it("are found by the name that lists show", () => {
    assert.equal(selectFunction(users, "users", "get@9.0.0").version, "9.0.0");
    assert.equal(selectFunction(users, "users", "list").requestType, "list");
    for (const [type, message] of [
      ["get", "type: users/get has versions: name one of get@9.0.0, get@10.0.0"],
      ["got", 'there is no function "users/got": there are get@9.0.0, get@10.0.0, list'],
      [
        "list@1.0.0",
        'there is no function "users/list@1.0.0": there are get@9.0.0, get@10.0.0, list',
      ],
    ] as const) {
      assert.throws(() => selectFunction(users, "users", type), { name: "CommandError", message });
    }
  });

  it("are counted, by service", () => {
    const status = selectCacheStatus(users, { epoch: 2, version: 7 });
    const { byService, ...all } = status;
    assert.deepEqual(all, {
      ...{ entries: 4, services: 2, functions: 3, versions: 2, disabled: 1 },
      position: { epoch: 2, version: 7 },
    });
    assert.deepEqual(byService[0], { service: "users", functions: 2, entries: 3, disabled: 1 });
    const text = formatCache(status);
    assert.match(text, /^4 entries: 3 functions of 2 services, 2 with a version, 1 disabled$/m);
    assert.match(text, /^table position: writer 2, change 7$/m);
    assert.match(text, /^users +2 +3 +1$/m);
  });

  it("lie in files whose paths people read", () => {
    assert.equal(formatPath("file:///a/b%20c.json"), "/a/b c.json");
  });
});

describe("configs", () => {
  it("that are wrong are told of fault by fault", () => {
    const text = formatReport(validateWithDetails({ service: 5 }));
    assert.match(text, /^invalid\nservice: expected .*, received 5\nrequestType: required/);
    assert.equal(formatReport(validateWithDetails(users[1])), "valid: users/get@10.0.0");
  });

  it("that were refused are listed with time, source and reasons", () => {
    const failed: FailedConfig = {
      ...{ id: "failed-1", service: "users", requestType: null, version: null, source: "push" },
      ...{ node: "local", reasons: ["a: wrong", "b: wrong"], config: {}, time: 0 },
    };
    assert.deepEqual(cells(formatFailedConfigs([failed]))[1], [
      ...["1970-01-01T00:00:00.000Z", "push", "local", "users/?", "a: wrong; b: wrong"],
    ]);
    assert.equal(formatFailedConfigs([]), "no failed configs");
    const summary = { total: 1, bySource: { push: 1 }, byService: { users: 1 } };
    assert.equal(
      formatFailedSummary(summary),
      "1 failed config in the last 24 hours\nby source: push 1\nby service: users 1",
    );
  });

  it("that were refused are filtered by what there is to filter by", () => {
    assert.deepEqual(readFilter(undefined), {});
    const filter = { source: "file", service: "users", limit: 3 };
    assert.deepEqual(readFilter(filter), filter);
    for (const [given, message] of [
      [{ source: "pool" }, /^filter\.source: expected one of pull, push, .*, received "pool"$/],
      [{ limit: -1 }, /^filter\.limit: expected an integer of 0 or more, received -1$/],
      [{ service: 5 }, /^filter\.service: expected the name of a service, received 5$/],
      [{ sorce: "file" }, /^filter: unknown key "sorce": expected one of source, service, limit$/],
      [[], /^filter: expected an object with source, service, limit, received \[\]$/],
    ] as const) {
      assert.throws(() => readFilter(given), { name: "CommandError", message });
    }
  });
});

describe("rate limits", () => {
  const rule: LimitRule = {
    ...{ id: "global:user_id", scope: "node", service: null, requestType: null, key: "user_id" },
    ...{ maxRequests: 10, windowMs: 2_000 },
  };
  const ofApi: LimitRule = { ...rule, id: "api", service: "users", requestType: "get" };
  const shard: ShardStatistics = {
    ...{ name: "limiter-1", keys: 3, requests: 5, bytes: 1_025, capacityBytes: 1 },
    ...{ checked: 8, refused: 2, uncounted: 1, cleanedUp: 0 },
  };

  it("are listed, with what holds for all of them", () => {
    const text = formatLimits({ enabled: true, failOpen: true, rules: [rule, ofApi] });
    assert.match(text, /^rate limits are on; a request that cannot be counted passes$/m);
    assert.deepEqual(cells(text).slice(2), [
      ["global:user_id", "all calls", "user_id", "node", "10", "2 s"],
      ["api", "users/get", "user_id", "node", "10", "2 s"],
    ]);
    assert.equal(
      formatLimits({ enabled: false, failOpen: false, rules: [] }),
      "rate limits are off; a request that cannot be counted is refused\n" +
        "no limits; rlAdd(rule) adds one",
    );
  });

  it("name the limiters that do not answer, and how Redis is", () => {
    const quota = {
      ...{ isConnected: false, limiters: 0, checked: 4, refused: 3, uncounted: 2, outages: 1 },
    };
    const settings = { enabled: true, failOpen: true, rules: [rule] };
    const text = formatLimiters({ ...settings, shards: [shard, null], quota });
    assert.match(text, /^limiter-1 +3 +5 +2 +8 +2 +1$/m);
    assert.match(text, /^no answer from: limiter-2$/m);
    assert.match(text, /^Redis does not answer: 4 checked, 3 refused, 2 uncounted$/m);
    assert.doesNotMatch(formatLimiters({ ...settings, shards: [shard], quota: null }), /Redis/);
  });

  it("tell what a value has used, or that nobody knows", () => {
    const limits = [
      { ...rule, used: 4, remaining: 6, resetMs: 1_500 },
      { ...ofApi, used: 0, remaining: 10, resetMs: 0 },
      { ...ofApi, used: null, remaining: null, resetMs: null },
    ];
    assert.deepEqual(cells(formatUsage({ value: "ada", limits })).slice(2), [
      ["global:user_id", "all calls", "user_id", "4", "10", "6", "1 s"],
      ["api", "users/get", "user_id", "0", "10", "10", "-"],
      ["api", "users/get", "user_id", "no answer", "10", "?", "?"],
    ]);
    assert.equal(formatUsage({ value: "ada", limits: [] }), "no limits; rlAdd(rule) adds one");
  });

  it("tell what was added and what was forgotten", () => {
    assert.equal(
      formatAdded(ofApi),
      "added the limit api: 10 requests in 2 s for each user_id, of users/get",
    );
    assert.equal(
      formatReset({ value: "ada", limits: 2 }),
      'forgot what "ada" has used, under 2 limits',
    );
    assert.equal(formatReset({ value: "ada", limits: 0 }), '"ada" has used nothing');
    assert.equal(
      formatReset({ value: null, limits: 1 }),
      "1 limit of this node begins anew, for everybody",
    );
  });
});

describe("circuits, bulkheads and pools", () => {
  const record: BreakerRecord = {
    ...{ state: "open", since: 1_000, openUntil: 7_000, consecutiveFailures: 10 },
    ...{ failures: 12, calls: 20, reason: "10 failures in a row" },
  };
  const circuit: CircuitInfo = describeCircuit("local/users", record, 4_000);

  it("tell for how long a circuit has been open, and when it is tried", () => {
    assert.deepEqual([circuit.stateMs, circuit.probesInMs], [3_000, 3_000]);
    const late = describeCircuit("x", record, 9_000);
    assert.equal(late.probesInMs, 0);
    assert.equal(describeCircuit("x", { ...record, openUntil: null }, 0).probesInMs, null);
    assert.deepEqual(cells(formatCircuits({ enabled: true, circuits: [circuit] }))[1], [
      ...["local/users", "open", "3 s", "3 s", "12", "20", "10", "10 failures in a row"],
    ]);
    assert.match(formatCircuits({ enabled: false, circuits: [] }), /^circuit breakers are off/);
    assert.match(formatCircuits({ enabled: true, circuits: [] }), /^all circuits are closed/);
  });

  it("tell who is inside and who waits", () => {
    const text = formatBulkheads([
      { function: "a/b", held: 1, waiting: 2, maxConcurrent: 3, maxQueue: 4 },
      { function: "a/gone", held: null, waiting: null, maxConcurrent: null, maxQueue: null },
    ]);
    assert.deepEqual(cells(text).slice(1), [
      ["a/b", "1", "3", "2", "4"],
      ["a/gone", "no answer", "-", "no answer", "-"],
    ]);
  });

  it("tell what the pools do", () => {
    const pool = {
      ...{ name: "pool/async", threads: 2, maxThreads: 4, busy: 1, queued: 5, maxQueue: 10 },
      ...{ completed: 7, failed: 6, rejected: 3, killed: 8, utilization: 0.255 },
    };
    const text = formatPools({
      pools: [{ ...pool, openCircuits: 2 }],
      silent: ["pool/stream"],
    });
    assert.deepEqual(cells(text).slice(1), [
      ["pool/async", "2", "2 of 4", "1", "5 of 10", "7", "6", "3", "8", "26 %"],
      ["no answer from: pool/stream"],
    ]);
  });

  const well: Omit<Health, "status"> = {
    ...{ name: "gate", version: "1.0.0", uptimeMs: 5_000, threads: 3, silentThreads: [] },
    ...{ silentActors: [], actors: 20, sockets: 2, sessions: 1, inFlight: 0 },
    services: [{ name: "users", status: "running", reason: null }],
    ...{ downFiles: [], circuits: [], limits: null, nodes: null },
    pools: [{ name: "pool/async", busy: 1, maxThreads: 2, queued: 3, rejected: 4 }],
  };

  it("are well as long as nothing is down, open or silent", () => {
    assert.equal(decideStatus(well), "ok");
    for (const trouble of [
      { silentThreads: [2] },
      { silentActors: ["limits"] },
      { services: [{ name: "users", status: "down", reason: "why" }] },
      { downFiles: [{ path: "/a.json", reason: "why" }] },
      { circuits: [circuit] },
      { nodes: { connected: 1, missing: ["a@h:1"] } },
    ] satisfies Partial<Health>[]) {
      assert.equal(decideStatus({ ...well, ...trouble }), "degraded", JSON.stringify(trouble));
    }
  });

  it("are well while a half-open circuit waits for calls, which is listed all the same", () => {
    const waiting = { ...circuit, state: "half_open", probesInMs: null } as const;
    const health = { ...well, circuits: [waiting] };
    assert.equal(decideStatus(health), "ok");
    assert.match(formatHealth({ ...health, status: "ok" }), /local\/users is half-open: /);
    assert.equal(decideStatus({ ...well, circuits: [waiting, circuit] }), "degraded");
  });

  it("have a line of their own in the health when they are not", () => {
    const limits = { enabled: true, rules: 1, checked: 9, refused: 8, uncounted: 7 };
    const text = formatHealth({
      ...{ ...well, status: "degraded", limits, circuits: [circuit], silentActors: ["acceptor-2"] },
      services: [{ name: "users", status: "down", reason: "it crashed" }],
      downFiles: [{ path: "/a.json", reason: "no module" }],
      silentThreads: [2],
    });
    assert.deepEqual(text.split("\n"), [
      "gate is degraded: Troupe 1.0.0, up for 5 s",
      "3 threads, 20 actors, 1 services",
      "2 sockets, 1 sessions, 0 requests in flight",
      "pool/async: 1 of 2 threads busy, 3 waiting, 4 rejected",
      "1 rate limit: 9 requests checked, 8 refused, 7 uncounted",
      "users is down: it crashed",
      "/a.json is down: no module",
      "the circuit of local/users is open, probes in 3 s: 10 failures in a row",
      "no answer from threads: 2",
      "no answer from: acceptor-2",
    ]);
    assert.match(formatHealth({ ...well, status: "ok" }), /^gate is ok: /);
  });
});
