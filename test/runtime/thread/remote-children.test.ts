import assert from "node:assert/strict";
import test from "node:test";
import { type ActorRef, type ChildInfo, childOf, Supervisor, type System } from "#runtime";
import { ProbeRecord, probeClass } from "#runtime/testing";
import { Boss, NeverReady, Stillborn } from "../../fixtures/actors/boss.ts";
import { Colleague, type Witness } from "../../fixtures/actors/colleague.ts";
import { Receiver, Sender } from "../../fixtures/actors/messenger.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, nextHolder, startSystem } from "../../fixtures/running-system.ts";

const temporary = { restart: "temporary" } as const;

/** An actor on the main thread that records what others tell it. */
async function witness(
  system: System,
): Promise<{ ref: ActorRef<Witness>; record: ProbeRecord<Witness>; lines(): unknown[] }> {
  const record = new ProbeRecord<Witness>();
  const args = [record] as never;
  const ref = await system.spawn(probeClass(["note"]), { thread: 0, args, ...temporary });
  return {
    ref: ref as ActorRef as ActorRef<Witness>,
    record,
    lines: () => record.messages.map(({ args }) => args[0]),
  };
}

/** Resolves when all that was sent from one thread to the other has arrived. */
async function linkPassed(system: System, from: number, to: number): Promise<void> {
  const sender = await system.spawn(Sender, { thread: from, ...temporary });
  const receiver = await system.spawn(Receiver, { thread: to, ...temporary });
  await sender
    .askWith({ timeoutMs: 60_000 })
    .askMany(receiver as ActorRef<Receiver>, 1, Number.POSITIVE_INFINITY);
}

async function actorsOf(system: System, className: string): Promise<string[]> {
  const { actors } = await system.inspect();
  return actors.filter((actor) => actor.class === className).map(({ pid }) => pid);
}

/** A supervisor on thread 1 whose children live on thread 2. */
async function spread(system: System, observer: ActorRef<Witness>): Promise<ActorRef<Supervisor>> {
  const child = (id: string) =>
    childOf(Colleague, { args: [id, observer], options: { name: id, thread: 2 } });
  const ref = await system.startChild(
    childOf(Supervisor, {
      args: [{ intensity: 5 }, [child("anna"), child("bert")]],
      options: { name: "spread", thread: 1 },
      type: "supervisor",
    }),
  );
  return ref as ActorRef<Supervisor>;
}

test("a supervisor restarts its child on the other thread, and stops its children in reverse", async (t) => {
  const { system } = await startSystem(t);
  const observer = await witness(system);
  const supervisor = await spread(system, observer.ref);
  const anna = system.resolve("anna") as ActorRef<Colleague>;
  assert.deepEqual([supervisor.thread, anna.thread], [1, 2]);
  anna.tell.crash();
  const next = await nextHolder(system, "anna", anna);
  assert.deepEqual([next.thread, next.incarnation], [2, 1]);
  system.stopActor(supervisor);
  await observer.record.message(6);
  const start = ["+anna", "+bert", "-anna crash", "+anna"];
  assert.deepEqual(observer.lines().slice(0, 6), [...start, "-bert shutdown", "-anna shutdown"]);
});

test("the thread of a supervisor dies: its children elsewhere stop, and come back with it", async (t) => {
  const { system } = await startSystem(t);
  const observer = await witness(system);
  const supervisor = await spread(system, observer.ref);
  const killer = await system.spawn(Saboteur, { thread: 1, ...temporary });
  const anna = system.resolve("anna") as ActorRef<Colleague>;
  killer.tell.exitProcess(1);
  const next = await nextHolder(system, "spread", supervisor);
  assert.equal(next.incarnation, 2);
  await observer.record.message(6);
  const lines = observer.lines();
  assert.deepEqual(lines.slice(0, 2), ["+anna", "+bert"]);
  assert.deepEqual(lines.slice(2, 4).sort(), ["-anna shutdown", "-bert shutdown"]);
  assert.deepEqual(lines.slice(4), ["+anna", "+bert"]);
  const { ask } = next as ActorRef<Supervisor>;
  const children: ChildInfo[] = await ask.whichChildren();
  assert.deepEqual(
    children.map(({ id, status }) => [id, status]),
    [
      ["anna", "running"],
      ["bert", "running"],
    ],
  );
  assert.equal(children[0]?.ref?.equals(anna), false);
  assert.equal((await actorsOf(system, "Colleague")).length, 2, "no orphan is left");
});

test("children on a thread that dies come back by a supervisor that lives elsewhere", async (t) => {
  const { system } = await startSystem(t);
  const observer = await witness(system);
  await spread(system, observer.ref);
  const anna = system.resolve("anna") as ActorRef<Colleague>;
  const bert = system.resolve("bert") as ActorRef<Colleague>;
  const killer = await system.spawn(Saboteur, { thread: 2, ...temporary });
  killer.tell.exitProcess(1);
  const [nextAnna, nextBert] = await Promise.all([
    nextHolder(system, "anna", anna),
    nextHolder(system, "bert", bert),
  ]);
  assert.deepEqual([nextAnna.incarnation, nextBert.incarnation], [2, 2]);
  assert.equal(await nextAnna.ask.thread(), 2);
});

