import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { breakerDefaults } from "../../actors/breaker/index.ts";
import { parseLimitConfig } from "../../actors/limits/index.ts";
import { ERROR_CODES, type ErrorCode } from "../../actors/request/error-codes.ts";
import { eventually } from "./deadline.ts";
import { fileScope } from "./gateway-process.ts";
import { startStage } from "./gateway-stage.ts";
import { type Answer, Lobby } from "./lobby.ts";

// CONTRACT, section 8: a client can be told every code, and what it may make of it.

const service = "contract_service";
const limits = parseLimitConfig({
  apiLimits: [
    { service, requestType: "sync_limited", key: "user_id", maxRequests: 1, windowMs: 60_000 },
  ],
});
assert.ok(limits.ok);

const scope = fileScope();
const folder = mkdtempSync(join(tmpdir(), "troupe-codes-"));
scope.after(() => rmSync(folder, { recursive: true }));
const stage = await startStage(scope, {
  services: ["contract-service.ts", "doomed-service.ts", "failing-service.ts"],
  rateLimits: limits.config,
  breaker: { ...breakerDefaults, consecutiveFailures: 3, cooldownMs: 60_000 },
  channels: [
    { topic: "api:*", event: "api" },
    { topic: "strict:*", event: "api" },
  ],
});

const n = { n: 1 };

/** How a client comes to be told each code: the failing Response. */
const scenarios: Readonly<Record<ErrorCode, (lobby: Lobby) => Promise<Answer>>> = {
  invalid_request: async (lobby) => (await lobby.push({})).responses[0] as Answer,
  authentication_required: async () => {
    const nobody = await Lobby.join(scope, stage.url, { query: "", topic: "strict:1" });
    return nobody.call(service, "echo", { message: 1 });
  },
  unsupported_function: (lobby) => lobby.call(service, "nothing"),
  disabled_function: (lobby) => lobby.call(service, "disabled"),
  hook_rejected: (lobby) => lobby.call(service, "sync_hooked", n),
  rate_limited: async (lobby) => {
    await lobby.call(service, "sync_limited", n);
    return lobby.call(service, "sync_limited", n);
  },
  permission_denied: (lobby) => lobby.call(service, "sync_denied", n),
  invalid_arguments: (lobby) => lobby.call(service, "sync_ok"),
  unavailable: (lobby) => lobby.call(service, "sync_down", n),
  circuit_open: (lobby) =>
    eventually(
      () => lobby.call("failing_service", "fails"),
      ({ code }) => code !== "internal",
      "the circuit opens",
    ),
  queue_full: async (lobby) => {
    const other = await Lobby.join(scope, stage.url);
    const key = "only one";
    other.begin(service, "alone", { key });
    await eventually(
      async () => ((await lobby.call(service, "seen"))["result"] as { held: number }).held,
      (held) => held === 1,
      "the only place is taken",
    );
    const refused = await lobby.call(service, "alone", { key: "another" });
    await lobby.call(service, "release", { key });
    assert.equal((await other.next())["result"], key);
    return refused;
  },
  timeout: (lobby) => lobby.call(service, "never"),
  cancelled: async (lobby) => {
    const { request_id } = await lobby.call(service, "ticks");
    const { responses } = await lobby.push({ request_id }, "stop_stream");
    return responses.at(-1) as Answer;
  },
  outcome_unknown: (lobby) =>
    lobby.call("doomed_service", "die_once", { marker: join(folder, "1") }),
  internal: (lobby) => lobby.call(service, "sync_fails", n),
};

/** Codes that tell when to come back. */
const timed: readonly string[] = ["rate_limited", "circuit_open"];
const retryable = ["rate_limited", "unavailable", "circuit_open", "queue_full"];

describe("a failing Response", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    it(`may have the code ${code}`, async (t) => {
      const scenario = scenarios[code];
      assert.ok(scenario, "there is a way to be told every code");
      const response = await scenario(await Lobby.join(t, stage.url));
      const { error, request_id, retry_after_ms, ...rest } = response;
      assert.deepEqual(rest, {
        ...{ async: false, success: false, result: null, has_more: false, code },
        can_retry: retryable.includes(code),
      });
      assert.ok(typeof error === "string" && error !== "");
      assert.ok(typeof request_id === "string" && request_id !== "");
      if (!timed.includes(code)) assert.equal(retry_after_ms, undefined);
      else {
        assert.ok(Number.isInteger(retry_after_ms), String(retry_after_ms));
        assert.ok(Number(retry_after_ms) > 0 && Number(retry_after_ms) <= 60_000);
      }
    });
  }

  it("may have no other code of the gateway's", () => {
    assert.deepEqual(Object.keys(scenarios).sort(), Object.keys(ERROR_CODES).sort());
  });

  it("may have a code that a service brings", async (t) => {
    const lobby = await Lobby.join(t, stage.url);
    const { code, error, can_retry } = await lobby.call(service, "refuses");
    assert.deepEqual([code, error, can_retry], ["sold_out", "None left", false]);
  });

  it("is spared the client where the function may be called again", async (t) => {
    const lobby = await Lobby.join(t, stage.url);
    const args = { marker: join(folder, "2") };
    const response = await lobby.call("doomed_service", "idempotent_die_once", args);
    assert.equal(response["result"], "alive", String(response["error"]));
  });
});
