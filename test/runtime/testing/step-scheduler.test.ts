import assert from "node:assert/strict";
import test from "node:test";
import { StepScheduler } from "#runtime/testing";
import type { Runnable } from "../../../runtime/actor/index.ts";

/** Notes its name at each turn; wants `turns` of them. */
function runnable(name: string, turns: number, log: string[], limits: number[] = []): Runnable {
  let left = turns;
  return {
    runTurn(limit) {
      limits.push(limit);
      log.push(name);
      left -= 1;
      return left > 0;
    },
  };
}

async function orderOf(seed: number): Promise<string> {
  const steps = new StepScheduler(seed);
  const log: string[] = [];
  for (const name of ["a", "b", "c", "d"]) steps.ready(runnable(name, 3, log));
  await steps.settle();
  return log.join("");
}

test("each step is a turn of one message; settle ends when nothing is ready", async () => {
  const steps = new StepScheduler(1);
  const limits: number[] = [];
  const log: string[] = [];
  steps.ready(runnable("a", 3, log, limits));
  assert.equal(steps.readyCount, 1);
  await steps.settle();
  assert.deepEqual(limits, [1, 1, 1]);
  assert.equal(steps.taken, 3);
  assert.equal(steps.readyCount, 0);
  assert.equal(steps.step(), false);
});

test("the same seed gives the same order, many seeds give many", async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 30; seed += 1) {
    const order = await orderOf(seed);
    assert.equal(await orderOf(seed), order);
    orders.add(order);
  }
  assert.ok(orders.size > 25, `${orders.size} orders of 30 seeds`);
});

test("promise continuations run between the steps, and those of the last step too", async () => {
  const steps = new StepScheduler(1);
  const log: string[] = [];
  const chain = async (text: string): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
    log.push(text);
  };
  let turn = 0;
  steps.ready({
    runTurn() {
      turn += 1;
      log.push(`turn ${turn}`);
      const text = `after ${turn}`;
      void chain(text);
      return turn < 3;
    },
  });
  await steps.settle();
  assert.deepEqual(log, ["turn 1", "after 1", "turn 2", "after 2", "turn 3", "after 3"]);
});

test("what becomes ready in a continuation is settled as well", async () => {
  const steps = new StepScheduler(1);
  const log: string[] = [];
  void Promise.resolve().then(() => steps.ready(runnable("late", 1, log)));
  await steps.settle();
  assert.deepEqual(log, ["late"]);
});

test("flushes run, each once, and those that they ask for too", async () => {
  const steps = new StepScheduler(1);
  const log: string[] = [];
  steps.onIdle(() => {
    log.push("one");
    steps.onIdle(() => log.push("three"));
  });
  steps.onIdle(() => log.push("two"));
  await steps.settle();
  assert.deepEqual(log, ["one", "two", "three"]);
});

test("a program that never rests is ended by an error that names the seed", async () => {
  const steps = new StepScheduler(42, 500);
  steps.ready({ runTurn: () => true });
  await assert.rejects(steps.settle(), /no rest within 500 steps \(seed 42, step \d+\)/);
});

test("until gives what the promise gives, and says when it never can", async () => {
  const steps = new StepScheduler(7);
  const done = Promise.withResolvers<string>();
  steps.ready({
    runTurn() {
      done.resolve("done");
      return true;
    },
  });
  assert.equal(await steps.until(done.promise), "done");
  await assert.rejects(steps.until(Promise.reject(new RangeError("its own"))), RangeError);
  const idle = new StepScheduler(7);
  await assert.rejects(idle.until(new Promise(() => {})), /pending \(seed 7, step 0\)/);
});

test("two that settle at once do not step into each other", async () => {
  const steps = new StepScheduler(3);
  const log: string[] = [];
  for (const name of ["a", "b"]) steps.ready(runnable(name, 5, log));
  await Promise.all([steps.settle(), steps.settle(), steps.until(Promise.resolve())]);
  await steps.settle();
  const other: string[] = [];
  const alone = new StepScheduler(3);
  for (const name of ["a", "b"]) alone.ready(runnable(name, 5, other));
  await alone.settle();
  assert.deepEqual(log, other);
});
