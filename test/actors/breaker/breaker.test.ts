import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import test, { type TestContext } from "node:test";
import type { ActorRef } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import {
  type BreakerRecord,
  type BreakerSettings,
  Breakers,
  breakerDefaults,
  breakersName,
  breakersTable,
} from "../../../actors/breaker/index.ts";
import { type Admission, Caller } from "./fixtures/caller.ts";

// One thread, virtual time: nothing happens but what a test lets happen.

const target = "local/users";

class Kit {
  readonly kernel: TestKernel;
  readonly caller: ActorRef<Caller>;
  breakers: ActorRef<Breakers>;

  constructor(kernel: TestKernel, caller: ActorRef<Caller>, breakers: ActorRef<Breakers>) {
    this.kernel = kernel;
    this.caller = caller;
    this.breakers = breakers;
  }

  static async start(settings: Partial<BreakerSettings> = {}, seed = 1): Promise<Kit> {
    const kernel = testKernel({ seed });
    const breakers = await startBreakers(kernel, settings);
    return new Kit(kernel, await kernel.spawn(Caller, { concurrency: 1_000 }), breakers);
  }

  get table(): ReadonlyMap<string, BreakerRecord> {
    return new Map(this.kernel.kernel.tables.open<BreakerRecord>(breakersTable).entries());
  }

  get record(): BreakerRecord | undefined {
    return this.table.get(target);
  }

  async settle(...args: Parameters<ActorRef<Caller>["tell"]["settle"]>): Promise<void> {
    this.caller.tell.settle(...args);
    await this.kernel.settle();
  }

  async admit(): Promise<Admission> {
    const admission = await this.kernel.until(this.caller.ask.admit(target));
    await this.kernel.settle();
    return admission;
  }

  async open(): Promise<void> {
    await this.settle(target, "failure", 10);
    assert.equal(this.record?.state, "open");
  }

  async halfOpen(): Promise<void> {
    await this.open();
    await this.kernel.advance(breakerDefaults.cooldownMs);
    assert.equal(this.record?.state, "half_open");
  }

  /** The breakers that live. */
  get count(): number {
    return [...this.kernel.kernel.cells()].filter(({ info }) => info.name === "Breaker").length;
  }
}

function startBreakers(
  kernel: TestKernel,
  settings: Partial<BreakerSettings> = {},
): Promise<ActorRef<Breakers>> {
  return kernel.spawn(Breakers, {
    ...{ name: breakersName, concurrency: 1_000 },
    args: [{ ...breakerDefaults, ...settings }],
  });
}

/** The events of this process's circuits, as they are published. */
function hear(t: TestContext): { name: string; message: unknown }[] {
  const heard: { name: string; message: unknown }[] = [];
  const listener = (message: unknown, name: string | symbol): void => {
    heard.push({ name: String(name), message });
  };
  for (const event of ["open", "close"]) {
    const name = `troupe:worker_pool:circuit_${event}`;
    subscribe(name, listener);
    t.after(() => unsubscribe(name, listener));
  }
  return heard;
}

test("a target without failures costs no message, no timer, no actor", async () => {
  const kit = await Kit.start();
  await kit.kernel.advance(100);
  const taken = kit.kernel.steps.taken;
  await kit.settle(target, "success", 1_000);
  await kit.settle(target, "ignored", 1_000);
  assert.equal(kit.kernel.clock.pendingTimers, 0);
  assert.equal(await kit.admit(), "free");
  assert.equal(kit.kernel.steps.taken - taken, 3, "the caller's own messages");
  assert.deepEqual([kit.count, kit.table.size], [0, 0]);
});

test("the first failure makes a breaker that all threads see; it goes with the window", async () => {
  const kit = await Kit.start();
  await kit.settle(target, "failure");
  assert.equal(kit.count, 1);
  assert.deepEqual(kit.record, {
    ...{ state: "closed", openUntil: null, reason: "", since: kit.kernel.clock.wallTime() },
    ...{ consecutiveFailures: 1, failures: 1, calls: 1 },
  });
  assert.equal(await kit.admit(), "free");
  await kit.settle(target, "success", 5);
  await kit.kernel.advance(1_000);
  assert.deepEqual([kit.record?.calls, kit.record?.consecutiveFailures], [6, 0]);
  await kit.kernel.advance(8_900);
  assert.equal(kit.count, 1);
  await kit.kernel.advance(200);
  assert.deepEqual([kit.count, kit.table.size], [0, 0]);
  await kit.kernel.advance(10_000);
  assert.equal(kit.kernel.clock.pendingTimers, 0, "no timer is left anywhere");
});

