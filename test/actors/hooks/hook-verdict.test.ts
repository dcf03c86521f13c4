import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { changeConfig } from "../../../actors/hooks/hook-config.ts";
import { encodeHookRequest } from "../../../actors/hooks/hook-request.ts";
import { decideAfter, decideBefore, isNonsense } from "../../../actors/hooks/hook-verdict.ts";
import { failureResponse, successResponse } from "../../../actors/request/response.ts";
import { caller, funConfig, info, request } from "./hook-kit.ts";

const config = funConfig();
const seen = encodeHookRequest(request, info, caller);
const before = (value: unknown) => decideBefore(value, request, config, seen);

/** What neither hook may return. */
const NONSENSE: readonly unknown[] = [
  ...[true, 0, 1, "", "no", Number.NaN, 5n, Symbol("s"), () => ({})],
  ...[[], [false], [{}], new Error("no"), new Map(), new Date(0), Object.create({ error: "no" })],
  ...[
    { ok: true },
    { eror: "typo" },
    { error: "" },
    { error: 1 },
    { error: null },
    { error: ["no"] },
  ],
  ...[{ error: "no", request: {} }, JSON.parse('{"__proto__":{"error":"no"}}')],
];

describe("what a beforeExecute hook returns", () => {
  it("nothing, null or no change lets the request go on as it is", () => {
    for (const value of [undefined, null, {}, { request: undefined, config: undefined }]) {
      assert.deepEqual(before(value), { ok: true, request, config });
    }
    for (const value of [{ request: seen }, { request: { ...seen } }, { config: {} }]) {
      const decided = before(value);
      assert.ok("ok" in decided && decided.ok);
      assert.equal(decided.request, request);
    }
  });

  it("false and an error refuse", () => {
    const refused = { ok: false, code: "hook_rejected" };
    assert.deepEqual(before(false), { ...refused, message: "hook rejected" });
    assert.deepEqual(before({ error: "Closed today" }), { ...refused, message: "Closed today" });
  });

  it("changes the arguments, and nothing else of the request", () => {
    const args = { item: "apple" };
    for (const change of [{ args }, { ...seen, args }, { requestId: "r1", args }]) {
      const decided = before({ request: change });
      assert.deepEqual(decided, { ok: true, request: { ...request, args }, config });
    }
    const others = [
      ...[
        { ...seen, args, userId: "root" },
        { args, requestId: "r2" },
        { args, service: "bank" },
      ],
      ...[
        { args, userRoles: ["admin"] },
        { args, userRoles: ["editor"] },
        { args, assigns: {} },
      ],
      ...[
        { args, version: null },
        { args, ipAddress: "::1" },
        { args, colour: "red" },
      ],
      ...[
        {},
        { args: null },
        { args: [] },
        { args: "x" },
        { requestId: "r1" },
        null,
        [],
        "x",
        false,
      ],
    ];
    for (const change of others) {
      assert.ok(isNonsense(before({ request: change })), JSON.stringify(change));
    }
    assert.deepEqual(request.args, { item: "pear", user_id: "alice" });
  });

  it("changes the config, validated as a whole", () => {
    for (const change of [
      { timeout: 200, checkPermission: "any_authenticated" },
      { timeout: 200, check_permission: "any_authenticated", version: "1.2.0", service: "shop" },
      { timeout: 200, checkPermission: "any_authenticated", retry: undefined },
    ]) {
      const decided = before({ config: change });
      const changed = { ...config, timeout: 200, checkPermission: "any_authenticated" };
      assert.deepEqual(decided, { ok: true, request, config: changed });
    }
    const both = before({ config: { disabled: true }, request: { args: {} } });
    assert.deepEqual(both, {
      ok: true,
      request: { ...request, args: {} },
      config: { ...config, disabled: true },
    });
    const invalid = [
      ...[{ timeout: 1 }, { timeout: null }, { colour: "red" }, { mfa: {} }, { service: "bank" }],
      ...[
        { requestType: "sell" },
        { request_type: "sell" },
        { version: "2.0.0" },
        { version: null },
      ],
      ...[{ responseType: "sync", response_type: "async" }, { checkPermission: { arg: "nobody" } }],
      ...[{ beforeExecute: { module: "node:fs", function: "rmSync" } }, null, [], "x", new Map()],
    ];
    for (const change of invalid) {
      assert.ok(isNonsense(before({ config: change })), JSON.stringify(change));
    }
    assert.equal(config.timeout, 5_000);
  });

  it("that never resets a field by naming it undefined", () => {
    const strict = funConfig({ checkPermission: "any_authenticated" });
    const decided = decideBefore({ config: { checkPermission: undefined } }, request, strict, seen);
    assert.ok("ok" in decided && decided.ok);
    assert.equal(decided.config.checkPermission, "any_authenticated");
  });

  for (const value of NONSENSE) {
    it(`refuses to understand ${typeof value} ${printed(value)}`, () => {
      assert.ok(isNonsense(before(value)));
    });
  }

  it("never changes who asks, for what", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (one, other) => {
        for (const value of [one, { request: one, config: other }, { request: { args: one } }]) {
          const decided = before(value);
          if (isNonsense(decided) || !decided.ok) continue;
          assert.deepEqual({ ...decided.request, args: request.args }, request);
          assert.equal(decided.config.service, "shop");
          assert.equal(decided.config.version, "1.2.0");
        }
      }),
    );
  });
});

