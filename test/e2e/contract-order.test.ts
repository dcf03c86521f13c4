import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import { breakerDefaults } from "../../actors/breaker/index.ts";
import { type Settings, settingsName } from "../../actors/gateway/settings.ts";
import { parseLimitConfig } from "../../actors/limits/index.ts";
import { eventually } from "./deadline.ts";
import { fileScope } from "./gateway-process.ts";
import { startStage } from "./gateway-stage.ts";
import { type Answer, Lobby } from "./lobby.ts";

// CONTRACT, section 4: each step of a request hides those that follow it.

const service = "contract_service";
const limits = parseLimitConfig({
  globalLimits: [{ key: "tenant", maxRequests: 2, windowMs: 600_000 }],
  apiLimits: [
    { service, requestType: "steps", key: "bucket", maxRequests: 1, windowMs: 600_000 },
    { service, requestType: "disabled", key: "bucket", maxRequests: 1, windowMs: 600_000 },
  ],
});
assert.ok(limits.ok);

const apiOnly = { ...limits.config, rules: limits.config.rules.filter((rule) => rule.service) };
const stage = await startStage(fileScope(), {
  services: ["contract-service.ts"],
  rateLimits: apiOnly,
  // A function that fails on purpose is called until its detail is told.
  breaker: { ...breakerDefaults, enabled: false },
  channels: [
    { topic: "api:*", event: "api", requireVerifiedUserId: false },
    { topic: "strict:*", event: "api" },
  ],
});

/** Everything that can be wrong with a call of `steps`. */
const allWrong = { hook: "refuses", bucket: "used", user_id: "bob", message: 1, more: true };

const told = ({ code, error }: Answer): unknown => [code, error];

describe("the steps of a request", () => {
  it("come in their order: each hides what is wrong behind it", async (t) => {
    const nobody = await Lobby.join(t, stage.url, { query: "", topic: "strict:1" });
    const lobby = await Lobby.join(t, stage.url);
    const steps = (args: object, more?: object): Promise<Answer> =>
      lobby.call(service, "steps", args, more);
    const right = { hook: "", bucket: "used", user_id: "alice", message: "done" };
    assert.deepEqual((await steps(right))["result"], { noted: "done" }, "the bucket is used up");

    const malformed = await nobody.push({ service, args: allWrong });
    assert.equal(malformed.responses[0]?.["code"], "invalid_request");
    const unknownUser = await nobody.call(service, "nothing", allWrong);
    assert.equal(unknownUser["code"], "authentication_required");
    assert.equal((await lobby.call(service, "nothing", allWrong))["code"], "unsupported_function");
    assert.equal((await lobby.call(service, "disabled", allWrong))["code"], "disabled_function");
    assert.equal((await lobby.call(service, "disabled", allWrong))["code"], "disabled_function");
    assert.deepEqual(told(await steps(allWrong)), ["hook_rejected", "hook rejected (noted)"]);

    const unhooked = { ...allWrong, hook: "" };
    const limited = await steps(unhooked);
    assert.equal(limited["code"], "rate_limited");
    assert.match(
      String(limited["error"]),
      /^Rate limit exceeded\. Retry after \d+ seconds\. \(noted\)$/,
    );
    assert.equal(limited["can_retry"], true);
    assert.ok(Number(limited["retry_after_ms"]) > 0, "a hook keeps what it does not change");

    const fresh = (bucket: string): object => ({ ...unhooked, bucket });
    assert.deepEqual(told(await steps(fresh("b1"))), [
      "permission_denied",
      "Permission denied (noted)",
    ]);
    const own = { ...fresh("b2"), user_id: "alice" };
    const invalid = await lobby.ask(service, "steps", own);
    assert.equal(invalid.status, "error");
    assert.deepEqual(told(invalid.responses[0] as Answer), [
      "invalid_arguments",
      'extra arguments for "steps", extra: ["more"] (noted)',
    ]);
    const done = await steps({ ...right, bucket: "b3" });
    assert.deepEqual(done["result"], { noted: "done" });
  });

  it("come before a node is chosen", async (t) => {
    const lobby = await Lobby.join(t, stage.url);
    const wrong = await lobby.call(service, "steps_down", { message: 1 });
    assert.equal(wrong["code"], "invalid_arguments");
    const down = await lobby.call(service, "steps_down", { message: "right" });
    assert.deepEqual([down["code"], down["can_retry"]], ["unavailable", true]);
  });

  it("count what they let through: a request that a hook refuses takes no place", async (t) => {
    const lobby = await Lobby.join(t, stage.url);
    const right = { bucket: "hooked first", user_id: "alice", message: "done" };
    const refused = await lobby.call(service, "steps", { ...right, hook: "refuses" });
    assert.equal(refused["code"], "hook_rejected");
    const denied = await lobby.call(service, "steps", { ...right, hook: "", user_id: "bob" });
    assert.equal(denied["code"], "permission_denied", "the hook's refusal was not counted");
    const limited = await lobby.call(service, "steps", { ...right, hook: "" });
    assert.equal(limited["code"], "rate_limited", "that of the permission was");
  });

  it("see what the hook before them has changed", async (t) => {
    const lobby = await Lobby.join(t, stage.url);
    assert.equal((await lobby.call(service, "shouted", { message: "hey" }))["result"], "hey!");
    const tooLong = await lobby.call(service, "shouted", { message: "four" });
    assert.match(String(tooLong["error"]), /"message", max 4 bytes/);
  });
});

