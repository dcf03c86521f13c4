import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { eventually, within } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { WireClient } from "../wire-client.ts";
import { Conductor } from "./conductor.ts";
import { atRest, converged, notices } from "./observation.ts";
import { SteadyLoad } from "./steady-load.ts";

const scope = fileScope();
const conductor = new Conductor(scope);
const common = { services: ["ledger-service.ts"], config: "cluster.config.ts" };
const gateway = await conductor.node({
  ...{ ...common, alias: "gateway", role: "gateway" },
  services: [],
});
const users = await conductor.node({
  ...{ ...common, alias: "users", role: "service" },
  services: ["ledger-service.ts", "sequence-service.ts"],
});
const orders = await conductor.node({ ...common, alias: "orders", role: "service" });
const nodes = [gateway, users, orders];
for (const node of nodes) await node.start();

await converged(nodes);
await (await SteadyLoad.begin(scope, gateway)).end();
const before = await atRest(nodes);

/** What a test does, and undoes. */
interface Story {
  /** Resolves when the fault has had its effect. */
  readonly fault: (load: SteadyLoad) => Promise<unknown>;
  readonly healing: () => unknown;
}

/** Runs a story under load, which has ended when it resolves. */
async function run(t: TestContext, { fault, healing }: Story): Promise<SteadyLoad> {
  const load = await SteadyLoad.begin(t, gateway);
  await load.reaches(users, orders);
  await fault(load);
  await load.more(200);
  await healing();
  const healedInMs = await converged(nodes);
  await load.reaches(users, orders);
  await load.end();
  load.check([users, orders]);
  await eventually(
    () => atRest(nodes),
    (now) => isDeepStrictEqual(now, before),
    `nothing is left beside ${JSON.stringify(before)}`,
  );
  t.diagnostic(`healed in ${Math.round(healedInMs)} ms; ${JSON.stringify(load.codes())}`);
  return load;
}

const heal = (): void => conductor.heal();

/** While one node is lost, the other one has the service as well. */
function isServed(load: SteadyLoad): void {
  assert.equal(load.codes("record", "repeat")["unavailable"], undefined);
}

describe("under a steady load, every call has one outcome", () => {
  it("when a node is killed and started anew", async (t) => {
    const load = await run(t, {
      fault: () => notices(gateway, users, () => users.kill()),
      healing: () => users.start(),
    });
    isServed(load);
    assert.ok((load.codes("take")["unavailable"] ?? 0) > 0);
  });

  it("when a node stands still for a while", async (t) => {
    const load = await run(t, {
      fault: () => notices(gateway, users, () => users.freeze()),
      healing: () => users.thaw(),
    });
    isServed(load);
  });

  it("when a cable is cut", async (t) => {
    await run(t, {
      fault: () =>
        Promise.all([
          notices(gateway, users, () => conductor.cut(gateway, users)),
          notices(users, gateway, () => {}),
        ]),
      healing: heal,
    });
  });

  it("when a cable carries one direction only", async (t) => {
    for (const [from, to] of [
      [gateway, users],
      [users, gateway],
    ] as const) {
      await run(t, {
        fault: () =>
          Promise.all([
            notices(gateway, users, () => conductor.cutOneWay(from, to)),
            notices(users, gateway, () => {}),
          ]),
        healing: heal,
      });
    }
  });

  it("when the gateway is cut off from all", async (t) => {
    const load = await run(t, {
      fault: () =>
        Promise.all([
          notices(gateway, users, () => conductor.cut(gateway, users)),
          notices(gateway, orders, () => conductor.cut(gateway, orders)),
        ]),
      healing: heal,
    });
    assert.ok((load.codes("record")["unavailable"] ?? 0) > 0);
  });

  it("when connections are reset", async (t) => {
    await run(t, {
      fault: () => notices(gateway, users, () => conductor.drop(gateway, users)),
      healing: heal,
    });
  });

  it("when half of a frame arrives, and then the end or nothing", async (t) => {
    for (const breaks of [true, false]) {
      await run(t, {
        fault: () => notices(gateway, users, () => conductor.tear(gateway, users, breaks)),
        healing: heal,
      });
    }
  });

  it("and it is a success where the load does not pass", async (t) => {
    const load = await run(t, {
      fault: () => notices(users, orders, () => conductor.cut(users, orders)),
      healing: heal,
    });
    assert.deepEqual(Object.keys(load.codes()), ["ok"]);
  });

  it("and it is a success when the line is slow, or stops for a moment", async (t) => {
    const load = await run(t, {
      fault: async (load) => {
        conductor.delay(gateway, users, 50);
        await load.more(100);
        conductor.hold(gateway, orders);
        // Well below the time after which silence counts as the end.
        await new Promise((resolve) => setTimeout(resolve, 200));
        conductor.heal();
      },
      healing: heal,
    });
    assert.deepEqual(Object.keys(load.codes()), ["ok"]);
  });
});

it("calls in progress on a killed node end at once", async (t) => {
  const took: number[] = [];
  for (let kill = 0; kill < 3; kill += 1) {
    const client = await WireClient.join(t, gateway);
    await eventually(
      () => client.call("sequence_service", "take", { id: "0" }),
      (response) => response?.success === true,
      "the node can be called",
    );
    const calls = Array.from({ length: 40 }, () => client.call("sequence_service", "wait"));
    // In order behind the others: when it is answered they have begun.
    await client.call("sequence_service", "take", { id: "0" });
    const before = performance.now();
    const codes = calls.map(async (call) => {
      const response = await call;
      took.push(performance.now() - before);
      return response?.code;
    });
    await users.kill();
    assert.deepEqual(
      [...new Set(await within(Promise.all(codes), "they end"))],
      ["outcome_unknown"],
    );
    await users.start();
  }
  took.sort((one, other) => one - other);
  const at = (share: number): string =>
    `${took[Math.ceil(took.length * share) - 1]?.toFixed(1)} ms`;
  t.diagnostic(`after a kill: p50 ${at(0.5)}, p99 ${at(0.99)}, of ${took.length} calls`);
});
