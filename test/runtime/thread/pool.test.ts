import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type ErrorRecord,
  type PoolTask,
  type ResourceLimits,
  systemClock,
  type TaskEnd,
  WorkerPool,
} from "#runtime";
import { Gate } from "../../fixtures/gate.ts";
import { eventually } from "../../fixtures/running-system.ts";
import type { TestTask } from "./fixtures/pool-entry.ts";

interface Setup {
  readonly threads?: number;
  readonly maxQueue?: number;
  readonly idleMs?: number;
  readonly resourceLimits?: ResourceLimits;
  readonly entry?: string;
}

/** A submitted task and all that is heard of it. */
class Submitted {
  readonly task: PoolTask;
  readonly messages: unknown[] = [];
  readonly ended: Promise<TaskEnd>;
  readonly started: Promise<void>;
  readonly #listeners = new Set<() => void>();
  hasStarted = false;

  constructor(pool: WorkerPool, payload: TestTask) {
    const ended = Promise.withResolvers<TaskEnd>();
    const started = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.started = started.promise;
    const task = pool.submit(payload, {
      onStart: () => {
        this.hasStarted = true;
        started.resolve();
      },
      onMessage: (message) => {
        this.messages.push(message);
        for (const look of this.#listeners) look();
      },
      onEnd: ended.resolve,
    });
    assert.ok(task !== null, "the pool refused the task");
    this.task = task;
  }

  /** Resolves when as many messages have come. */
  heard(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.messages.length < count) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
  }
}

interface TestPool {
  readonly pool: WorkerPool;
  readonly errors: ErrorRecord[];
  readonly submit: (task: TestTask) => Submitted;
  readonly run: (task: TestTask) => Promise<TaskEnd>;
}

function startPool(t: TestContext, setup: Setup = {}): TestPool {
  const errors: ErrorRecord[] = [];
  const entry = new URL(setup.entry ?? "./fixtures/pool-entry.ts", import.meta.url).href;
  const pool = new WorkerPool({
    ...{ threads: 2, maxQueue: 100, idleMs: 30_000 },
    ...setup,
    entry,
    clock: systemClock,
    onError: (error) => errors.push(error),
  });
  t.after(() => pool.destroy());
  const submit = (task: TestTask): Submitted => new Submitted(pool, task);
  return { pool, errors, submit, run: (task) => submit(task).ended };
}

const done = (value: unknown): TaskEnd => ({ status: "done", value });

test("a task ends with what it returns or throws, and its thread serves on", async (t) => {
  const { pool, run } = startPool(t, { threads: 1 });
  assert.deepEqual(await run({ does: "returns", value: { a: [1] } }), done({ a: [1] }));
  const thrown = await run({ does: "throws", value: "too far" });
  assert.ok(thrown.status === "failed");
  assert.equal(thrown.error.name, "RangeError");
  assert.equal(thrown.error.message, "too far");
  const uncloneable = await run({ does: "returns_function" });
  assert.ok(uncloneable.status === "failed");
  assert.match(uncloneable.error.message, /could not be cloned/);
  const unsendable = await run({ does: "returns", value: () => {} });
  assert.ok(unsendable.status === "failed");
  assert.match(unsendable.error.message, /could not be cloned/);
  assert.deepEqual(await run({ does: "returns", value: 2 }), done(2));
  const { threads, busy, completed, lost, killed } = pool.statistics;
  assert.deepEqual(
    { threads, busy, completed, lost, killed },
    { threads: 1, busy: 0, completed: 5, lost: 0, killed: 0 },
  );
});

test("a task talks both ways while it runs, and all of it is heard before its end", async (t) => {
  const { submit } = startPool(t);
  const talk = submit({ does: "echoes" });
  await talk.heard(1);
  assert.equal(talk.task.post("one"), true);
  await talk.heard(2);
  talk.task.post("stop");
  assert.deepEqual(await talk.ended, done("stopped"));
  assert.deepEqual(talk.messages, ["ready", { echo: "one" }]);
  assert.equal(talk.task.post("too late"), false);
  const counts = submit({ does: "counts", value: 1_000 });
  await counts.ended;
  assert.deepEqual(
    counts.messages,
    Array.from({ length: 1_000 }, (_, n) => n),
  );
});

