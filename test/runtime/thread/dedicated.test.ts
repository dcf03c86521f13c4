import assert from "node:assert/strict";
import test from "node:test";
import { type ActorRef, createSystem, type System } from "#runtime";
import { Boss } from "../../fixtures/actors/boss.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, nextHolder, startSystem } from "../../fixtures/running-system.ts";

const dedicated = { thread: "dedicated", restart: "temporary" } as const;
/** A thread that starts on a busy machine takes its time. */
const patient = { timeoutMs: 60_000 };

/** Resolves when the living threads are these. */
async function threadsAre(system: System, expected: readonly number[]): Promise<void> {
  let threads: number[] = [];
  const look = async (): Promise<boolean> => {
    const { threads: infos, silent } = await system.inspect();
    threads = [...infos.map(({ thread }) => thread), ...silent].sort((a, b) => a - b);
    return threads.join() === expected.join();
  };
  await eventually(`threads ${expected}`, look).catch((error) => {
    throw new Error(`${error.message}; they are ${threads}`);
  });
}

/** Resolves when the thread of the actor is blocked, for good. */
function blockForEver(actor: ActorRef<Saboteur>): Promise<void> {
  const gate = new Gate();
  actor.tell.block(gate.name);
  return gate.entered;
}

test("a dedicated thread ends with its actor, and its number is used again", async (t) => {
  const { system, log } = await startSystem(t);
  const first = await system.spawn(Saboteur, dedicated);
  const second = await system.spawn(Saboteur, dedicated);
  assert.deepEqual([first.thread, second.thread], [3, 4]);
  assert.deepEqual([await first.ask.thread(), await second.ask.thread()], [3, 4]);
  await threadsAre(system, [0, 1, 2, 3, 4]);
  system.stopActor(first);
  await threadsAre(system, [0, 1, 2, 4]);
  await assert.rejects(second.ask.throwError("end"), { code: "actor_crashed" });
  await threadsAre(system, [0, 1, 2]);
  const third = await system.spawn(Saboteur, dedicated);
  assert.deepEqual([third.thread, third.incarnation], [3, 2]);
  await assert.rejects(first.ask.increment(), { code: "no_actor" });
  assert.equal(await third.ask.increment(), 1);
  assert.deepEqual(log.all("thread died"), [], "none of these is an accident");
});

test("a dedicated thread may block; the others serve on, and new threads start", async (t) => {
  const stallTimeoutMs = 3_000;
  const { system } = await startSystem(t, { stallTimeoutMs });
  const blocked = await system.spawn(Saboteur, dedicated);
  const gate = new Gate();
  const asked = blocked.askWith({ timeoutMs: 60_000 }).block(gate.name);
  await gate.entered;
  const killer = await system.spawn(Saboteur, { name: "killer", thread: 1 });
  const startedAt = performance.now();
  const other = await system.spawn(Saboteur, dedicated);
  assert.equal(await other.ask.increment(), 1);
  killer.tell.exitProcess(1);
  const next = await nextHolder(system, "killer", killer);
  assert.equal(await next.ask.increment(), 1, "a scheduler thread is replaced meanwhile");
  const isOverdue = async (): Promise<boolean> =>
    performance.now() - startedAt > 1.25 * stallTimeoutMs;
  await eventually("the watchdog has had its time", isOverdue);
  gate.open();
  await asked;
  assert.equal(await blocked.ask.increment(), 1, "and the one that blocked was left alone");
});

test("resourceLimits: the actor that exceeds them is restarted, and nobody else hears of it", async (t) => {
  const { system, log } = await startSystem(t);
  const actor = await system.spawn(Saboteur, {
    ...{ name: "greedy", thread: "dedicated" },
    resourceLimits: { maxOldGenerationSizeMb: 20 },
  });
  const far = await system.spawn(Saboteur, { thread: 1 });
  const asked = actor.askWith({ timeoutMs: 60_000 }).exhaustHeap();
  await assert.rejects(asked, { code: "thread_down", message: /memory/i });
  const next = await nextHolder(system, "greedy", actor);
  assert.equal(await next.ask.increment(), 1);
  assert.equal(await far.ask.increment(), 1);
  assert.deepEqual(
    log.all("restarting").map(({ fields }) => fields["child"]),
    ["greedy"],
  );
  await threadsAre(system, [0, 1, 2, 3]);
});

test("a dedicated actor that stops normally while its parent is busy stopped normally", async (t) => {
  const { system } = await startSystem(t);
  const boss = await system.spawn(Boss, { thread: 1 });
  const child = await boss.askWith(patient).hire(dedicated);
  await boss.ask.dismissWhileBusy();
  const [end] = await eventually("word of its end", async () => {
    const ends = await boss.ask.ends();
    return ends.length > 0 && ends;
  });
  assert.deepEqual(end, { pid: String(child), kind: "normal" });
  await threadsAre(system, [0, 1, 2]);
});

