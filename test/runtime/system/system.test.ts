import assert from "node:assert/strict";
import test from "node:test";
import {
  type ActorRef,
  childOf,
  createSystem,
  Supervisor,
  systemClock,
  type TreeNode,
} from "#runtime";
import { ProbeRecord, probeClass } from "#runtime/testing";
import { Colleague, type Witness } from "../../fixtures/actors/colleague.ts";
import { Receiver } from "../../fixtures/actors/messenger.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, LogRecord, startSystem } from "../../fixtures/running-system.ts";

const temporary = { restart: "temporary" } as const;

test("options that are out of range are refused by name", async () => {
  await assert.rejects(createSystem({ threads: -1 }), {
    name: "RangeError",
    message: "threads: expected a whole number >= 0, received -1",
  });
  await assert.rejects(createSystem({ stallTimeoutMs: 0 }), /stallTimeoutMs: expected a whole/);
  await assert.rejects(createSystem({ resourceLimits: { maxOldGenerationSizeMb: 1 } }), {
    name: "RangeError",
    message: "resourceLimits.maxOldGenerationSizeMb: expected MB >= 8, received 1",
  });
  await assert.rejects(createSystem({ resourceLimits: { heap: 1 } as never }), {
    name: "TypeError",
    message: /^resourceLimits: expected only .*, received heap$/,
  });
});

test("an actor is placed where its options say; without a word the threads take turns", async (t) => {
  const { system } = await startSystem(t);
  assert.deepEqual(system.schedulers, [1, 2]);
  const there = await system.spawn(Saboteur, { thread: 2 });
  assert.equal(await there.ask.thread(), 2);
  const refs = await Promise.all(Array.from({ length: 10 }, () => system.spawn(Saboteur)));
  const threads = refs.map(({ thread }) => thread);
  assert.deepEqual([...new Set(threads)].sort(), [1, 2]);
  assert.equal(threads.filter((thread) => thread === 1).length, 5);
});

test("a class that another thread could not find is refused with what it lacks", async (t) => {
  const { system } = await startSystem(t);
  const boss = await system.spawn(Receiver, { thread: 0 });
  assert.equal(await boss.ask.echo(1), 1);
  class Homeless extends Saboteur {
    static override readonly source: string = undefined as never;
  }
  await assert.rejects(system.spawn(Homeless, { thread: 1 }), {
    code: "start_failed",
    message: /Homeless: .* the class needs `static readonly source = import\.meta\.url`/,
  });
  class Unexported extends Saboteur {}
  await assert.rejects(system.spawn(Unexported, { thread: 1 }), {
    code: "load_failed",
    message: /saboteur\.ts: expected the export Unexported .* found only Saboteur/,
  });
});

test("the tree shows actors under their parents, with state, restarts and thread", async (t) => {
  const { system } = await startSystem(t);
  const inner = childOf(Supervisor, {
    args: [{}, [childOf(Colleague, { options: { name: "anna", thread: 2 } })]],
    ...{ id: "inner", type: "supervisor", options: { name: "inner", thread: 1 } },
  });
  await system.startChild(inner);
  const bert = await system.spawn(Saboteur, { name: "bert", thread: 1 });
  await assert.rejects(bert.ask.throwError("oh"));
  const [root, ...rest] = await eventually("bert is back", async () => {
    const tree = await system.tree();
    return (
      tree[0]?.children.some(({ name, restarts }) => name === "bert" && restarts === 1) && tree
    );
  });
  assert.deepEqual(rest, []);
  const shape = (node: TreeNode): unknown => [node.name, node.thread, node.children.map(shape)];
  assert.deepEqual(shape(root as TreeNode), [
    "root",
    0,
    [
      ["inner", 1, [["anna", 2, []]]],
      ["bert", 1, []],
    ],
  ]);
});

test("a thread that does not answer is silent, and the others are shown", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const stuck = await system.spawn(Saboteur, { thread: 1 });
  const far = await system.spawn(Saboteur, { thread: 2 });
  const gate = new Gate();
  stuck.tell.block(gate.name);
  await gate.entered;
  const { silent, actors, threads } = await system.inspect();
  assert.deepEqual(silent, [1]);
  assert.deepEqual(
    threads.map(({ thread }) => thread),
    [0, 2],
  );
  assert.ok(actors.some(({ pid }) => pid === String(far)));
  gate.open();
});

