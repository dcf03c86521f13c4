import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { freePorts } from "#runtime/testing";
import { fileScope } from "../gateway-process.ts";
import { ClusterNode } from "./cluster-node.ts";
import { NetworkNamespace } from "./netns.ts";
import { converged, notices } from "./observation.ts";
import { SteadyLoad } from "./steady-load.ts";

const scope = fileScope();
const opened = await NetworkNamespace.open(scope);
const skip = typeof opened === "string" ? `no network namespaces here: ${opened}` : false;

describe("over a cable of the kernel's, every call has one outcome", { skip }, async () => {
  if (typeof opened === "string") return;
  const namespace = opened;
  const config = "cable.config.ts";
  const address = `${namespace.hostAddress}:${(await freePorts(1))[0]}`;
  const place = { address, listen: address };
  const gateway = new ClusterNode(scope, { alias: "gateway", role: "gateway", config }, place, []);
  const there = `${namespace.address}:9100`;
  const users = new ClusterNode(
    scope,
    {
      ...{ alias: "users", role: "service", config },
      services: ["ledger-service.ts", "sequence-service.ts"],
    },
    { address: there, listen: there, wrapper: namespace.wrapper },
    [gateway.name],
  );
  const nodes = [gateway, users];
  for (const node of nodes) await node.start();
  await converged(nodes);

  const run = async (
    t: TestContext,
    fault: (load: SteadyLoad) => Promise<unknown>,
    healing: () => Promise<void>,
  ): Promise<Record<string, number>> => {
    const load = await SteadyLoad.begin(t, gateway);
    await load.reaches(users);
    await fault(load);
    await load.more(100);
    await healing();
    const healedInMs = await converged(nodes);
    await load.reaches(users);
    await load.end();
    load.check([users]);
    t.diagnostic(`healed in ${Math.round(healedInMs)} ms; ${JSON.stringify(load.codes())}`);
    return load.codes();
  };

  it("when it is pulled out", async (t) => {
    const codes = await run(
      t,
      () =>
        Promise.all([
          notices(gateway, users, () => namespace.pull()),
          notices(users, gateway, () => {}),
        ]),
      () => namespace.plugIn(),
    );
    assert.ok((codes["unavailable"] ?? 0) > 0);
  });

  it("when it carries one direction only", async (t) => {
    await run(
      t,
      () => notices(gateway, users, () => namespace.loseIncoming()),
      () => namespace.restore(),
    );
  });

  it("when it is slow and loses packets", async (t) => {
    const why = await namespace.impair("delay", "20ms", "10ms", "loss", "2%");
    if (why !== null) {
      t.skip(`no netem here: ${why}`);
      return;
    }
    const codes = await run(
      t,
      (load) => load.more(100),
      () => namespace.restore(),
    );
    assert.ok((codes["ok"] ?? 0) > 0);
  });
});
