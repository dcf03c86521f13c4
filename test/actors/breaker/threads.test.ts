import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setEnvironmentData } from "node:worker_threads";
import type { ActorRef, System } from "#runtime";
import {
  type BreakerRecord,
  type BreakerSettings,
  type Bulkhead,
  breakerChildren,
  breakerDefaults,
  breakersTable,
} from "../../../actors/breaker/index.ts";
import { eventually, type LogRecord, startSystem } from "../../fixtures/running-system.ts";
import { Caller } from "./fixtures/caller.ts";
import { Crowd, insideMemory } from "./fixtures/crowd.ts";

// Real threads: what holds over all of them, and what a death changes.

const target = "local/users";
const key = "users/list";
const longMs = 60_000;

interface Node {
  readonly system: System;
  readonly log: LogRecord;
  /** One on each scheduler thread. */
  readonly callers: readonly ActorRef<Caller>[];
}

async function start(t: TestContext, settings: Partial<BreakerSettings> = {}): Promise<Node> {
  const { system, log } = await startSystem(t, { threads: 3, strictMessages: true });
  for (const child of breakerChildren({ breaker: { ...breakerDefaults, ...settings } })) {
    await system.startChild(child);
  }
  const callers = await Promise.all(
    system.schedulers.map((thread) => startCaller(system, thread, "permanent")),
  );
  return { system, log, callers };
}

function startCaller(
  system: System,
  thread: number,
  restart: "permanent" | "temporary" = "temporary",
): Promise<ActorRef<Caller>> {
  return system.spawn(Caller, { thread, restart, concurrency: 100_000 });
}

function long(caller: ActorRef<Caller> | undefined): ActorRef<Caller>["ask"] {
  assert.ok(caller);
  return caller.askWith({ timeoutMs: longMs });
}

/** The caller on a thread that died and came back. */
async function callerAfter(system: System, old: ActorRef<Caller>): Promise<ActorRef<Caller>> {
  await assert.rejects(long(old).until("nothing", "open"), { code: "thread_down" });
  return startCaller(system, old.thread);
}

async function bulkheadsOf(system: System): Promise<ActorRef<Bulkhead>[]> {
  const { actors } = await system.inspect();
  return actors
    .filter((actor) => actor.class === "Bulkhead")
    .map(({ pid }) => system.resolve(pid) as ActorRef<Bulkhead>);
}

async function statusOf(bulkhead: ActorRef<Bulkhead> | undefined): Promise<number[]> {
  assert.ok(bulkhead);
  const { held, waiting } = await bulkhead.ask.status();
  return [held, waiting];
}

test("failures of all threads make one row, and all threads see the circuit open", async (t) => {
  const { system, log, callers } = await start(t, { cooldownMs: longMs });
  for (const caller of callers) await caller.ask.settle(target, "failure", 3);
  await Promise.all(callers.map((caller) => long(caller).until(target, "closed")));
  await eventually(
    "nine are counted",
    () => system.table<BreakerRecord>(breakersTable).get(target)?.failures === 9,
  );
  for (const caller of callers) assert.equal(await caller.ask.admit(target), "free");
  await callers[0]?.ask.settle(target, "failure");
  await Promise.all(callers.map((caller) => long(caller).until(target, "open")));
  for (const caller of callers) {
    const admission = await caller.ask.admit(target);
    assert.ok(typeof admission === "object");
    assert.ok(admission.retryAfterMs > 0 && admission.retryAfterMs <= longMs);
    assert.equal(await caller.ask.admit("local/others"), "free");
  }
  const { fields } = await log.entry("circuit open");
  assert.deepEqual([fields["target"], fields["reason"]], [target, "10 failures in a row"]);
});

test("three probes for all threads; those of a thread that dies are given up", async (t) => {
  // On a busy machine 900 calls take their time: a probe is not to be over before they are.
  const settings = { consecutiveFailures: 1, cooldownMs: 50, probeTimeoutMs: 3_000 };
  const { system, callers } = await start(t, settings);
  const [first, ...others] = callers;
  assert.ok(first);
  await first.ask.settle(target, "failure");
  await Promise.all(callers.map((caller) => long(caller).until(target, "half_open")));
  const crowds = await Promise.all(callers.map((caller) => long(caller).crowd(target, 300)));
  assert.equal(
    crowds.reduce((sum, count) => sum + count),
    3,
  );
  first.tell.die();
  const reborn = await callerAfter(system, first);
  await Promise.all(others.map((caller) => caller.ask.settle(target, "ignored", 3, true)));
  // Whatever the dead thread had is free when its time is over.
  let admitted = 0;
  await eventually("three probes were given again", async () => {
    const now = await long(reborn).crowd(target, 5);
    assert.ok(now <= 3, `${now} at once`);
    admitted += now;
    return admitted >= 3;
  });
  await reborn.ask.settle(target, "success", 3, true);
  await Promise.all([...others, reborn].map((caller) => long(caller).until(target, "closed")));
});

test("an open circuit outlives the thread of its breaker", async (t) => {
  const { system, log, callers } = await start(t, { consecutiveFailures: 1, cooldownMs: 60_000 });
  await callers[0]?.ask.settle(target, "failure");
  await Promise.all(callers.map((caller) => long(caller).until(target, "open")));
  const breakers = system.resolve("breakers");
  const victim = callers.find((caller) => caller.thread === breakers?.thread);
  assert.ok(victim);
  victim.tell.die();
  const reborn = await callerAfter(system, victim);
  await log.entry("restarting", ({ fields }) => fields["child"] === "breakers");
  await eventually("it is back", () => {
    const now = system.resolve("breakers");
    return now !== undefined && !(breakers && now.equals(breakers));
  });
  for (const caller of [...callers.filter((one) => one !== victim), reborn]) {
    await long(caller).until(target, "open");
    const admission = await caller.ask.admit(target);
    assert.ok(typeof admission === "object" && admission.retryAfterMs > 30_000);
  }
});