test("stop: the tree in reverse order, across threads, then the threads", async () => {
  const system = await createSystem({ threads: 2 });
  const record = new ProbeRecord<Witness>();
  const args = [record] as never;
  const options = { thread: 0, args, ...temporary };
  const observer = (await system.spawn(probeClass(["note"]), options)) as ActorRef;
  // Its last words come while the first of all stops.
  const names = ["first", "a", "b", "c", "d"];
  for (const [n, id] of names.entries()) {
    await system.spawn(Colleague, { thread: (n % 2) + 1, args: [id, observer as never] });
  }
  const stopped = system.stop();
  assert.equal(system.stop(), stopped, "a second call is the same stop");
  await stopped;
  const lines = record.messages.map(({ args: [line] }) => line);
  assert.deepEqual(lines.slice(5, 9), ["-d shutdown", "-c shutdown", "-b shutdown", "-a shutdown"]);
  await assert.rejects(system.spawn(Colleague), { code: "actor_stopped" });
});

test("stop: what has not stopped within the budget is killed, wherever it is stuck", async () => {
  const log = new LogRecord();
  const system = await createSystem({ threads: 2, log: log.log, stallTimeoutMs: 60_000 });
  const waiting = await system.spawn(Saboteur, { thread: 1 });
  const spinning = await system.spawn(Saboteur, { thread: 2 });
  const alone = await system.spawn(Saboteur, { thread: "dedicated" });
  const unanswered = assert.rejects(waiting.askWith({ timeoutMs: 60_000 }).never(), {
    code: /abandoned|thread_down/,
  });
  spinning.tell.spin();
  alone.tell.spin();
  const startedAt = performance.now();
  await system.stop(300);
  const tookMs = performance.now() - startedAt;
  // Far less than the 15 s of a stop that was told of no budget.
  assert.ok(tookMs >= 290 && tookMs < 12_000, `${tookMs} ms`);
  await unanswered;
});

test("a system that is stopped has not failed, whether it had children or not", async () => {
  // A root without children ends within the call that stops it.
  for (const children of [0, 1]) {
    const failures: string[] = [];
    const system = await createSystem({ threads: 0, onFailure: (why) => failures.push(why) });
    for (let i = 0; i < children; i += 1) await system.spawn(Supervisor);
    await system.stop();
    assert.deepEqual(failures, []);
  }
});

test("a root that gives up says so, once", async (t) => {
  const failures: string[] = [];
  const onFailure = (reason: string): void => {
    failures.push(reason);
  };
  const { system, log } = await startSystem(t, { intensity: 0, onFailure });
  const actor = await system.spawn(Saboteur, { thread: 1 });
  actor.tell.throwError("too much");
  await log.entry("supervisor stops");
  await eventually("it is told", () => failures.length > 0);
  await system.stop();
  assert.deepEqual(failures, ["the root supervisor gave up"]);
});

test("threads that die again and again are given up on", async (t) => {
  const failures: string[] = [];
  // Threads are replaced after 100 to 5,000 ms; here sooner, all else takes its time.
  const isBackoff = (ms: number): boolean => ms >= 100 && ms <= 5_000 && ms % 100 === 0;
  const { system } = await startSystem(t, {
    ...{ threads: 1, intensity: 1_000, onFailure: (why) => failures.push(why) },
    clock: {
      ...systemClock,
      // The deaths count within a minute, which is long enough on a busy machine as well.
      now: () => systemClock.now() / 10,
      after: (ms, fire) => systemClock.after(isBackoff(ms) ? 5 : ms, fire),
    },
  });
  const kill = async (): Promise<void> => {
    const actor = system.resolve("killer") as ActorRef<Saboteur> | undefined;
    actor?.tell.exitProcess(1);
  };
  const backoff = { minMs: 0 };
  await system.startChild(childOf(Saboteur, { options: { name: "killer", thread: 1 }, backoff }));
  await eventually(
    "it is told",
    async () => {
      await kill();
      return failures.length > 0;
    },
    100_000,
  );
  assert.match(failures[0] ?? "", /^threads died more than 10 times: exit code 1$/);
});

test("a system with 0 threads runs all on the calling one", async (t) => {
  const { system } = await startSystem(t, { threads: 0 });
  assert.deepEqual(system.schedulers, [0]);
  const actor = await system.spawn(Saboteur, { name: "here" });
  assert.equal(await actor.ask.thread(), 0);
  assert.equal(actor.thread, 0);
  assert.ok(system.resolve("here")?.equals(actor));
  await assert.rejects(actor.ask.throwError("oh"), { code: "actor_crashed" });
  await eventually("it is back", () => {
    const next = system.resolve("here");
    return next !== undefined && !next.equals(actor);
  });
});

test("resolve takes names and pids; a pid of a thread that is not there is nothing", async (t) => {
  const { system } = await startSystem(t);
  const actor = await system.spawn(Saboteur, { name: "anna", thread: 1 });
  for (const text of ["anna", String(actor), String(actor).slice(1, -1)]) {
    assert.ok(system.resolve(text)?.equals(actor), text);
  }
  for (const text of ["nobody", "<0.9.16>", "", "<0.1>"])
    assert.equal(system.resolve(text), undefined);
});