test("a task that ignores its signal loses its thread, and no other task is hurt", async (t) => {
  const { pool, submit, run } = startPool(t, { threads: 3, maxQueue: 10 });
  const deaf = new Gate();
  const others = [new Gate(), new Gate()];
  const blocked = submit({ does: "blocks", gate: deaf.name });
  const running = others.map(({ name }) => submit({ does: "waits", gate: name, value: name }));
  await Promise.all([deaf.entered, ...others.map(({ entered }) => entered)]);
  const waiting = submit({ does: "returns", value: "waited" });
  assert.equal(pool.statistics.queued, 1);
  pool.cancel(blocked.task, 20, "test");
  assert.deepEqual(await blocked.ended, { status: "killed" });
  assert.deepEqual(await waiting.ended, done("waited"));
  for (const gate of others) gate.open();
  for (const [index, other] of running.entries()) {
    assert.deepEqual(await other.ended, done(others[index]?.name));
  }
  assert.equal(pool.statistics.killed, 1);
  assert.equal(pool.statistics.lost, 0);
  assert.deepEqual(await run({ does: "returns", value: 1 }), done(1));
});

test("a task that obeys its signal keeps its thread", async (t) => {
  const { pool, submit, run } = startPool(t, { threads: 1 });
  const obeys = submit({ does: "obeys" });
  await obeys.started;
  pool.cancel(obeys.task, 60_000, "no longer wanted");
  const end = await obeys.ended;
  assert.ok(end.status === "failed");
  assert.equal(end.error.code, "cancelled");
  assert.equal(end.error.message, "no longer wanted");
  await run({ does: "returns" });
  const { killed, threads } = pool.statistics;
  assert.deepEqual({ killed, threads }, { killed: 0, threads: 1 });
});

test("what is cancelled before it began never runs", async (t) => {
  const { pool, submit, run } = startPool(t, { threads: 1 });
  // Its thread has yet to start, and no grace is too short for that.
  const early = submit({ does: "counts", value: 1 });
  pool.cancel(early.task, 0, "test");
  assert.deepEqual(await early.ended, { status: "cancelled" });
  assert.deepEqual(early.messages, []);
  assert.equal(pool.statistics.threads, 1, "the thread was not ended for it");

  const gate = new Gate();
  const blocked = submit({ does: "blocks", gate: gate.name });
  await gate.entered;
  const queued = [1, 2, 3].map((value) => submit({ does: "counts", value }));
  for (const { task } of queued.slice(0, 2)) pool.cancel(task, 0, "test");
  assert.deepEqual(await queued[0]?.ended, { status: "cancelled" });
  assert.deepEqual(await queued[1]?.ended, { status: "cancelled" });
  gate.open();
  assert.deepEqual(await blocked.ended, done("let through"));
  assert.deepEqual(await queued[2]?.ended, done(3));
  assert.equal(
    queued.slice(0, 2).some(({ hasStarted, messages }) => hasStarted || messages.length > 0),
    false,
  );
  assert.deepEqual(await run({ does: "returns", value: 4 }), done(4));
  assert.equal(pool.statistics.cancelled, 3);
});

test("a full queue refuses at once, whether tasks can be cancelled or not", async (t) => {
  const { pool, submit } = startPool(t, { threads: 1, maxQueue: 2 });
  const gate = new Gate();
  const first = submit({ does: "waits", gate: gate.name, value: 0 });
  await gate.entered;
  const queued = [1, 2].map((value) => submit({ does: "returns", value }));
  const refused = pool.submit({ does: "returns" }, { onEnd: () => assert.fail("it ran") });
  assert.equal(refused, null);
  const { queued: waiting, rejected } = pool.statistics;
  assert.deepEqual({ waiting, rejected }, { waiting: 2, rejected: 1 });
  gate.open();
  assert.deepEqual(await first.ended, done(0));
  for (const [index, { ended }] of queued.entries()) assert.deepEqual(await ended, done(index + 1));
});

for (const [does, why] of [
  ["exits", /code: 7/],
  ["throws_later", /nobody catches this/],
  ["rejects_later", /nobody handles this/],
  ["eats", /memory/],
] as const) {
  test(`a thread that dies (${does}) takes its own task alone`, async (t) => {
    const resourceLimits = { maxOldGenerationSizeMb: 48 };
    const { pool, submit, run } = startPool(t, { threads: 2, resourceLimits });
    const gate = new Gate();
    const other = submit({ does: "waits", gate: gate.name, value: "unharmed" });
    await gate.entered;
    const end = await run({ does });
    assert.ok(end.status === "lost", end.status);
    assert.equal(end.started, true);
    assert.match(end.reason, why);
    gate.open();
    assert.deepEqual(await other.ended, done("unharmed"));
    for (const value of [1, 2, 3]) {
      assert.deepEqual(await run({ does: "returns", value }), done(value));
    }
    assert.equal(pool.statistics.lost, 1);
  });
}