test("ten failures in a row open; the cooldown over, three probes close", async (t) => {
  const heard = hear(t);
  const kit = await Kit.start();
  await kit.settle(target, "failure", 9);
  assert.equal(await kit.admit(), "free");
  await kit.open();
  const now = kit.kernel.clock.wallTime();
  const { since, openUntil, reason } = kit.record ?? {};
  assert.deepEqual([since, openUntil, reason], [now, now + 5_000, "10 failures in a row"]);
  assert.deepEqual(await kit.admit(), { retryAfterMs: 5_000 });
  await kit.kernel.advance(4_999);
  assert.deepEqual(await kit.admit(), { retryAfterMs: 1 });
  await kit.kernel.advance(1);
  assert.equal(kit.record?.state, "half_open");
  for (let n = 0; n < 3; n += 1) assert.equal(await kit.admit(), "asked");
  assert.deepEqual(await kit.admit(), { retryAfterMs: 1_000 });
  await kit.settle(target, "success", 2, true);
  assert.equal(kit.record?.state, "half_open");
  await kit.settle(target, "success", 1, true);
  assert.equal(kit.record?.state, "closed");
  assert.equal(kit.record?.reason, "3 of 3 probes succeeded");
  assert.equal(await kit.admit(), "free");
  await kit.kernel.advance(10_001);
  assert.deepEqual([kit.count, kit.table.size], [0, 0]);

  assert.deepEqual(heard, [
    {
      name: "troupe:worker_pool:circuit_open",
      message: {
        measurements: { calls: 10, failures: 10, consecutive_failures: 10 },
        metadata: { target, reason: "10 failures in a row", from: "closed" },
      },
    },
    {
      name: "troupe:worker_pool:circuit_close",
      message: {
        measurements: { calls: 0, failures: 0, consecutive_failures: 0 },
        metadata: { target, reason: "3 of 3 probes succeeded", from: "half_open" },
      },
    },
  ]);
  const logged = kit.kernel.logLines.filter((line) => line.includes("circuit "));
  assert.equal(logged.length, 3, logged.join("\n"));
  assert.match(logged[0] ?? "", /warn.*circuit open.*local\/users.*10 failures in a row/);
});

test("the first success after a silence is reported at once, the next ones together", async () => {
  const kit = await Kit.start();
  await kit.settle(target, "failure", 2);
  await kit.kernel.advance(1_000);
  await kit.settle(target, "success");
  assert.deepEqual([kit.record?.calls, kit.record?.consecutiveFailures], [3, 0]);
  const taken = kit.kernel.steps.taken;
  await kit.settle(target, "success", 1_000);
  assert.equal(kit.kernel.steps.taken - taken, 1, "the caller's own message");
  await kit.kernel.advance(300);
  assert.equal(kit.record?.calls, 1_003);
});

test("calls from before the circuit opened cost no message", async () => {
  const kit = await Kit.start();
  await kit.open();
  await kit.kernel.advance(100);
  const taken = kit.kernel.steps.taken;
  await kit.settle(target, "failure", 1_000);
  await kit.settle(target, "success", 1_000);
  assert.equal(kit.kernel.steps.taken - taken, 2, "the caller's own messages");
});

test("a rate over batches opens as it would have one by one", async () => {
  const kit = await Kit.start();
  for (let n = 0; n < 24; n += 1) {
    await kit.settle(target, "failure");
    await kit.settle(target, "success");
  }
  await kit.settle(target, "success");
  await kit.kernel.advance(100);
  assert.equal(kit.record?.state, "closed");
  await kit.settle(target, "failure");
  assert.equal(kit.record?.reason, "25 of 50 calls failed within 10000 ms");
});

test("failures of one turn with successes between them are no row", async () => {
  const kit = await Kit.start({ minimumCalls: 1_000 });
  for (let n = 0; n < 40; n += 1) {
    kit.caller.tell.settle(target, "failure", 4);
    kit.caller.tell.settle(target, "success");
  }
  await kit.kernel.settle();
  await kit.kernel.advance(1_000);
  assert.deepEqual([kit.record?.state, kit.record?.calls], ["closed", 200]);
});

test("a hundred thousand failures of one turn are few messages, and none is lost", async () => {
  const kit = await Kit.start({ consecutiveFailures: 1_000_000, minimumCalls: 1_000_000 });
  const taken = kit.kernel.steps.taken;
  await kit.settle(target, "failure", 100_000);
  assert.ok(kit.kernel.steps.taken - taken < 200);
  await kit.kernel.advance(1_000);
  assert.deepEqual([kit.record?.failures, kit.record?.consecutiveFailures], [100_000, 100_000]);
});

