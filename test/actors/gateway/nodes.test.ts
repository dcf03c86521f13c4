import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type CommandTable, createSystem, runCommand, type System } from "#runtime";
import { freePorts } from "#runtime/testing";
import { gatewayCommands } from "../../../actors/gateway/commands.ts";
import { defaultGatewayConfig, type GatewayConfig } from "../../../actors/gateway/config.ts";
import type { NodeRow } from "../../../actors/gateway/node-view.ts";
import { startGateway, startServiceNode } from "../../../actors/gateway/tree.ts";
import { fileScope } from "../../e2e/gateway-process.ts";
import { eventually } from "../../fixtures/running-system.ts";

const scope = fileScope();
const fixture = (name: string): string =>
  new URL(`../../fixtures/services/${name}`, import.meta.url).href;

interface Node {
  readonly name: string;
  readonly system: System;
  readonly table: CommandTable;
}

/** A node in this process, with threads of its own. */
async function start(config: Partial<GatewayConfig>): Promise<Node> {
  const { cluster = null } = config;
  // The main threads of all nodes are one here: on a busy machine it may be silent for seconds.
  const patient = cluster === null ? {} : { cluster: { ...cluster, suspicionMs: 60_000 } };
  const system = await createSystem({ threads: 1, stallTimeoutMs: 60_000, ...patient });
  scope.after(() => system.stop(2_000));
  const full = { ...defaultGatewayConfig, ...config, port: 0, name: cluster?.name ?? "alone" };
  if (full.role === "gateway") await startGateway(system, full);
  else await startServiceNode(system, full);
  return {
    ...{ name: full.name, system },
    table: gatewayCommands(() => ({ system, config: full })),
  };
}

async function run(node: Node, command: string, ...args: unknown[]): Promise<string> {
  const answer = await runCommand(node.table, command, args);
  return answer.ok ? answer.text : `failed: ${answer.error}`;
}

