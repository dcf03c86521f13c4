import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommand } from "#runtime";
import { freePorts } from "#runtime/testing";
import { gatewayCommands } from "../../../actors/gateway/commands.ts";
import {
  defaultGatewayConfig,
  type GatewayConfig,
  readConfig,
} from "../../../actors/gateway/config.ts";
import { parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";
import { encodeUrl, startGateway } from "../../../actors/gateway/tree.ts";
import { startSystem } from "../../fixtures/running-system.ts";

function config(...argv: string[]): Promise<GatewayConfig> {
  const folder = new URL("fixtures", import.meta.url).pathname;
  const flags = parseFlags(argv, startFlags, []);
  return readConfig({ flags, environment: {}, folder }, startFlags);
}

const service = ["--service", "waiting-service.ts"];

describe("the gateway's tree", () => {
  it("has an acceptor on each thread, on one port", async (t) => {
    const { system } = await startSystem(t);
    const gateway = await startGateway(system, await config("--port", "0", ...service));
    assert.equal(gateway.url, `ws://127.0.0.1:${gateway.port}/socket`);
    assert.deepEqual(
      gateway.services.map(({ name, functions }) => [name, ...functions]),
      [["waiting_service", "hello", "wait"]],
    );
    const acceptors = ["acceptor-1", "acceptor-2"].map((name) => system.resolve(name));
    assert.deepEqual(
      acceptors.map((ref) => ref?.thread),
      [1, 2],
    );
    for (const ref of acceptors) {
      const ask = ref?.ask as { address(): Promise<{ port: number }> };
      assert.equal((await ask.address()).port, gateway.port);
    }
  });

  it("runs its supervisors alone on the main thread", async (t) => {
    const { system } = await startSystem(t);
    await startGateway(system, await config("--port", "0", ...service));
    const { actors } = await system.inspect();
    const here = actors.filter(({ thread, parent }) => thread === 0 && parent !== null);
    assert.ok(here.length > 0);
    // Bulkheads is one as well: the parent of those that have the work. The others wait for
    // operators, and for code of the main thread that calls functions.
    for (const actor of here) {
      assert.match(
        actor.class,
        /^(Supervisor|Bulkheads|NodeOperator|ThreadCaller)$/,
        actor.name ?? actor.pid,
      );
    }
  });

  it("leaves nothing behind when it cannot start", async (t) => {
    const { system } = await startSystem(t);
    await assert.rejects(
      startGateway(system, await config("--port", "0", ...service, "--service", "bad-service.ts")),
      (error: Error & { code: string }) => {
        assert.equal(error.code, "start_failed");
        assert.match(error.message, /^\/.*bad-service\.ts: the service bad_service is invalid: /);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
    assert.deepEqual(await system.root.ask.whichChildren(), []);
    assert.deepEqual(system.names(), ["root"]);
  });

  it("has its services again after all of it was started anew", async (t) => {
    const { system } = await startSystem(t);
    const [port] = await freePorts(1);
    await startGateway(system, await config("--port", String(port), ...service));
    const table = gatewayCommands(() => ({ system, config: defaultGatewayConfig }));
    const call = ["waiting_service", "hello"];
    const first = await runCommand(table, "call", call);
    assert.deepEqual([first.ok && first.text], ["'hello'"]);
    const acceptor = system.resolve("acceptor-2");
    assert.equal((await runCommand(table, "restart", ["gateway"])).ok, true);
    assert.notEqual(`${system.resolve("acceptor-2")}`, `${acceptor}`);
    const again = await runCommand(table, "call", call);
    assert.deepEqual([again.ok && again.text], ["'hello'"]);
    assert.equal((await fetch(`http://127.0.0.1:${port}/ready`)).status, 200);
  });
});

describe("the URL of a gateway", () => {
  for (const [host, url] of [
    ["127.0.0.1", "ws://127.0.0.1:1/socket"],
    ["0.0.0.0", "ws://127.0.0.1:1/socket"],
    ["::", "ws://[::1]:1/socket"],
    ["::1", "ws://[::1]:1/socket"],
    ["api.example.com", "ws://api.example.com:1/socket"],
  ] as const) {
    it(`on ${host} is ${url}`, () => assert.equal(encodeUrl(host, 1), url));
  }
});
