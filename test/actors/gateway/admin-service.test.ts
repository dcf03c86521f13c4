import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { settingsTable } from "../../../actors/execution/index.ts";
import { adminChildren } from "../../../actors/gateway/admin-children.ts";
import type { AdminAction } from "../../../actors/gateway/admin-gate.ts";
import { adminActions } from "../../../actors/gateway/admin-gate.ts";
import { AdminService } from "../../../actors/gateway/admin-service.ts";
import { Settings, settingsName } from "../../../actors/gateway/settings.ts";
import { Limits, limitsName, parseLimitConfig } from "../../../actors/limits/index.ts";
import {
  type FunConfig,
  Registry,
  registryName,
  registryTable,
} from "../../../actors/registry/index.ts";
import { type ActorRef, createSystem, type System } from "../../../runtime/index.ts";

const info = { requestId: "r1", userId: "ada", userRoles: ["admin"], deviceId: null };
const user = { ...info, userRoles: ["user"] };

interface Stage {
  readonly system: System;
  readonly admin: ActorRef<AdminService>["ask"];
  readonly log: { readonly message: string; readonly fields: unknown }[];
}

async function stage(
  t: TestContext,
  actions: readonly AdminAction[] = adminActions,
  pushToken: string | null = null,
): Promise<Stage> {
  const log: { message: string; fields: unknown }[] = [];
  const system = await createSystem({
    threads: 0,
    strictMessages: true,
    log: (_level, message, fields) => log.push({ message, fields }),
  });
  t.after(() => system.stop());
  await system.spawn(Registry, { name: registryName });
  const limits = parseLimitConfig({
    globalLimits: [{ key: "user_id", maxRequests: 5, windowMs: 1_000 }],
    apiLimits: [{ service: "s", requestType: "t", key: "user_id", maxRequests: 1, windowMs: 9 }],
  });
  assert.ok(limits.ok);
  await system.spawn(Limits, { name: limitsName, args: [limits.config, 1] });
  await system.spawn(Settings, { name: settingsName, args: ["troupe"] });
  const args: [ConstructorParameters<typeof AdminService>[0]] = [{ actions, pushToken }];
  const { ask } = await system.spawn(AdminService, { name: "admin_service", args });
  return { system, admin: ask, log };
}

const entry = (requestType: string): Record<string, unknown> => ({
  ...{ service: "pushed", request_type: requestType, nodes: "local" },
  mfa: { module: "pushed", function: requestType, args: [] },
  ...{ arg_types: null, arg_orders: "map" },
});

function functions(system: System, service: string): string[] {
  const entries = [...system.table<FunConfig>(registryTable).entries()].map(([, one]) => one);
  return entries.filter((one) => one.service === service).map(({ requestType }) => requestType);
}

test("the functions are those that are allowed, for administrators", async (t) => {
  const { system, admin } = await stage(t, ["push_config", "enable_tracing", "push_config"]);
  assert.deepEqual(functions(system, "admin_service"), ["push_config", "enable_tracing"]);
  for (const [, config] of system.table<FunConfig>(registryTable).entries()) {
    assert.deepEqual(config.checkPermission, { role: ["admin"] });
  }
  const denied = { code: "permission_denied" };
  await assert.rejects(admin.change_detail_error({ enabled: true }, info), denied);
  await assert.rejects(admin.disable_tracing({}, info), denied);
  await assert.rejects(admin.push_config({ configs: [] }, user), denied);
  assert.deepEqual([...system.table(settingsTable).entries()], [["nodeName", "troupe"]]);
});

test("all functions are valid for the registry", async (t) => {
  const { system } = await stage(t);
  assert.deepEqual(functions(system, "admin_service"), [...adminActions]);
});

test("functions are pushed, all or none", async (t) => {
  const { system, admin, log } = await stage(t);
  assert.deepEqual(await admin.push_config({ configs: [entry("a"), entry("b")] }, info), {
    added: 2,
  });
  assert.deepEqual(functions(system, "pushed"), ["a", "b"]);
  const bad = { ...entry("d"), timeout: "soon" };
  await assert.rejects(admin.push_config({ configs: [entry("c"), bad] }, info), {
    code: "invalid_config",
    message: /timeout/,
  });
  assert.deepEqual(functions(system, "pushed"), ["a", "b"]);
  assert.deepEqual(log.find(({ message }) => message === "admin action")?.fields, {
    ...(log.find(({ message }) => message === "admin action")?.fields as object),
    ...{ action: "push_config", userId: "ada", allowed: true },
  });
});