test("stopChild of a blocked child: its thread is ended after the shutdown time", async (t) => {
  const { system, log } = await startSystem(t);
  const boss = await system.spawn(Boss, { thread: 1 });
  const child = await boss.askWith(patient).hire({ ...dedicated, shutdownMs: 100 });
  await blockForEver(child);
  await boss.askWith({ timeoutMs: 20_000 }).dismiss();
  const { fields } = await log.entry("dedicated thread is ended");
  assert.match(String(fields["why"]), /did not stop within 100 ms, <0\.3\.\d+> Saboteur\.block$/);
  await threadsAre(system, [0, 1, 2]);
});

test("killing a blocked child, or its parent, ends the child's thread", async (t) => {
  const { system } = await startSystem(t);
  const child = await system.spawn(Saboteur, dedicated);
  await blockForEver(child);
  system.killActor(child, "enough");
  await threadsAre(system, [0, 1, 2]);

  const boss = await system.spawn(Boss, { thread: 1, restart: "temporary" });
  const second = await boss.askWith(patient).hire(dedicated);
  await blockForEver(second);
  system.killActor(boss, "enough");
  await threadsAre(system, [0, 1, 2]);
});

test("the thread of the parent dies: its child on a blocked thread does not live on", async (t) => {
  const { system } = await startSystem(t);
  const boss = await system.spawn(Boss, { thread: 1, restart: "temporary" });
  const child = await boss.askWith(patient).hire({ ...dedicated, shutdownMs: 100 });
  await blockForEver(child);
  boss.tell.exitProcess();
  await threadsAre(system, [0, 1, 2]);
});

test("a spawn on a dedicated thread that fails leaves no thread behind", async (t) => {
  const { system } = await startSystem(t);
  const boss = await system.spawn(Boss, { thread: 1 });
  const source = Saboteur.source;
  await assert.rejects(boss.askWith(patient).hireFrom(source, "Nobody", dedicated), {
    code: "load_failed",
  });
  await assert.rejects(boss.askWith(patient).hireFrom(`${source}.missing`, "X", dedicated), {
    code: "load_failed",
  });
  await assert.rejects(
    boss.askWith(patient).hireFrom(Boss.source, "NeverReady", { ...dedicated, startTimeoutMs: 50 }),
    // On a busy machine the new thread may need more than a second to load the module.
    ({ code, message }) => code === "ask_timeout" || /init took longer than 50 ms/.test(message),
  );
  await assert.rejects(boss.askWith(patient).hireFrom(Boss.source, "Unready", dedicated), {
    code: "start_failed",
    message: /cannot start/,
  });
  await threadsAre(system, [0, 1, 2]);
  const child = await boss.askWith(patient).hire(dedicated);
  assert.equal(await child.ask.increment(), 1, "threads are still given out");
});

test("limits that a thread cannot start with are an error, and threads are still given out", async (t) => {
  const { system } = await startSystem(t);
  // With as little as this the platform would take down the process.
  const tooSmall = { ...dedicated, resourceLimits: { maxOldGenerationSizeMb: 2 } };
  await assert.rejects(system.spawn(Saboteur, tooSmall), {
    code: "start_failed",
    message: "resourceLimits.maxOldGenerationSizeMb: expected MB >= 8, received 2",
  });
  // With this the thread dies while it starts.
  const tight = { ...dedicated, resourceLimits: { maxOldGenerationSizeMb: 8 } };
  await assert.rejects(system.spawn(Saboteur, tight), { code: "thread_down", message: /memory/ });
  const threads = { threads: 1, resourceLimits: { maxOldGenerationSizeMb: 8 } };
  await assert.rejects(createSystem(threads), { code: "thread_down", message: /memory/ });
  const actor = await system.spawn(Saboteur, dedicated);
  assert.equal(await actor.ask.increment(), 1);
});

test("a system with 0 threads has no dedicated ones, and says so", async () => {
  const system = await createSystem({ threads: 0 });
  for (let n = 0; n < 2; n += 1) {
    await assert.rejects(system.spawn(Saboteur, dedicated), {
      code: "start_failed",
      message: /a system with 0 threads has no dedicated ones to give/,
    });
  }
  const actor = await system.spawn(Saboteur, { thread: "any" });
  assert.equal(await actor.ask.thread(), 0);
  await system.stop();
});

test("a dedicated thread that blocks for nobody is ended; its actor is started anew", async (t) => {
  const { system, log } = await startSystem(t, { stallTimeoutMs: 2_000 });
  const stuck = await system.spawn(Saboteur, { name: "stuck", thread: "dedicated" });
  const gate = new Gate();
  t.after(() => gate.open());
  // Time enough to begin on a busy machine: what has not begun by then is never begun.
  const asked = stuck.askWith({ timeoutMs: 1_500 }).block(gate.name);
  await assert.rejects(asked, { code: "ask_timeout" });
  const next = await nextHolder(system, "stuck", stuck);
  assert.equal(await next.ask.increment(), 1);
  assert.match(JSON.stringify(log.all("thread died")), /Saboteur\.block/);
});
