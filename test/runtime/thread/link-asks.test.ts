import assert from "node:assert/strict";
import test from "node:test";
import type { ActorRef, System, ThreadInfo } from "#runtime";
import { Receiver, Sender } from "../../fixtures/actors/messenger.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, startSystem } from "../../fixtures/running-system.ts";

/** What is left of asks on each thread, when they are over. */
async function settled(system: System): Promise<readonly ThreadInfo[]> {
  return eventually("no ask is pending anywhere", async () => {
    const { threads } = await system.inspect();
    // The last cancellations may still be on their way to those who serve.
    const isDone = ({ pendingAsks, linkAsks }: ThreadInfo): boolean =>
      pendingAsks === 0 && linkAsks.asking === 0 && linkAsks.serving === 0;
    return threads.every(isDone) && threads;
  });
}

test("100,000 asks across threads, half of which time out, leave nothing pending", async (t) => {
  const { system } = await startSystem(t);
  // Room for all that time out while the thread of the receiver has to wait for a core.
  const options = { thread: 1, concurrency: 1_000_000, mailboxCapacity: 1_000_000 };
  const receiver = (await system.spawn(Receiver, options)) as ActorRef<Receiver>;
  const sender = await system.spawn(Sender, { thread: 2 });
  const ask = sender.askWith({ timeoutMs: 60_000 });
  const outcomes = await ask.askMany(receiver, 100_000, 60);
  const { right = 0, ask_timeout: timedOut = 0, ...others } = outcomes;
  assert.deepEqual(others, {});
  assert.equal(right + timedOut, 100_000);
  assert.ok(timedOut >= 50_000);
  // How many of the others are in time is the machine's affair.
  assert.ok(right > 0);
  await settled(system);
});

test("an AbortSignal of the asker aborts the callee's on the other thread", async (t) => {
  const { system } = await startSystem(t);
  const receiver = await system.spawn(Receiver, { thread: 1, concurrency: 10 });
  const controller = new AbortController();
  const asked = receiver.askWith({ signal: controller.signal }).untilAbort();
  const rejected = assert.rejects(asked, { code: "cancelled" });
  await eventually("the callee began", async () => (await receiver.ask.seen()).length === 1);
  controller.abort();
  await rejected;
  await eventually("the callee saw it", async () => (await receiver.ask.seen())[0]?.aborted);
  await settled(system);
});

test("the deadline of an ask aborts the callee's signal; its late answer is dropped", async (t) => {
  const { system } = await startSystem(t);
  const receiver = await system.spawn(Receiver, { thread: 1, concurrency: 10 });
  // Time enough to begin on a busy machine: what has not begun by then is never begun.
  const asked = receiver.askWith({ timeoutMs: 1_500 }).untilAbort();
  await assert.rejects(asked, {
    code: "ask_timeout",
    message: /^<0\.1\.\d+> did not answer untilAbort within 1500 ms$/,
  });
  await eventually("the callee saw it", async () => (await receiver.ask.seen())[0]?.aborted);
  // It answers once its signal has fired, which is too late.
  await eventually("the late answer is counted", async () => {
    const { threads } = await system.inspect();
    return threads.reduce((sum, { lateReplies }) => sum + lateReplies, 0) === 1;
  });
  await settled(system);
});

test("an answer that is on its way when the asker gives up is dropped and counted", async (t) => {
  const { system } = await startSystem(t);
  const gate = new Gate();
  const receiver = await system.spawn(Receiver, { thread: 1 });
  receiver.tell.block(gate.name);
  await gate.entered;
  const asked = receiver.askWith({ timeoutMs: 50 }).echo(1);
  await assert.rejects(asked, { code: "ask_timeout" });
  gate.open();
  assert.equal(await receiver.ask.echo(2), 2, "the work for nobody was left out");
  await settled(system);
});

test("the time that is left travels with an ask, and shrinks", async (t) => {
  const { system } = await startSystem(t);
  const receiver = await system.spawn(Receiver, { thread: 1 });
  const sender = await system.spawn(Sender, { thread: 2 });
  const ask = sender.askWith({ timeoutMs: 3_000 });
  const { here, there } = await ask.remainingBehind(receiver as ActorRef<Receiver>);
  assert.ok(here <= 3_000 && here > 1_000, `${here} ms of 3,000 at the first callee`);
  assert.ok(there <= here && there > 1_000, `${there} ms of ${here} at the second`);
  assert.equal(await receiver.askWith({ timeoutMs: Infinity }).remaining(), Infinity);
});

test("asks of a thread that dies fail at once, on every thread", async (t) => {
  const { system } = await startSystem(t);
  const target = await system.spawn(Saboteur, { thread: 1, restart: "temporary" });
  const holder = await system.spawn(Receiver, { thread: 1, restart: "temporary" });
  const killer = await system.spawn(Saboteur, { thread: 1, restart: "temporary" });
  const sender = await system.spawn(Sender, { thread: 2 });
  const fromMain = Array.from({ length: 100 }, () => target.askWith({ timeoutMs: 60_000 }).never());
  const outcomes = Promise.allSettled(fromMain);
  // Even numbers are never answered.
  const fromThread = sender.askWith({ timeoutMs: 60_000 }).askMany(holder, 500, 60_000);
  await eventually("they are under way", async () => {
    const { threads } = await system.inspect();
    return threads.filter(({ pendingAsks }) => pendingAsks >= 100).length === 2;
  });
  const startedAt = performance.now();
  killer.tell.exitProcess(1);
  for (const outcome of await outcomes) {
    assert.equal(outcome.status === "rejected" && outcome.reason.code, "thread_down");
  }
  const { thread_down: down = 0, right = 0 } = await fromThread;
  assert.ok(down >= 250 && down + right === 500, `${down} failed, ${right} were answered`);
  assert.ok(performance.now() - startedAt < 30_000, "not by the timeouts of the asks");
  await settled(system);
});

test("an ask of an actor that is gone is refused at once, with its thread alive or not", async (t) => {
  const { system } = await startSystem(t);
  const actor = await system.spawn(Saboteur, { thread: 1, restart: "temporary" });
  await assert.rejects(actor.ask.throwError("end"), { code: "actor_crashed" });
  const message = `${actor} is no living actor`;
  await assert.rejects(actor.ask.increment(), { code: "no_actor", message });
  assert.equal(actor.tell.increment(), true, "the other thread alone knows");
  await eventually("the tell is a dead letter", async () =>
    (await system.deadLetters()).some(({ reason, method }) => {
      return reason === "no_actor" && method === "increment";
    }),
  );
});
