import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type CallInfo, remote, ServiceError } from "#actors";
import { runCommand } from "#runtime";
import { gatewayCommands } from "../../../actors/gateway/commands.ts";
import { defaultGatewayConfig, type GatewayConfig } from "../../../actors/gateway/config.ts";
import { startGateway } from "../../../actors/gateway/tree.ts";
import type { Response } from "../../../actors/request/index.ts";
import { startSystem } from "../../fixtures/running-system.ts";
import type CounterService from "../../fixtures/services/counter-service.ts";

const url = (name: string): string =>
  new URL(`../../fixtures/services/${name}`, import.meta.url).href;

type Call = (type: string, args?: object, as?: object) => Promise<Response>;

/** A gateway with services that call one another; the result calls as an operator does. */
async function start(t: TestContext): Promise<Call> {
  const { system } = await startSystem(t);
  const services = ["counter-service.ts", "relay-service.ts", "remote-service.ts"].map(url);
  const config: GatewayConfig = { ...defaultGatewayConfig, port: 0, services };
  await startGateway(system, config);
  const table = gatewayCommands(() => ({ system, config }));
  return async (type, args = {}, as = {}) => {
    const answer = await runCommand(table, "call", ["remote_service", type, args, as]);
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer.value as Response;
  };
}

const ada = { user_id: "ada", user_roles: ["admin"], device_id: "d1" };

describe("a remote service", () => {
  it("is called out of handlers, for their client and within their deadline", async (t) => {
    const call = await start(t);
    assert.equal((await call("add", { by: 2 })).result, 2);
    for (const type of ["whoami", "whoami_on_a_pool", "whoami_of_a_class"]) {
      const { requestId, ...who } = (await call(type, {}, ada)).result as CallInfo;
      assert.deepEqual(who, { userId: "ada", userRoles: ["admin"], deviceId: "d1" }, type);
      assert.match(requestId, /^console_/, type);
    }
    const [chunk] = (await call("values", {}, ada)).result as CallInfo[];
    assert.equal(chunk?.userId, "ada", "a stream");
    const refused = await call("refuse");
    assert.deepEqual([refused.code, refused.error], ["refused", "Not today"]);
    for (const type of ["left", "left_on_a_pool"]) {
      const left = (await call(type)).result as number;
      assert.ok(left > 0 && left <= 700, `${type}: ${left}`);
    }
    const stuck = await call("stuck_on_a_pool");
    assert.equal(stuck.code, "cancelled", JSON.stringify(stuck));
  });

  it("is called by the node itself where no handler is at work", async (t) => {
    await start(t);
    const counter = remote<typeof CounterService>("counter_service", { timeoutMs: 5_000 });
    assert.equal(await counter.add({ by: 3 }), 3);
    const { userId, userRoles, requestId } = await counter.whoami({});
    assert.deepEqual([userId, userRoles], [null, []]);
    const another = await counter.whoami({});
    assert.notEqual(another.requestId, requestId);
    await assert.rejects(counter.refuse({}), (error: unknown) => {
      assert.ok(error instanceof ServiceError);
      assert.deepEqual([error.code, error.message], ["refused", "Not today"]);
      return true;
    });
    await assert.rejects(counter.add({ by: "x" } as never), { code: "invalid_arguments" });
    await assert.rejects(remote("no_service")["f"]?.() ?? Promise.resolve(), {
      code: "unsupported_function",
    });
    await assert.rejects(counter.value({}, { version: "1.0.0" }), {
      code: "unsupported_function",
    });
  });

  it("goes where it is told to", async (t) => {
    await start(t);
    const here = remote<typeof CounterService>("counter_service", { select: "local" });
    assert.equal(await here.add({ by: 1 }), 1);
    const nowhere = remote<typeof CounterService>("counter_service", {
      select: ["users@127.0.0.1:1"],
    });
    await assert.rejects(nowhere.value({}), { code: "unavailable" });
    const byTurns = remote<typeof CounterService>("counter_service", { select: "round_robin" });
    assert.equal(await byTurns.value({}), 1);
    assert.equal(await nowhere.value({}, { select: "least_loaded", retry: 1 }), 1);
  });

  it("is unavailable where there is no node, and is no promise", async () => {
    const users = remote("user_service");
    await assert.rejects(users["get_user"]?.({ user_id: "1" }) ?? Promise.resolve(), {
      code: "unavailable",
      message: "user_service.get_user: no node runs on this thread",
    });
    assert.equal(await users, users);
    assert.equal(users["get_user"], users["get_user"]);
  });

  for (const [options, message] of [
    [{ timeout: 1 }, "remote x: unknown option timeout: expected one of version, timeoutMs, "],
    [{ timeoutMs: 0 }, "remote x: timeoutMs: expected a number > 0, received 0"],
    [{ select: "nearest" }, 'remote x: select: expected one of "random", '],
    [{ retry: -1 }, "remote x: retry: expected an integer of 0 to 10"],
    [{ version: 2 }, "remote x: version: expected a text, received 2"],
  ] as const) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => remote("x", options as object),
        (error: unknown) => {
          assert.ok(error instanceof TypeError);
          assert.ok(error.message.startsWith(message), error.message);
          return true;
        },
      );
    });
  }
});