test("never more than maxConcurrent inside, over threads and thousands of calls", async (t) => {
  const memory = new SharedArrayBuffer(8);
  setEnvironmentData(insideMemory, memory);
  const { system } = await start(t);
  const crowds = await Promise.all(
    system.schedulers.map((thread) => system.spawn(Crowd, { thread })),
  );
  const limits = { maxConcurrent: 7, maxQueue: 10_000 };
  const rushes = crowds.map((crowd) =>
    crowd.askWith({ timeoutMs: longMs }).rush(key, limits, 2_000),
  );
  for (const seen of await Promise.all(rushes)) {
    assert.deepEqual(seen, { outOfOrder: 0, inside: 2_000 });
  }
  assert.deepEqual([...new Int32Array(memory)], [0, 7], "all left, and all places were used");
  const [bulkhead] = await bulkheadsOf(system);
  await eventually("all have left", async () => (await statusOf(bulkhead)).join() === "0,0");
});

test("the death of a bulkhead's thread lets nobody in who has no place", async (t) => {
  const memory = new SharedArrayBuffer(8);
  setEnvironmentData(insideMemory, memory);
  const { system, callers } = await start(t);
  const [victim, ...others] = callers;
  assert.ok(victim);
  // Bulkheads take the threads in turn: one of a few is on the thread that is to die.
  const keys = ["a", "b", "c", "d"];
  for (const one of keys) await victim.ask.enter(one, { maxConcurrent: 1, maxQueue: 0 });
  const doomed = (await bulkheadsOf(system)).find(({ thread }) => thread === victim.thread);
  const statuses = new Map<string, string>();
  for (const one of keys) {
    await victim.ask.leave(one);
    if (doomed !== undefined) statuses.set(one, (await statusOf(doomed)).join());
  }
  const doomedKey = keys.find((one) => statuses.get(one) === "0,0");
  assert.ok(doomedKey);
  const limits = { maxConcurrent: 5, maxQueue: 10_000 };
  for (const caller of others) assert.equal(await caller.ask.enter(doomedKey, limits), "inside");
  const crowds = await Promise.all(
    others.map(({ thread }) => system.spawn(Crowd, { thread, restart: "temporary" })),
  );
  const rushes = crowds.map((crowd) =>
    crowd.askWith({ timeoutMs: longMs }).rush(doomedKey, limits, 2_000),
  );
  const inside = new Int32Array(memory);
  await eventually("they are at it", () => Atomics.load(inside, 1) === 3);
  victim.tell.die();
  for (const seen of await Promise.all(rushes)) assert.equal(seen["inside"], 2_000);
  assert.deepEqual([...inside], [0, 3], "two places were taken all the time");
  await eventually("the successor knows of those two alone", async () => {
    const all = await Promise.all((await bulkheadsOf(system)).map(statusOf));
    return all.filter(([held]) => held !== 0).join() === "2,0";
  });
});

test("what a thread held or waited for is free when it dies", async (t) => {
  const { system, callers } = await start(t);
  const limits = { maxConcurrent: 3, maxQueue: 10 };
  // The bulkhead has to live elsewhere.
  const opener = callers[0];
  assert.ok(opener);
  assert.equal(await opener.ask.enter(key, limits), "inside");
  const [bulkhead] = await bulkheadsOf(system);
  const [victim, survivor] = callers.filter(({ thread }) => thread !== bulkhead?.thread);
  assert.ok(victim && survivor);
  await opener.ask.leave(key);
  for (let n = 0; n < 3; n += 1) assert.equal(await victim.ask.enter(key, limits), "inside");
  const lost = Array.from({ length: 4 }, () =>
    assert.rejects(long(victim).enter(key, limits), { code: "thread_down" }),
  );
  const waiting = Array.from({ length: 3 }, () => long(survivor).enter(key, limits));
  await eventually("seven wait", async () => (await statusOf(bulkhead)).join() === "3,7");
  victim.tell.die();
  assert.deepEqual(await Promise.all(waiting), ["inside", "inside", "inside"]);
  await Promise.all(lost);
  assert.deepEqual(await statusOf(bulkhead), [3, 0]);
  await survivor.ask.leave(key, 3);
  await eventually("all have left", async () => (await statusOf(bulkhead)).join() === "0,0");
});

test("cancelled and timed out on other threads, nobody leaves a trace", async (t) => {
  const { system, callers } = await start(t);
  const limits = { maxConcurrent: 1, maxQueue: 100_000 };
  assert.equal(await callers[0]?.ask.enter(key, limits), "inside");
  const [bulkhead] = await bulkheadsOf(system);
  const timed = callers.map((caller) =>
    Array.from({ length: 200 }, (_, n) => long(caller).enter(key, limits, 20 + (n % 30))),
  );
  const aborted = callers.map((caller) =>
    Array.from({ length: 200 }, () => long(caller).enter(key, limits, longMs, "abort")),
  );
  const outcomes = new Set(await Promise.all(timed.flat()));
  for (const caller of callers) caller.tell.abort("abort");
  for (const outcome of await Promise.all(aborted.flat())) outcomes.add(outcome);
  assert.deepEqual([...outcomes], ["timeout", "cancelled"]);
  await eventually("nobody waits", async () => (await statusOf(bulkhead)).join() === "1,0");
  await callers[0]?.ask.leave(key);
  assert.equal(await callers[1]?.ask.enter(key, limits), "inside");
});
