import assert from "node:assert/strict";
import { it } from "node:test";
import { type Answer, runCommand } from "#runtime";
import { gatewayCommands } from "../../../actors/gateway/commands.ts";
import { type GatewayConfig, readConfig } from "../../../actors/gateway/config.ts";
import { parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";
import { startGateway } from "../../../actors/gateway/tree.ts";
import { startSystem } from "../../fixtures/running-system.ts";
import { Client } from "../channel/client.ts";

function demoConfig(): Promise<GatewayConfig> {
  const folder = new URL("fixtures", import.meta.url).pathname;
  const flags = parseFlags(["--demo", "--port", "0"], startFlags, []);
  return readConfig({ flags, environment: {}, folder }, startFlags);
}

/** A user on the demo's channel for calls, which is no group's. */
class User {
  readonly client: Client;
  #refs = 1;

  constructor(url: string, userId: string) {
    this.client = new Client(`${url}/websocket?vsn=2.0.0&user_id=${userId}`);
  }

  async join(): Promise<this> {
    await this.client.open();
    await this.client.join("api:lobby", "1", { reply: "inline" });
    return this;
  }

  /** The Response, and what was pushed before it. */
  async call(type: string, args: object): Promise<Record<string, unknown>> {
    this.#refs += 1;
    const ref = String(this.#refs);
    const request = { service: "chat_service", request_type: type, request_id: `r${ref}`, args };
    this.client.send(["1", ref, "api:lobby", "api", request]);
    const { response } = await this.#until(([, replied]) => replied === ref);
    return response as Record<string, unknown>;
  }

  /** The next message of a group. */
  async message(): Promise<Record<string, unknown>> {
    const { result } = await this.#until(([, , , event]) => event === "api");
    return result as Record<string, unknown>;
  }

  async #until(fits: (frame: readonly unknown[]) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const frame = await this.client.next();
      if (fits(frame)) return frame[4] as Record<string, unknown>;
    }
  }
}

it("sessions of ordinary channels chat, over threads, and operators see the groups", async (t) => {
  const { system } = await startSystem(t);
  const config = await demoConfig();
  const gateway = await startGateway(system, config);
  const args = { group_id: "porch" };
  const ada = await new User(gateway.url, "ada").join();
  const created = await ada.call("create_group", { ...args, type: "private" });
  assert.partialDeepStrictEqual(created, { success: true, result: { role: "admin" } });
  // Enough sockets for both threads to have some.
  const names = ["bea", "cyd", "dan", "eve", "fay", "gus"];
  const users = await Promise.all(names.map((name) => new User(gateway.url, name).join()));
  for (const [index, user] of users.entries()) {
    const joined = await user.call("join_group", args);
    assert.partialDeepStrictEqual(joined, { success: true, result: { status: "pending" } });
    const refused = await user.call("send_message", { ...args, message: "let me in" });
    assert.partialDeepStrictEqual(refused, { success: false, code: "membership_pending" });
    await ada.call("accept_member", { ...args, user_id: names[index] });
  }
  const sent = await ada.call("send_message", { ...args, message: { hello: "all" } });
  assert.partialDeepStrictEqual(sent["result"], { status: "relayed", recipients_count: 7 });
  for (const user of users) {
    assert.partialDeepStrictEqual(await user.message(), {
      ...{ group_id: "porch", from_user_id: "ada", message: { hello: "all" }, offset: 1 },
    });
  }
  const missing = await ada.call("group_info", { group_id: "attic" });
  assert.deepEqual([missing["code"], missing["error"]], ["group_not_found", "Group not found"]);

  const table = gatewayCommands(() => ({ system, config }));
  const run = (name: string, ...given: unknown[]): Promise<Answer> =>
    runCommand(table, name, given);
  assert.match(JSON.stringify(await run("groups")), /porch/);
  assert.match(JSON.stringify(await run("groupInfo", "porch")), /"bea/);
  await run("deleteGroup", "porch");
  assert.doesNotMatch(JSON.stringify(await run("groups")), /porch/);
  assert.match(JSON.stringify(await run("restart", "fanout-1")), /> is now </);
  for (const { client } of [ada, ...users]) client.ws.terminate();
});