describe("limits", () => {
  it("are global first, then of the function; what is refused is counted by none", async (t) => {
    const limited = await startStage(t, {
      services: ["contract-service.ts"],
      rateLimits: limits.config,
    });
    const lobby = await Lobby.join(t, limited.url, { query: "user_id=alice&tenant=one" });
    const steps = (bucket: string): Promise<Answer> =>
      lobby.call(service, "steps", { bucket, user_id: "alice", message: "done" });
    const echo = (): Promise<Answer> => lobby.call(service, "echo", { message: 1 });
    assert.equal((await steps("a"))["success"], true);
    assert.equal((await steps("a"))["code"], "rate_limited", "by the function's limit");
    assert.equal((await echo())["success"], true, "which took no place of the global one");
    assert.equal((await echo())["code"], "rate_limited", "by the global limit");
    const other = await Lobby.join(t, limited.url, { query: "user_id=alice&tenant=two" });
    assert.equal((await other.call(service, "echo", { message: 1 }))["success"], true);
  });
});

describe("the details of an error", () => {
  const call = async (lobby: Lobby, type: string): Promise<unknown> =>
    (await lobby.call(service, type, { n: 1 }))["error"];

  it("are in the log alone, until an operator wants them told", async (t) => {
    const lobby = await Lobby.join(t, stage.url);
    const settings = (stage.system.resolve(settingsName) as ActorRef<Settings>).ask;
    assert.equal(await call(lobby, "sync_fails"), "Internal Server Error");
    await stage.log.first(({ fields }) => fields["error"] === "secret detail");
    await settings.changeDetailError(true);
    const detailed = "Internal Server Error: secret detail";
    await eventually(
      () => call(lobby, "sync_fails"),
      (error) => error === detailed,
      "the detail is told",
    );
    await settings.changeDetailError(false);
    await eventually(
      () => call(lobby, "sync_fails"),
      (error) => error === "Internal Server Error",
      "the detail is told no more",
    );
  });

  it("are told where the configuration says so, those of a refusal are the same", async (t) => {
    const open = await startStage(t, { services: ["contract-service.ts"], detailError: true });
    const lobby = await Lobby.join(t, open.url);
    for (const type of ["sync_fails", "stream_fails"]) {
      assert.equal(await call(lobby, type), "Internal Server Error: secret detail");
    }
    await lobby.call(service, "async_fails", { n: 1 });
    assert.equal((await lobby.next())["error"], "Internal Server Error: secret detail");
    assert.equal(await call(lobby, "sync_denied"), "Permission denied");
    assert.equal((await lobby.call(service, "refuses"))["error"], "None left");
  });
});