test("what an ended task left behind does not hurt the next one on its thread", async (t) => {
  const { errors, submit, run } = startPool(t, { threads: 1 });
  const bomb = new Gate();
  const gate = new Gate();
  assert.deepEqual(await run({ does: "leaves_a_bomb", gate: bomb.name }), done("left"));
  const next = submit({ does: "waits", gate: gate.name, value: "unharmed" });
  await gate.entered;
  bomb.open();
  await eventually("the stray error is told", () => errors.length > 0);
  assert.match(errors[0]?.message ?? "", /left behind/);
  gate.open();
  assert.deepEqual(await next.ended, done("unharmed"));
});

test("what a task posts to the pool's thread by itself is nobody's", async (t) => {
  const { errors, run } = startPool(t, { threads: 1 });
  for (const value of [null, "ready", { stray: null }, { type: "log" }, ["troupe", 1]]) {
    assert.deepEqual(await run({ does: "posts", value }), done("posted"));
  }
  assert.deepEqual(await run({ does: "returns", value: 1 }), done(1));
  assert.deepEqual(errors, []);
});

test("threads that cannot start are given up, and the tasks are told so", async (t) => {
  const { errors, run, pool } = startPool(t, { entry: "./fixtures/broken-entry.ts" });
  const ends = await Promise.all([1, 2, 3, 4].map(() => run({ does: "returns" })));
  for (const end of ends) {
    assert.ok(end.status === "lost");
    assert.equal(end.started, false);
  }
  assert.match(errors[0]?.message ?? "", /broken on purpose/);
  assert.equal(pool.statistics.busy, 0);
});

test("a pool that is destroyed ends what runs and what waits", async (t) => {
  const { pool, submit } = startPool(t, { threads: 1 });
  const gate = new Gate();
  const running = submit({ does: "blocks", gate: gate.name });
  await gate.entered;
  const queued = submit({ does: "returns" });
  await pool.destroy();
  assert.deepEqual(await running.ended, { status: "killed" });
  assert.deepEqual(await queued.ended, { status: "cancelled" });
  assert.equal(pool.submit({}, { onEnd: () => {} }), null);
  assert.equal(pool.statistics.threads, 0);
});

test("threads without work end", async (t) => {
  const { pool, run } = startPool(t, { threads: 2, idleMs: 1 });
  await Promise.all([1, 2].map((value) => run({ does: "returns", value })));
  await eventually("no thread is left", () => pool.statistics.threads === 0);
  assert.deepEqual(await run({ does: "returns", value: 3 }), done(3));
});

test("thousands of tasks, some cancelled, some deadly: each ends once, as it should", async (t) => {
  const { pool, submit } = startPool(t, { threads: 4, maxQueue: 5_000 });
  const tasks = Array.from({ length: 3_000 }, (_, n) => {
    const does = n % 500 === 250 ? "exits" : n % 700 === 300 ? "never" : "returns";
    return { does, submitted: submit({ does, value: n }), n } as const;
  });
  for (const { does, submitted, n } of tasks) {
    if (does === "never") void submitted.started.then(() => pool.cancel(submitted.task, 1, "test"));
    else if (n % 10 === 7) pool.cancel(submitted.task, 60_000, "test");
  }
  for (const { does, submitted, n } of tasks) {
    const end = await submitted.ended;
    if (does === "never") assert.deepEqual(end, { status: "killed" });
    else if (n % 10 === 7) assert.deepEqual(end, { status: "cancelled" });
    else if (does === "returns") assert.deepEqual(end, done(n));
    else assert.ok(end.status === "lost" && end.started);
  }
  const { busy, queued, completed, lost, killed, cancelled } = pool.statistics;
  assert.deepEqual({ busy, queued, lost, killed }, { busy: 0, queued: 0, lost: 6, killed: 4 });
  assert.equal(completed + cancelled + lost + killed, 3_000);
});

test("resource limits with which no thread can start are refused", () => {
  const options = { threads: 1, maxQueue: 1, idleMs: 1, clock: systemClock, onError: () => {} };
  assert.throws(
    () => new WorkerPool({ ...options, entry: "", resourceLimits: { maxOldGenerationSizeMb: 1 } }),
    /resourceLimits.maxOldGenerationSizeMb: expected MB >= 8, received 1/,
  );
});
