import assert from "node:assert/strict";
import test from "node:test";
import type { ActorRef } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import {
  type Bulkhead,
  type BulkheadLimits,
  Bulkheads,
  bulkheadsName,
} from "../../../actors/breaker/index.ts";
import { Caller } from "./fixtures/caller.ts";

// One thread, virtual time: nothing happens but what a test lets happen.

const key = "users/list";
const limits: BulkheadLimits = { maxConcurrent: 2, maxQueue: 3 };

class Kit {
  readonly kernel: TestKernel;
  readonly caller: ActorRef<Caller>;
  readonly outcomes: string[] = [];

  constructor(kernel: TestKernel, caller: ActorRef<Caller>) {
    this.kernel = kernel;
    this.caller = caller;
  }

  static async start(seed = 1): Promise<Kit> {
    const kernel = testKernel({ seed });
    await startBulkheads(kernel);
    return new Kit(kernel, await kernel.spawn(Caller, { concurrency: 100_000 }));
  }

  /** Enters, and notes the outcome under a name. */
  async enter(
    name: string,
    timeoutMs = Number.POSITIVE_INFINITY,
    own: BulkheadLimits = limits,
  ): Promise<void> {
    const entering = this.caller
      .askWith({ timeoutMs: Number.POSITIVE_INFINITY })
      .enter(key, own, timeoutMs, name);
    void entering.then((outcome) => this.outcomes.push(`${name} ${outcome}`));
    await this.kernel.settle();
  }

  async leave(count = 1): Promise<void> {
    this.caller.tell.leave(key, count);
    await this.kernel.settle();
  }

  /** What was noted since the last time. */
  taken(): string[] {
    return this.outcomes.splice(0);
  }

  bulkheads(): ActorRef<Bulkhead>[] {
    const cells = [...this.kernel.kernel.cells()].filter(({ info }) => info.name === "Bulkhead");
    return cells.map(({ ref }) => ref as ActorRef<Bulkhead>);
  }

  async status(): Promise<string> {
    const [bulkhead] = this.bulkheads();
    if (bulkhead === undefined) return "none";
    const { held, waiting } = await this.kernel.until(bulkhead.ask.status());
    return `${held} inside, ${waiting} waiting`;
  }
}

function startBulkheads(kernel: TestKernel): Promise<ActorRef<Bulkheads>> {
  return kernel.spawn(Bulkheads, { name: bulkheadsName, concurrency: 100_000 });
}

test("two are inside, three wait, the sixth is refused; who waits comes in in order", async () => {
  const kit = await Kit.start();
  for (const name of ["a", "b", "c", "d", "e", "f"]) await kit.enter(name);
  assert.deepEqual(kit.taken(), ["a inside", "b inside", "f queue_full"]);
  assert.equal(await kit.status(), "2 inside, 3 waiting");
  await kit.leave();
  assert.deepEqual(kit.taken(), ["c inside"]);
  await kit.enter("g");
  await kit.leave(2);
  assert.deepEqual(kit.taken(), ["d inside", "e inside"]);
  await kit.leave(2);
  assert.deepEqual(kit.taken(), ["g inside"]);
  await kit.leave();
  assert.equal(await kit.status(), "0 inside, 0 waiting");
});

test("those that there are are listed, with who is inside and who waits", async () => {
  const kernel = testKernel({ seed: 1 });
  const bulkheads = await startBulkheads(kernel);
  assert.deepEqual(await kernel.until(bulkheads.ask.list()), []);
  const kit = new Kit(kernel, await kernel.spawn(Caller, { concurrency: 100_000 }));
  for (const name of ["a", "b", "c"]) await kit.enter(name);
  const status = { held: 2, waiting: 1 };
  assert.deepEqual(await kernel.until(bulkheads.ask.list()), [{ key, status }]);
});

test("a wait ends with its time or its signal, and leaves no trace", async () => {
  const kit = await Kit.start();
  for (const name of ["a", "b"]) await kit.enter(name);
  await kit.enter("late", 100);
  await kit.enter("gone");
  await kit.enter("next");
  kit.taken();
  kit.caller.tell.abort("gone");
  await kit.kernel.settle();
  assert.equal(await kit.status(), "2 inside, 2 waiting");
  await kit.kernel.advance(120);
  assert.deepEqual(kit.taken(), ["gone cancelled", "late timeout"]);
  assert.equal(await kit.status(), "2 inside, 1 waiting");
  await kit.leave();
  assert.deepEqual(kit.taken(), ["next inside"]);
  await kit.enter("gone");
  await kit.enter("zero", 0);
  assert.deepEqual(kit.taken(), ["gone cancelled", "zero timeout"]);
  await kit.leave(2);
  assert.equal(await kit.status(), "0 inside, 0 waiting");
});

test("a permit that is granted while its asker gives up comes back, in any order", async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const kit = await Kit.start(seed);
    const one = { maxConcurrent: 1, maxQueue: 3 };
    await kit.enter("a", Number.POSITIVE_INFINITY, one);
    await kit.enter("b", 100, one);
    await kit.enter("c", Number.POSITIVE_INFINITY, one);
    kit.kernel.clock.advance(95);
    kit.caller.tell.leave(key);
    for (let n = 0; n < seed % 6; n += 1) kit.kernel.steps.step();
    kit.caller.tell.abort("c");
    kit.kernel.clock.advance(20);
    await kit.kernel.settle();
    const inside = kit.outcomes.filter((outcome) => outcome.endsWith("inside")).length - 1;
    assert.equal(kit.outcomes.length, 3, `seed ${seed}`);
    assert.equal(await kit.status(), `${inside} inside, 0 waiting`, `seed ${seed}`);
  }
});

