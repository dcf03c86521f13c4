import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "#runtime/testing";
import { startNode } from "./cluster-nodes.ts";
import { eventually, within } from "./deadline.ts";
import { fixture, testScope } from "./gateway-process.ts";
import { PhoenixClient } from "./phoenix-client.ts";
import type { TroupeProcess } from "./troupe-process.ts";

/** Calls that wait for an answer at any moment, of each client. */
const loopsPerClient = 4;
/** Between two calls of a loop: the nodes that start have work to do. */
const pauseMs = 5;

it("a rolling restart of two service nodes under load shows no failed call", async (t) => {
  const scope = testScope(t);
  const [clientPort = 0, gatewayPort = 0, ...nodePorts] = await freePorts(4);
  const gatewayName = `gateway@127.0.0.1:${gatewayPort}`;
  const gateway = ["--demo", "--port", String(clientPort), "--name", gatewayName];
  const start = (index: number): Promise<TroupeProcess> =>
    startNode(
      scope,
      [
        ...["--role", "service", "--name", `places${index}@127.0.0.1:${nodePorts[index]}`],
        ...["--join", gatewayName, "--service", fixture("place-service.ts")],
      ],
      1 + index,
    );
  const [, ...nodes] = await Promise.all([startNode(scope, gateway), start(0), start(1)]);

  const url = `ws://127.0.0.1:${clientPort}/socket`;
  const clients = await Promise.all(
    [1, 2].map(() => PhoenixClient.join(scope, url, { inline: true })),
  );
  const [client] = clients as [PhoenixClient];
  /** The processes that have answered of late. */
  const seen = new Map<unknown, number>();
  const failed: unknown[] = [];
  const call = async (caller: PhoenixClient): Promise<void> => {
    const response = await caller.call("place_service", "where");
    if (response.success) seen.set(response.result, (seen.get(response.result) ?? 0) + 1);
    else failed.push([response.code, response.error]);
  };
  const answersOf = (pids: readonly number[]): Promise<boolean> =>
    eventually(
      async () => pids.every((pid) => (seen.get(pid) ?? 0) >= 20),
      (isSo) => isSo,
      `both nodes answer: ${pids}`,
    );

  // Until both are known, there is nobody to call.
  await eventually(
    () => client.call("place_service", "where"),
    ({ success }) => success,
    "there is a node",
  );
  let isOver = false;
  const loops = clients.flatMap((caller) =>
    Array.from({ length: loopsPerClient }, async () => {
      while (!isOver) {
        await call(caller);
        await pause(pauseMs);
      }
    }),
  );
  await answersOf(nodes.map(({ pid }) => pid));
  for (const index of [0, 1]) {
    const old = nodes[index] as TroupeProcess;
    old.kill("SIGTERM");
    const { code, stderr } = await within(old.ended, "the node stops");
    assert.equal(code, 0, stderr);
    nodes[index] = await start(index);
    seen.clear();
    await answersOf(nodes.map(({ pid }) => pid));
  }
  isOver = true;
  await Promise.all(loops);
  assert.deepEqual(failed, []);
  assert.deepEqual(
    clients.map(({ opens, closes }) => [opens, closes]),
    clients.map(() => [1, 0]),
  );
});