test("with a push token nothing is pushed without it, and it stands in no log", async (t) => {
  const { system, admin, log } = await stage(t, ["push_config"], "t0ken-of-push");
  const configs = [entry("a")];
  for (const token of [undefined, "", "t0ken-of-pus", "t0ken-of-push!"]) {
    const args = token === undefined ? { configs } : { configs, token };
    await assert.rejects(admin.push_config(args, info), { code: "permission_denied" });
  }
  assert.deepEqual(functions(system, "pushed"), []);
  await admin.push_config({ configs, token: "t0ken-of-push" }, info);
  assert.deepEqual(functions(system, "pushed"), ["a"]);
  assert.ok(!JSON.stringify(log).includes("t0ken"));
});

test("limits are replaced by kind, in either spelling", async (t) => {
  const { system, admin } = await stage(t);
  const limits = system.resolve(limitsName) as ActorRef<Limits>;
  const ids = async (): Promise<string[]> => (await limits.ask.config()).rules.map(({ id }) => id);
  const globalLimits = [{ key: "ip_address", max_requests: 3, windowMs: 10 }];
  assert.deepEqual(await admin.update_rate_limit_config({ globalLimits }, info), { limits: 2 });
  assert.deepEqual((await ids()).sort(), ["global:ip_address", "s/t:user_id"]);
  assert.deepEqual(await admin.update_rate_limit_config({ api_limits: [] }, info), { limits: 1 });
  assert.deepEqual(await ids(), ["global:ip_address"]);
  const nameless = { apiLimits: [{ key: "user_id", maxRequests: 1, windowMs: 1 }] };
  const stray = { globalLimits: [{ ...globalLimits[0], service: "s", requestType: "t" }] };
  const broken = { globalLimits: [{ key: "user_id", maxRequests: 0, windowMs: 1 }] };
  for (const lists of [nameless, stray, broken]) {
    await assert.rejects(admin.update_rate_limit_config(lists, info), { code: "invalid_limit" });
  }
  assert.deepEqual(await ids(), ["global:ip_address"]);
});

test("details of errors and tracing are settings that every thread reads", async (t) => {
  const { system, admin } = await stage(t);
  const table = system.table(settingsTable);
  assert.deepEqual(await admin.change_detail_error({ enabled: true }, info), {
    detail_error: true,
  });
  assert.equal(table.get("detailError"), true);
  await admin.change_detail_error({ enabled: false }, info);
  assert.equal(table.get("detailError"), false);
  await admin.enable_tracing({}, info);
  await admin.enable_tracing({ service: "s" }, info);
  await admin.enable_tracing({}, info);
  assert.deepEqual(await admin.enable_tracing({ service: "s", request_type: "t" }, info), {
    tracing: [
      { service: "s", request_type: null },
      { service: null, request_type: null },
      { service: "s", request_type: "t" },
    ],
  });
  assert.deepEqual(table.get("tracing"), [
    { service: "s", requestType: null },
    { service: null, requestType: null },
    { service: "s", requestType: "t" },
  ]);
  assert.deepEqual(await admin.disable_tracing({}, info), { tracing: [] });
  assert.equal(table.has("tracing"), false);
});

test("what cannot be done at the moment is an answer, not a crash", async (t) => {
  const { system, admin } = await stage(t);
  const settings = system.resolve(settingsName);
  assert.ok(settings);
  system.killActor(settings, "test");
  const outcome = admin.enable_tracing({}, info);
  await outcome.catch((error) => assert.equal(error.code, "unavailable"));
  assert.equal((await admin.update_rate_limit_config({}, info)).limits, 2);
});

test("there is no admin service where nothing is allowed", () => {
  const ids = (actions: readonly AdminAction[]): (string | undefined)[] =>
    adminChildren({ adminActions: actions, pushToken: null }).map(({ id }) => id);
  assert.equal(ids([]).length, 0);
  assert.equal(ids(["push_config"]).length, 1);
});