test("a probe that fails opens again; older calls are not taken for it when it says so", async () => {
  const kit = await Kit.start();
  await kit.halfOpen();
  assert.equal(await kit.admit(), "asked");
  await kit.settle(target, "failure", 5, false);
  assert.equal(kit.record?.state, "half_open");
  await kit.settle(target, "failure", 1, true);
  assert.deepEqual([kit.record?.state, kit.record?.reason], ["open", "a probe failed"]);
});

test("probes that never report back are given up, and others go", async () => {
  const kit = await Kit.start({ probeTimeoutMs: 2_000 });
  await kit.halfOpen();
  assert.equal(await kit.kernel.until(kit.caller.ask.crowd(target, 10)), 3);
  await kit.kernel.advance(1_999);
  assert.deepEqual(await kit.admit(), { retryAfterMs: 1_000 });
  await kit.kernel.advance(51);
  assert.equal(await kit.kernel.until(kit.caller.ask.crowd(target, 10)), 3);
  await kit.settle(target, "success", 3, true);
  assert.equal(kit.record?.state, "closed", "the late ones do not stand in the way");
});

test("a crowd before a half-open circuit is refused without a message each", async () => {
  const kit = await Kit.start();
  await kit.halfOpen();
  assert.equal(await kit.kernel.until(kit.caller.ask.crowd(target, 50)), 3);
  const taken = kit.kernel.steps.taken;
  assert.equal(await kit.kernel.until(kit.caller.ask.crowd(target, 10_000)), 0);
  assert.ok(kit.kernel.steps.taken - taken < 10);
});

test("a reset closes at once; one of a target without failures says so", async () => {
  const kit = await Kit.start();
  assert.equal(await kit.kernel.until(kit.breakers.ask.reset(target)), false);
  await kit.open();
  assert.equal(await kit.kernel.until(kit.breakers.ask.reset(target)), true);
  await kit.kernel.settle();
  assert.deepEqual([kit.record?.state, kit.record?.reason], ["closed", "reset"]);
  assert.equal(await kit.admit(), "free");
});

test("Breakers that start anew go on with what was open, for what was left of it", async () => {
  const kit = await Kit.start();
  await kit.open();
  await kit.settle("local/closed", "failure");
  await kit.kernel.advance(1_000);
  kit.kernel.kernel.signal(kit.breakers, {
    ...{ type: "kill" as const, reason: { kind: "killed", message: "by the test" } },
  });
  await kit.kernel.settle();
  assert.equal(kit.count, 0);
  assert.deepEqual(await kit.admit(), { retryAfterMs: 4_000 }, "the table outlives its writer");
  kit.breakers = await startBreakers(kit.kernel);
  await kit.kernel.settle();
  assert.deepEqual([...kit.table.keys()], [target], "a closed one begins afresh");
  await kit.kernel.advance(3_999);
  assert.deepEqual(await kit.admit(), { retryAfterMs: 1 });
  await kit.kernel.advance(1);
  assert.equal(await kit.admit(), "asked");
});

test("a breaker that crashes is replaced; an open circuit stays open", async () => {
  const kit = await Kit.start();
  await kit.open();
  const [cell] = [...kit.kernel.kernel.cells()].filter(({ info }) => info.name === "Breaker");
  cell?.crash("test", new Error("by the test"));
  await kit.kernel.settle();
  assert.equal(kit.count, 1);
  assert.equal(kit.record?.state, "open");
  await kit.kernel.advance(5_000);
  assert.equal(await kit.admit(), "asked");
});

test("without Breakers nothing opens and nothing is remembered", async () => {
  const kernel = testKernel();
  const caller = await kernel.spawn(Caller);
  caller.tell.settle(target, "failure", 1_000);
  assert.equal(await kernel.until(caller.ask.admit(target)), "free");
  await kernel.advance(10_000);
  assert.equal(kernel.clock.pendingTimers, 0);
});

test("a target that fails while its breaker is going loses no failure, in any order", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const kit = await Kit.start({ windowMs: 1_000 }, seed);
    await kit.settle(target, "failure");
    kit.kernel.clock.advance(999);
    for (let n = 0; n < seed % 7; n += 1) kit.kernel.steps.step();
    kit.kernel.clock.advance(1);
    for (let n = 0; n < seed % 5; n += 1) kit.kernel.steps.step();
    kit.caller.tell.settle(target, "failure", 10);
    await kit.kernel.settle();
    assert.equal(kit.record?.state, "open", `seed ${seed}`);
  }
});
