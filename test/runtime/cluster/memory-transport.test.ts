import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock, MemoryNetwork } from "#runtime/testing";
import { seededRandom } from "../../../runtime/core/index.ts";
import { ConnectionRecord } from "./connection-record.ts";

const text = (it: string): Uint8Array[] => [Buffer.from(it)];

/** Two nodes with a connection between them. */
async function twoNodes(seed = 1) {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock, seededRandom(seed), { latencyMs: 1, jitterMs: 3 });
  const accepted: ConnectionRecord[] = [];
  const listen = () =>
    network
      .transport("two@sim:2")
      .listen(
        { host: "sim", port: 2, shared: false },
        (it) => void accepted.push(new ConnectionRecord(it)),
      );
  await listen();
  const dial = () => new ConnectionRecord(network.transport("one@sim:1").dial("sim", 2));
  const one = dial();
  clock.advance(20);
  const two = accepted[0];
  assert.ok(two !== undefined);
  return { clock, network, one, two, accepted, dial, listen };
}

/** Lets so much time pass and what follows from it happen. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("faults of a memory network", () => {
  it("delays each direction on its own", async () => {
    const { clock, network, one, two } = await twoNodes();
    network.setDelay("one@sim:1", "two@sim:2", { latencyMs: 100, jitterMs: 0 });
    one.connection.write(text("slow"));
    two.connection.write(text("fast"));
    await pass(clock, 50);
    assert.equal(one.all.toString(), "fast");
    assert.equal(two.all.toString(), "");
    await pass(clock, 50);
    assert.equal(two.all.toString(), "slow");
  });

  it("loses what a cut cable carries; neither side hears, and a gap is never passed over", async () => {
    const { clock, network, one, two } = await twoNodes();
    network.set("one@sim:1", "two@sim:2", "cut");
    one.connection.write(text("lost"));
    two.connection.write(text("heard"));
    await pass(clock, 10_000);
    assert.equal(one.all.toString(), "heard");
    assert.deepEqual([two.all.toString(), one.reasons, two.reasons], ["", [], []]);
    one.connection.write(text("after"));
    network.heal();
    await pass(clock, 10);
    assert.equal(two.all.toString(), "");
    assert.deepEqual(
      [one.reasons, two.reasons],
      [["the connection was reset"], ["the connection was reset"]],
    );
    assert.equal(network.openSides, 0);
  });

  it("delivers in order what a held cable kept back", async () => {
    const { clock, network, one, two } = await twoNodes();
    network.setBoth("one@sim:1", "two@sim:2", "held");
    for (const word of ["a", "b", "c"]) one.connection.write(text(word));
    await pass(clock, 10_000);
    assert.equal(two.all.toString(), "");
    one.connection.write(text("d"));
    network.heal();
    one.connection.write(text("e"));
    await pass(clock, 10);
    assert.equal(two.all.toString(), "abcde");
  });

  it("bounds what is lost unheard: more waits with the sender", async () => {
    const { clock, network, one } = await twoNodes();
    network.setBoth("one@sim:1", "two@sim:2", "cut");
    one.connection.write([new Uint8Array(1_000_000)]);
    await pass(clock, 10_000);
    assert.ok(one.connection.bufferedBytes > 600_000, String(one.connection.bufferedBytes));
  });

  it("tears what is written, and breaks the connection", async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { clock, network, one, two } = await twoNodes(seed);
      network.tear("one@sim:1", "two@sim:2");
      one.connection.write(text("0123456789"));
      await pass(clock, 20);
      assert.ok("012345678".startsWith(two.all.toString()), two.all.toString());
      assert.deepEqual([one.reasons.length, two.reasons.length], [1, 1]);
    }
  });

  it("drops the connections between two nodes, and takes new ones", async () => {
    const { clock, network, one, two, accepted, dial } = await twoNodes();
    network.drop("two@sim:2", "one@sim:1");
    await pass(clock, 10);
    assert.deepEqual([one.reasons.length, two.reasons.length], [1, 1]);
    dial().connection.write(text("anew"));
    await pass(clock, 20);
    assert.equal(accepted[1]?.all.toString(), "anew");
  });

  it("knocks again until a cut cable is whole", async () => {
    const { clock, network, accepted, dial } = await twoNodes();
    for (const [from, to] of [
      ["one@sim:1", "two@sim:2"],
      ["two@sim:2", "one@sim:1"],
    ] as const) {
      const before = accepted.length;
      network.set(from, to, "cut");
      const record = dial();
      record.connection.write(text("hello"));
      await pass(clock, 5_000);
      assert.deepEqual(record.reasons, []);
      network.heal();
      await pass(clock, 2_000);
      assert.equal(accepted.length, before + 1);
      assert.equal(accepted[before]?.all.toString(), "hello");
    }
  });

  it("closes what a crashed node had open, and refuses it until it listens again", async () => {
    const { clock, network, one, two, dial, listen, accepted } = await twoNodes();
    two.connection.write(text("last words"));
    network.crash("two@sim:2");
    await pass(clock, 10);
    assert.equal(one.all.toString(), "last words");
    assert.deepEqual([one.reasons.length, two.reasons.length], [1, 0]);
    const refused = dial();
    await pass(clock, 20);
    assert.match(refused.reasons[0] ?? "", /nobody listens/);
    await listen();
    dial();
    await pass(clock, 20);
    assert.equal(accepted.length, 2);
  });

  it("resets a connection to a node that crashed while the cable was cut or held", async () => {
    for (const state of ["cut", "held"] as const) {
      const { clock, network, one } = await twoNodes();
      network.setBoth("one@sim:1", "two@sim:2", state);
      one.connection.write(text("anyone?"));
      network.crash("two@sim:2");
      await pass(clock, 10_000);
      assert.deepEqual(one.reasons, []);
      network.heal();
      await pass(clock, 20);
      assert.equal(one.reasons.length, 1);
      assert.equal(network.openSides, 0);
    }
  });

  it("does the same again for the same seed, and leaves no timer", async () => {
    const story = async (seed: number): Promise<string> => {
      const { clock, network, one, two } = await twoNodes(seed);
      for (let n = 0; n < 20; n += 1) {
        one.connection.write(text(`line ${n};`));
        two.connection.write(text(`answer ${n};`));
        if (n === 10) network.tear("two@sim:2", "one@sim:1");
        await pass(clock, 1);
      }
      await pass(clock, 5_000);
      assert.equal(clock.pendingTimers, 0);
      return JSON.stringify([one.pieces, two.pieces, one.reasons, two.reasons]);
    };
    assert.equal(await story(5), await story(5));
    assert.notEqual(await story(5), await story(6));
  });
});