test("a child that crashes before its parent knows of its start is restarted, too", async (t) => {
  const { system, log } = await startSystem(t, { intensity: 3 });
  const supervisor = await system.startChild(
    childOf(Supervisor, {
      args: [{ intensity: 2, backoff: { minMs: 0 } }, []],
      ...{ restart: "temporary", type: "supervisor", options: { thread: 1 } },
    }),
  );
  const spec = childOf(Stillborn, { options: { thread: 2 } });
  await (supervisor as ActorRef<Supervisor>).ask.startChild(spec);
  const { fields } = await log.entry("supervisor stops");
  assert.equal(fields["cause"], "intensity_exceeded");
  assert.equal(log.all("actor crashed").length, 3);
});

test("a start that takes too long is given up, and leaves nobody behind", async (t) => {
  const { system } = await startSystem(t);
  // Loading the module takes of the same time: it is there before.
  await system.spawn(Boss, { thread: 2 });
  const options = { thread: 2, startTimeoutMs: 50, name: "tardy", ...temporary };
  await assert.rejects(system.spawn(NeverReady, options), {
    code: "start_failed",
    message: /init took longer than 50 ms/,
  });
  assert.deepEqual(await actorsOf(system, "NeverReady"), []);
  // The names hear of its end by a message, which may have its turn after the answer to the spawn.
  await eventually("the name is free again", () => system.resolve("tardy") === undefined);
});

test("a start on a thread that is blocked is given up; the child is gone when it wakes up", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const blocker = await system.spawn(Saboteur, { thread: 2 });
  const boss = await system.spawn(Boss, { thread: 1 });
  const gate = new Gate();
  blocker.tell.block(gate.name);
  await gate.entered;
  const options = { thread: 2, startTimeoutMs: 10 };
  const asked = boss.ask.hireFrom(Boss.source, "Boss", options);
  await assert.rejects(asked, { code: "ask_timeout" });
  gate.open();
  // The host of thread 2 takes what waits in order: when this has started, the other is decided on.
  const later = await boss.ask.hire({ thread: 2 });
  assert.equal(await later.ask.increment(), 1);
  await eventually(
    "the only Boss is ours",
    async () => (await actorsOf(system, "Boss")).length === 1,
  );
});

test("a parent whose thread dies while the child's module loads gets no child any more", async (t) => {
  const { system, log } = await startSystem(t);
  const boss = await system.spawn(Boss, { thread: 1, ...temporary });
  const killer = await system.spawn(Saboteur, { thread: 1, ...temporary });
  const gate = new Gate();
  const module = new URL("../../fixtures/actors/slow-module.ts", import.meta.url);
  const source = `${module}?gate=${gate.name}`;
  const hired = boss.ask.hireFrom(source, "Late", { thread: 2 });
  const rejected = assert.rejects(hired, { code: "thread_down" });
  await gate.entered;
  killer.tell.exitProcess(1);
  await rejected;
  await log.entry("thread replaced");
  const second = await system.spawn(Boss, { thread: 1 });
  const asked = second.askWith({ timeoutMs: 30_000 }).hireFrom(source, "Late", { thread: 2 });
  gate.open();
  const late = await asked;
  assert.deepEqual(await actorsOf(system, "Late"), [String(late)]);
});

test("watch across threads: crash, thread death, and one that is gone already", async (t) => {
  const { system } = await startSystem(t);
  const observer = await witness(system);
  const watcher = await system.spawn(Colleague, { thread: 1, args: ["w", observer.ref] });
  await observer.record.message(1);
  const crashing = await system.spawn(Saboteur, { thread: 2, ...temporary });
  const culprit = await system.spawn(Saboteur, { thread: 2, ...temporary });
  for (const ref of [crashing, culprit]) await watcher.ask.watch(ref);
  // What follows takes another way to that thread: the watches must have arrived by then.
  await linkPassed(system, 1, 2);
  crashing.tell.throwError("oh");
  await observer.record.message(2);
  assert.equal(observer.lines()[1], `w heard terminated ${crashing} crash`);
  await watcher.ask.watch(crashing);
  await observer.record.message(3);
  assert.equal(observer.lines()[2], `w heard terminated ${crashing} no_actor`);
  culprit.tell.exitProcess(1);
  await observer.record.message(4);
  assert.equal(observer.lines()[3], `w heard terminated ${culprit} thread_down`);
  await watcher.ask.watch(culprit);
  await observer.record.message(5);
  assert.equal(observer.lines()[4], `w heard terminated ${culprit} no_actor`);
});

test("links across threads: the linked actor stops with the other, or hears of it", async (t) => {
  const { system } = await startSystem(t);
  const observer = await witness(system);
  const spawn = (id: string, thread: number, trapExit = false) =>
    system.spawn(Colleague, { thread, trapExit, args: [id, observer.ref], ...temporary });
  const one = await spawn("one", 1);
  const two = await spawn("two", 2);
  const three = await spawn("three", 1, true);
  await observer.record.message(3);
  await one.ask.link(two);
  await three.ask.link(two);
  // The order to crash takes another way to that thread: the links must have arrived by then.
  await linkPassed(system, 1, 2);
  two.tell.crash();
  await observer.record.message(6);
  assert.deepEqual(
    new Set(observer.lines().slice(3)),
    new Set(["-two crash", "-one crash", `three heard exit ${two} crash`]),
  );
  const four = await spawn("four", 2);
  await three.ask.link(four);
  const killer = await system.spawn(Saboteur, { thread: 2, ...temporary });
  killer.tell.exitProcess(1);
  await observer.record.message(8);
  assert.equal(observer.lines()[7], `three heard exit ${four} thread_down`);
});