test("the latest limits hold: more room lets in, less takes nobody out", async () => {
  const kit = await Kit.start();
  for (const name of ["a", "b", "c", "d"]) await kit.enter(name);
  kit.taken();
  await kit.enter("e", Number.POSITIVE_INFINITY, { maxConcurrent: 4, maxQueue: 3 });
  assert.deepEqual(kit.taken(), ["c inside", "d inside"]);
  assert.equal(await kit.status(), "4 inside, 1 waiting");
  await kit.enter("f", Number.POSITIVE_INFINITY, { maxConcurrent: 1, maxQueue: 9 });
  await kit.leave(3);
  assert.deepEqual(kit.taken(), []);
  await kit.leave();
  assert.deepEqual(kit.taken(), ["e inside"]);
});

test("without Bulkheads nobody comes in, at once", async () => {
  const kernel = testKernel();
  const caller = await kernel.spawn(Caller);
  assert.equal(await kernel.until(caller.ask.enter(key, limits)), "unavailable");
  assert.equal(await kernel.until(caller.ask.remembered()), 0);
});

test("an idle bulkhead goes, and is forgotten; the next call makes another", async () => {
  const kit = await Kit.start();
  await kit.enter("a");
  await kit.kernel.advance(100_000);
  assert.equal(kit.bulkheads().length, 1, "somebody is inside");
  await kit.leave();
  await kit.kernel.advance(59_000);
  await kit.enter("b");
  await kit.leave();
  await kit.kernel.advance(59_000);
  assert.equal(kit.bulkheads().length, 1);
  await kit.kernel.advance(1_001);
  assert.equal(kit.bulkheads().length, 0);
  assert.equal(await kit.kernel.until(kit.caller.ask.remembered()), 0);
  await kit.kernel.advance(10_000);
  assert.equal(kit.kernel.clock.pendingTimers, 0);
  kit.taken();
  await kit.enter("c");
  assert.deepEqual(kit.taken(), ["c inside"]);
});

test("who comes while the idle bulkhead goes finds the next one, in any order", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const kit = await Kit.start(seed);
    await kit.enter("a");
    await kit.leave();
    kit.kernel.clock.advance(59_999);
    await kit.kernel.settle();
    kit.taken();
    kit.kernel.clock.advance(1);
    for (let n = 0; n < seed % 5; n += 1) kit.kernel.steps.step();
    for (const name of ["b", "c", "d"]) void kit.enter(name);
    await kit.kernel.settle();
    assert.deepEqual(kit.taken().sort(), ["b inside", "c inside"], `seed ${seed}`);
    assert.equal(await kit.status(), "2 inside, 1 waiting", `seed ${seed}`);
  }
});

test("a bulkhead that crashes takes no count with it: its successor knows who is inside", async () => {
  const kit = await Kit.start();
  for (const name of ["a", "b", "c", "d"]) await kit.enter(name);
  kit.taken();
  const [bulkhead] = kit.bulkheads();
  const cell = [...kit.kernel.kernel.cells()].find(({ ref }) => ref === bulkhead);
  cell?.crash("test", new Error("by the test"));
  await kit.kernel.settle();
  assert.deepEqual(kit.taken(), [], "those who waited wait again");
  assert.equal(await kit.status(), "2 inside, 2 waiting");
  await kit.leave(2);
  assert.deepEqual(kit.taken().sort(), ["c inside", "d inside"]);
  await kit.leave(2);
  assert.equal(await kit.status(), "0 inside, 0 waiting");
});

test("who leaves while there is no bulkhead is not counted by the next one", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const kit = await Kit.start(seed);
    for (const name of ["a", "b", "c"]) await kit.enter(name);
    kit.taken();
    const [bulkhead] = kit.bulkheads();
    const cell = [...kit.kernel.kernel.cells()].find(({ ref }) => ref === bulkhead);
    cell?.crash("test", new Error("by the test"));
    for (let n = 0; n < seed % 8; n += 1) kit.kernel.steps.step();
    kit.caller.tell.leave(key, 1);
    await kit.kernel.settle();
    assert.deepEqual(kit.taken(), ["c inside"], `seed ${seed}`);
    assert.equal(await kit.status(), "2 inside, 0 waiting", `seed ${seed}`);
    await kit.leave(2);
    assert.equal(await kit.status(), "0 inside, 0 waiting", `seed ${seed}`);
  }
});

test("ten thousand at once: those who fit, in order; the others know at once", async () => {
  const kit = await Kit.start();
  const many = { maxConcurrent: 10, maxQueue: 1_000 };
  const taken = kit.kernel.steps.taken;
  const forever = kit.caller.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
  const all = Array.from({ length: 10_000 }, (_, n) => forever.enter(key, many, 1_000, `${n}`));
  await kit.kernel.settle();
  assert.ok(kit.kernel.steps.taken - taken < 30_000);
  assert.equal(await kit.status(), "10 inside, 1000 waiting");
  await kit.kernel.advance(1_020);
  const outcomes = Object.groupBy(await Promise.all(all), (outcome) => outcome);
  assert.deepEqual(
    Object.entries(outcomes).map(([outcome, list]) => [outcome, list?.length]),
    [
      ["inside", 10],
      ["timeout", 1_000],
      ["queue_full", 8_990],
    ],
  );
  assert.equal(await kit.status(), "10 inside, 0 waiting");
});