describe("a changed config", () => {
  it("is the same object for the same change, as long as the change is fresh", () => {
    const original = funConfig();
    const change = { timeout: 300, mfa: { module: "shop", function: "sell", args: [1] } };
    const first = changeConfig(original, change);
    const again = changeConfig(original, structuredClone(change));
    assert.ok(first.ok && again.ok);
    assert.equal(again.config, first.config);
    change.mfa.args[0] = 2;
    const other = changeConfig(original, change);
    assert.ok(other.ok);
    assert.deepEqual(other.config.mfa.args, [2]);
    for (let timeout = 1_000; timeout < 1_100; timeout += 1) changeConfig(original, { timeout });
    const late = changeConfig(original, { ...change, mfa: { ...change.mfa, args: [1] } });
    assert.ok(late.ok);
    assert.notEqual(late.config, first.config);
    assert.deepEqual(late.config, first.config);
  });
});

describe("what an afterExecute hook returns", () => {
  const success = { ...successResponse("r1", { a: 1 }), async: true, has_more: true };
  const failure = failureResponse("r1", "rate_limited", "Too fast", 250);

  it("nothing or null keeps the Response", () => {
    for (const response of [success, failure]) {
      assert.equal(decideAfter(undefined, response), response);
      assert.equal(decideAfter(null, response), response);
    }
  });

  it("a result makes it a success", () => {
    const { async, has_more } = success;
    assert.deepEqual(decideAfter({ result: 7 }, success), { ...success, result: 7 });
    assert.deepEqual(decideAfter({ result: 7 }, failure), successResponse("r1", 7));
    for (const result of [null, undefined, false, 0, ""]) {
      const expected = { ...successResponse("r1", result), async, has_more };
      assert.deepEqual(decideAfter({ result }, success), expected);
    }
  });

  it("an error makes it a failure, which keeps its code unless it gets another", () => {
    const { async, has_more } = success;
    assert.deepEqual(decideAfter({ error: "No" }, success), {
      ...failureResponse("r1", "hook_rejected", "No"),
      async,
      has_more,
    });
    assert.deepEqual(decideAfter({ error: "No", code: "out_of_stock" }, success), {
      ...failureResponse("r1", "out_of_stock", "No"),
      async,
      has_more,
    });
    assert.deepEqual(decideAfter({ error: "No" }, failure), { ...failure, error: "No" });
    assert.deepEqual(
      decideAfter({ error: "No", code: "unavailable" }, failure),
      failureResponse("r1", "unavailable", "No"),
    );
  });

  const others = [
    ...[
      false,
      {},
      { result: 1, error: "no" },
      { result: 1, code: "x" },
      { code: "x" },
      { request: {} },
    ],
    ...[
      { error: "no", code: "" },
      { error: "no", code: 1 },
      { error: "no", code: "x".repeat(257) },
    ],
    ...[
      { result: 1, request_id: "r2" },
      { result: 1, async: false },
      { result: 1, has_more: false },
    ],
  ];
  for (const value of [...NONSENSE, ...others]) {
    it(`refuses to understand ${typeof value} ${printed(value)}`, () => {
      assert.ok(isNonsense(decideAfter(value, success)));
    });
  }

  it("never changes which request it answers, or what follows", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (one, other) => {
        for (const value of [one, { result: one }, { error: one, code: other }, { error: "no" }]) {
          const decided = decideAfter(value, success);
          if (isNonsense(decided)) continue;
          assert.equal(decided.request_id, "r1");
          assert.equal(decided.async, true);
          assert.equal(decided.has_more, true);
        }
      }),
    );
  });
});

function printed(value: unknown): string {
  if (typeof value === "bigint" || typeof value === "symbol") return value.toString();
  return (JSON.stringify(value) ?? "").slice(0, 60);
}
