import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SignJWT } from "jose";
import { channelDefaults, claimPort, defaultClaimNames } from "../../../actors/channel/index.ts";
import { Acceptor } from "../../../actors/gateway/acceptor.ts";
import type { AdminAction } from "../../../actors/gateway/admin-gate.ts";
import { AdminService } from "../../../actors/gateway/admin-service.ts";
import { defaultGatewayConfig, type GatewayConfig } from "../../../actors/gateway/config.ts";
import { Settings, settingsName } from "../../../actors/gateway/settings.ts";
import { Registry, registryName } from "../../../actors/registry/index.ts";
import { createSystem, type System, systemClock } from "../../../runtime/index.ts";
import { Client } from "../channel/client.ts";

const secret = "0123456789abcdef0123456789abcdef";

interface Stage {
  readonly system: System;
  /** Calls a function of the admin service as a user with these roles; the Response. */
  call(roles: string[], action: string, args?: object): Promise<Record<string, unknown>>;
}

async function stage(t: TestContext, actions: readonly AdminAction[]): Promise<Stage> {
  const system = await createSystem({ threads: 0, strictMessages: true });
  t.after(() => system.stop());
  const port = await claimPort("127.0.0.1", 0);
  const jwt = {
    ...{ secret, jwksUrl: null, jwksFile: null, algorithms: ["HS256"], issuer: null },
    ...{ audience: null, clockSkewSeconds: 5, claims: defaultClaimNames },
  };
  const config: GatewayConfig = {
    ...defaultGatewayConfig,
    ...{ port, adminActions: actions, auth: { jwt } },
    channels: [{ ...channelDefaults, topic: "api:*", event: "api" }],
  };
  await system.spawn(Registry, { name: registryName });
  await system.spawn(Settings, { name: settingsName, args: ["troupe"] });
  if (actions.length > 0) {
    const args: ConstructorParameters<typeof AdminService> = [{ actions, pushToken: null }];
    await system.spawn(AdminService, { name: "admin_service", args });
  }
  await system.spawn(Acceptor, { name: "acceptor-1", args: [config] });
  const call: Stage["call"] = async (roles, action, args = {}) => {
    const exp = systemClock.wallTime() / 1_000 + 60;
    const token = await new SignJWT({ sub: "ada", roles, exp })
      .setProtectedHeader({ alg: "HS256" })
      .sign(Buffer.from(secret));
    const query = `vsn=2.0.0&token=${token}`;
    const client = new Client(`ws://127.0.0.1:${port}/socket/websocket?${query}`);
    await client.open();
    await client.join("api:lobby", "1", { reply: "inline" });
    const request = { service: "admin_service", request_type: action, request_id: "r", args };
    client.send(["1", "2", "api:lobby", "api", request]);
    const [, , , , payload] = await client.next();
    client.ws.terminate();
    return (payload as { response: Record<string, unknown> }).response;
  };
  return { system, call };
}

test("an administrator does what is allowed, over a socket", async (t) => {
  const { system, call } = await stage(t, ["change_detail_error"]);
  const done = await call(["admin"], "change_detail_error", { enabled: true });
  assert.deepEqual([done["success"], done["result"]], [true, { detail_error: true }]);
  assert.equal(system.table("settings").get("detailError"), true);
  const wrong = await call(["admin"], "change_detail_error", { enabled: "yes" });
  assert.equal(wrong["code"], "invalid_arguments");
});

test("anybody else is denied", async (t) => {
  const { system, call } = await stage(t, ["change_detail_error"]);
  for (const roles of [[], ["user"], ["administrator"]]) {
    const denied = await call(roles, "change_detail_error", { enabled: true });
    assert.deepEqual([denied["success"], denied["code"]], [false, "permission_denied"]);
  }
  assert.equal(system.table("settings").has("detailError"), false);
});

test("what is not allowed is not there", async (t) => {
  const allowed = await stage(t, ["change_detail_error"]);
  const answer = await allowed.call(["admin"], "push_config", { configs: [] });
  assert.equal(answer["code"], "unsupported_function");
  const nothing = await stage(t, []);
  const none = await nothing.call(["admin"], "change_detail_error", { enabled: true });
  assert.equal(none["code"], "unsupported_function");
});
