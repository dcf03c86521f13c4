import assert from "node:assert/strict";
import test from "node:test";
import { Actor, type ActorRef } from "#runtime";
import { testKernel } from "#runtime/testing";
import { type BulkheadLimits, bulkheadsName } from "../../../actors/breaker/index.ts";
import { Caller } from "./fixtures/caller.ts";

// The gate alone, before bulkheads that do what the test says: between threads words cross in ways
// that one thread cannot show.

const key = "users/list";
const limits: BulkheadLimits = { maxConcurrent: 2, maxQueue: 3 };

/** Answers when the test says so, and keeps what it heard. */
class FakeBulkhead extends Actor {
  readonly #heard: string[];
  readonly #waiting: ((granted: boolean) => void)[] = [];

  constructor(heard: string[]) {
    super();
    this.#heard = heard;
  }

  enter(_porter: ActorRef, ticket: number): Promise<boolean> {
    this.#heard.push(`enter ${ticket}`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(_porter: ActorRef, ticket: number): void {
    this.#heard.push(`leave ${ticket}`);
  }

  adopt(_porter: ActorRef, tickets: readonly number[]): void {
    this.#heard.push(`adopt ${tickets}`);
  }

  answer(granted: boolean): void {
    for (const resolve of this.#waiting.splice(0)) resolve(granted);
  }
}

class FakePorter extends Actor {
  follow(_bulkhead: ActorRef): void {}
}

/** Opens what the test put there. */
class FakeBulkheads extends Actor {
  readonly #porter: ActorRef;
  #bulkhead: ActorRef;

  constructor(porter: ActorRef, bulkhead: ActorRef) {
    super();
    this.#porter = porter;
    this.#bulkhead = bulkhead;
  }

  open(): unknown {
    return { porter: this.#porter, bulkhead: this.#bulkhead };
  }

  replace(bulkhead: ActorRef): void {
    this.#bulkhead = bulkhead;
  }
}

async function start() {
  const kernel = testKernel();
  const heard: string[][] = [[], []];
  const spawn = (n: number) =>
    kernel.spawn(FakeBulkhead, { args: [heard[n] ?? []], concurrency: 100 });
  const [first, second] = [await spawn(0), await spawn(1)];
  const porter = await kernel.spawn(FakePorter);
  const bulkheads = await kernel.spawn(FakeBulkheads, {
    ...{ name: bulkheadsName, args: [porter, first] as [ActorRef, ActorRef] },
  });
  const caller = await kernel.spawn(Caller, { concurrency: 100 });
  const kill = async (ref: ActorRef): Promise<void> => {
    kernel.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "by the test" } });
    await kernel.settle();
  };
  return { kernel, heard, first, second, bulkheads, caller, kill };
}

test("a permit of a bulkhead that was lost before the word of it came is none", async () => {
  const { kernel, heard, first, second, bulkheads, caller } = await start();
  const entering = caller.ask.enter(key, limits);
  await kernel.settle();
  assert.deepEqual(heard, [["enter 1"], []]);
  // The next bulkhead has asked what is held, and was told: nothing. Only then the old word comes.
  assert.deepEqual(await kernel.until(caller.ask.handOver(key)), []);
  bulkheads.tell.replace(second);
  first.tell.answer(true);
  await kernel.settle();
  assert.deepEqual(heard, [["enter 1"], ["enter 2"]]);
  second.tell.answer(true);
  assert.equal(await kernel.until(entering), "inside");
});

test("who is handed over and leaves before the next bulkhead is known is told to that one", async () => {
  const { kernel, heard, first, second, bulkheads, caller } = await start();
  const entering = caller.ask.enter(key, limits);
  await kernel.settle();
  first.tell.answer(true);
  assert.equal(await kernel.until(entering), "inside");
  assert.deepEqual(await kernel.until(caller.ask.handOver(key)), [1]);
  bulkheads.tell.replace(second);
  caller.tell.leave(key);
  await kernel.settle();
  assert.deepEqual(heard, [["enter 1"], ["leave 1"]]);
});

test("a bulkhead that nobody told who is inside is told by the gate", async () => {
  const { kernel, heard, first, second, bulkheads, caller, kill } = await start();
  const entering = caller.ask.enter(key, limits);
  await kernel.settle();
  first.tell.answer(true);
  assert.equal(await kernel.until(entering), "inside");
  bulkheads.tell.replace(second);
  await kill(first);
  const again = caller.ask.enter(key, limits);
  await kernel.settle();
  second.tell.answer(true);
  assert.equal(await kernel.until(again), "inside");
  assert.deepEqual(heard, [["enter 1"], ["adopt 1", "enter 3"]]);
});

test("a gate that loses one bulkhead after the other gives up", async () => {
  const { kernel, caller, first, kill } = await start();
  await kill(first);
  assert.equal(await kernel.until(caller.ask.enter(key, limits)), "unavailable");
  assert.equal(await kernel.until(caller.ask.remembered()), 0);
});

test("a bulkhead that does not answer costs the time of the call, no more", async () => {
  const { kernel, heard, caller } = await start();
  const entering = caller.ask.enter(key, limits, 100);
  await kernel.advance(120);
  assert.equal(await kernel.until(entering), "timeout");
  assert.deepEqual(heard, [["enter 1", "leave 1"], []]);
});