describe("the nodes of a cluster, for operators", () => {
  let gateway: Node;
  let node: Node;
  let healthPort = 0;

  before(async () => {
    const [gatewayPort, nodePort, nobodysPort, ownPort = 0] = await freePorts(4);
    const name = `gateway@127.0.0.1:${gatewayPort}`;
    const nowhere = `later@127.0.0.1:${nobodysPort}`;
    healthPort = ownPort;
    gateway = await start({
      cluster: { name, roles: ["gateway", "service"], join: [nowhere] },
      services: [fixture("counter-service.ts")],
    });
    node = await start({
      role: "service",
      cluster: {
        name: `users@127.0.0.1:${nodePort}`,
        ...{ roles: ["gpu", "service"], join: [name] },
        spawnModules: [fixture("stream-service.ts")],
      },
      services: ["remote-service.ts", "relay-service.ts"].map(fixture),
      healthPort,
    });
    for (const one of [gateway, node]) {
      await eventually(`${one.name} knows the other's functions`, async () => {
        const listed = await run(one, "functions");
        return ["counter", "relay", "remote"].every((one) => listed.includes(`${one}_service`));
      });
    }
  });

  it("are listed, those that are not there yet too", async () => {
    const { value } = (await runCommand(gateway.table, "nodes", [])) as {
      value: readonly NodeRow[];
    };
    const rows = value.map(({ name, state, roles, isSelf, summary, rttMs }) => ({
      ...{ state, roles, isSelf, services: summary?.services, isMeasured: rttMs !== null },
      name: name.split("@")[0],
    }));
    assert.deepEqual(rows, [
      {
        ...{
          name: "gateway",
          state: "up",
          roles: ["gateway", "service"],
          isSelf: true,
          isMeasured: false,
        },
        services: ["counter_service"],
      },
      {
        ...{ name: "users", state: "up", roles: ["gpu", "service"], isSelf: false },
        ...{ isMeasured: true, services: ["relay_service", "remote_service"] },
      },
      {
        ...{ name: "later", state: "down", roles: [], isSelf: false, isMeasured: false },
        services: undefined,
      },
    ]);
    const text = await run(gateway, "nodes");
    assert.match(text, new RegExp(`^${gateway.name} \\* +up +gateway, service +20\\d\\d-`, "m"));
    assert.match(text, /^later@127\.0\.0\.1:\d+ +down$/m);
  });

  it("show who runs which service", async () => {
    const text = await run(gateway, "clusterView");
    assert.match(text, new RegExp(`^counter_service +${gateway.name} +add, `, "m"));
    assert.match(text, new RegExp(`^relay_service +${node.name} +left, stuck, whoami$`, "m"));
    assert.match(text, /^later@\S+ +down$/m);
    const synced = new RegExp(
      `^counter_service +${gateway.name} +up [\\s\\S]*^${gateway.name} +synced `,
      "m",
    );
    await eventually("both know of each other's functions", async () =>
      synced.test(await run(node, "pushedServicesStatus")),
    );
  });

  it("load what they let others load, and nothing else", async () => {
    assert.match(
      await run(gateway, "spawn", fixture("stream-service.ts"), "users"),
      /^loaded stream_service: /,
    );
    assert.match(await run(node, "services"), /^stream_service +running /m);
    assert.doesNotMatch(await run(gateway, "services"), /stream_service/);
    for (const [from, to, path] of [
      [gateway, "users", "faulty-service.ts"],
      [node, "gateway", "stream-service.ts"],
    ] as const) {
      const refused = await run(from, "spawn", fixture(path), to);
      assert.match(refused, /^failed: not_allowed: \/.* may not be loaded on \w+@127/);
    }
    const unknown = await run(gateway, "spawn", fixture("stream-service.ts"), "nobody");
    assert.match(unknown, /^failed: there is no node "nobody": there are gateway@\S+, users@/);
  });

  it("call one another's services as remote ones", async () => {
    // Of the service node, which calls the counter of the gateway: from a handler, a pool, a class.
    const call = (type: string, args = {}): Promise<string> =>
      run(gateway, "call", "remote_service", type, args, { user_id: "ada" });
    assert.equal(await call("add", { by: 4 }), "4");
    for (const type of ["whoami", "whoami_on_a_pool", "whoami_of_a_class"]) {
      assert.match(await call(type), /userId: 'ada'/, type);
    }
    assert.equal(await call("refuse"), "refused: Not today");
  });

  it("answer for the health of a service node", async () => {
    const at = (path: string): string => `http://127.0.0.1:${healthPort}${path}`;
    assert.deepEqual(await (await fetch(at("/health"))).json(), { status: "ok" });
    assert.equal((await fetch(at("/ready"))).status, 200);
    assert.equal((await fetch(at("/"))).status, 404);
    const health = await run(node, "health");
    assert.match(health, /^users@\S+ is ok: Troupe [\s\S]*^1 other node connected$/m);
    const missing = await run(gateway, "health");
    assert.match(missing, /^gateway@\S+ is degraded: [\s\S]*; not connected: later@/m);
  });

  it("forget what one offered that will not come back", async () => {
    const unknown = await run(gateway, "forgetNode", "gone@127.0.0.1:1");
    assert.match(unknown, /^failed: there is no node "gone@127.0.0.1:1": there are users@/);
    const connected = await run(gateway, "forgetNode", "users");
    assert.match(connected, /^failed: users@\S+ is connected: /);
    await node.system.stop(2_000);
    const isGone = async (): Promise<boolean> => !/^users@/m.test(await run(gateway, "nodes"));
    await eventually("the node has left", isGone);
    assert.match(await run(gateway, "forgetNode", "users"), /^forgot [1-9]\d* services of users@/);
  });
});

describe("a node that is in no cluster", () => {
  it("is its own list and tree", async () => {
    const alone = await start({});
    assert.match(await run(alone, "nodes"), /^alone \* +up +gateway /m);
    assert.match(await run(alone, "tree", "alone"), /^root +<0\.0\.\d+> /m);
    assert.equal(await run(alone, "pushedServicesStatus"), "failed: this node is in no cluster");
    assert.equal(
      await run(alone, "tree", "users"),
      'failed: there is no node "users": there are alone',
    );
  });
});
