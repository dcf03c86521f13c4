import assert from "node:assert/strict";
import test from "node:test";
import { type TestKernel, testKernel } from "#runtime/testing";
import {
  Actor,
  type ActorRef,
  type Signal,
  type SpawnOptions,
} from "../../../runtime/actor/index.ts";
import { type ExitReason, shutdownExit } from "../../../runtime/core/index.ts";

interface Script {
  readonly log: string[];
  /** What `terminate` waits for. */
  readonly ending?: Promise<void>;
  /** What `work` waits for. */
  readonly working?: Promise<void>;
  /** Children to start in init: name and options. */
  readonly children?: readonly (readonly [string, Partial<Script> & SpawnOptions])[];
}

class Node extends Actor {
  readonly #name: string;
  readonly #script: Script;

  constructor(name: string, script: Script) {
    super();
    this.#name = name;
    this.#script = script;
  }

  protected override async init(): Promise<void> {
    const { log, children = [] } = this.#script;
    for (const [name, { ending, working, children: theirs, ...options }] of children) {
      const script = { log, ending, working, children: theirs } as Script;
      await this.context.spawn(Node, { ...options, thread: 0, args: [name, script] });
    }
  }

  protected override onSignal(signal: Signal): void {
    this.#script.log.push(`${this.#name} hears ${signal.type}`);
  }

  protected override async terminate(reason: ExitReason): Promise<void> {
    this.#script.log.push(`${this.#name} terminates: ${reason.kind}`);
    await this.#script.ending;
    this.#script.log.push(`${this.#name} is gone`);
  }

  async work(): Promise<string> {
    const signal = this.context.message?.signal;
    signal?.addEventListener("abort", () => this.#script.log.push(`${this.#name} aborted`));
    await this.#script.working;
    this.#script.log.push(`${this.#name} worked`);
    return "done";
  }

  stopNow(): string {
    this.context.stop();
    return "stopping";
  }

  async stopSoon(): Promise<string> {
    this.context.after(10, () => {
      this.context.stop();
      this.#script.log.push(`${this.#name} still in its turn`);
    });
    return "soon";
  }

  crash(): void {
    throw new Error("crash");
  }
}

const spawnNode = (t: TestKernel, script: Script, options: SpawnOptions = {}) =>
  t.spawn(Node, { ...options, args: ["root", script] });

const isAlive = (t: TestKernel, ref: ActorRef) => t.kernel.find(ref.id) !== undefined;

const stop = (t: TestKernel, ref: ActorRef, shutdownMs?: number) =>
  t.kernel.signal(ref, {
    type: "stop",
    reason: shutdownExit,
    ...(shutdownMs === undefined ? {} : { shutdownMs }),
  });

test("stop lets the message in progress finish and answer; what waits is refused", async () => {
  const t = testKernel();
  const log: string[] = [];
  const working = Promise.withResolvers<void>();
  const ref = await spawnNode(t, { log, working: working.promise });
  const inProgress = ref.ask.work();
  await t.settle();
  const behind = assert.rejects(ref.ask.work(), { code: "actor_stopped" });
  stop(t, ref);
  await t.settle();
  assert.equal(isAlive(t, ref), true);
  assert.deepEqual(log, []);
  working.resolve();
  assert.equal(await t.until(inProgress), "done");
  await behind;
  await t.settle();
  assert.deepEqual(log, ["root worked", "root terminates: shutdown", "root is gone"]);
  assert.equal(isAlive(t, ref), false);
  assert.equal(t.clock.pendingTimers > 1, false);
  await t.advance(16);
  assert.equal(t.clock.pendingTimers, 0);
});

test("a message that stops its own actor is answered", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await spawnNode(t, { log });
  assert.equal(await t.until(ref.ask.stopNow()), "stopping");
  await t.settle();
  assert.deepEqual(log, ["root terminates: normal", "root is gone"]);
});

test("stop in a timer takes effect when the timer's turn is over", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await spawnNode(t, { log });
  await t.until(ref.ask.stopSoon());
  await t.advance(10);
  assert.deepEqual(log, ["root still in its turn", "root terminates: normal", "root is gone"]);
});

class AsyncSignal extends Actor {
  readonly #log: string[];
  readonly #going: Promise<void>;

  constructor(log: string[], going: Promise<void>) {
    super();
    this.#log = log;
    this.#going = going;
  }

  watch(ref: ActorRef): void {
    this.context.watch(ref);
  }

  protected override async onSignal(): Promise<void> {
    this.context.stop();
    await this.#going;
    this.#log.push("signal handled");
  }

  protected override terminate(): void {
    this.#log.push("terminate");
  }
}

test("terminate waits for the signal that called stop, as for a message", async () => {
  const t = testKernel();
  const log: string[] = [];
  const going = Promise.withResolvers<void>();
  const watcher = await t.spawn(AsyncSignal, { args: [log, going.promise] });
  const watched = await spawnNode(t, { log: [] });
  watcher.tell.watch(watched);
  await t.settle();
  stop(t, watched);
  await t.settle();
  going.resolve();
  await t.settle();
  assert.deepEqual(log, ["signal handled", "terminate"]);
});

test("children stop first, the youngest first, each wholly before the next", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await spawnNode(t, {
    log,
    children: [
      [
        "a",
        {
          children: [
            ["a1", {}],
            ["a2", {}],
          ],
        },
      ],
      ["b", {}],
    ],
  });
  stop(t, ref);
  await t.settle();
  assert.deepEqual(
    log.filter((it) => !it.includes("hears")),
    [
      "b terminates: shutdown",
      "b is gone",
      "a2 terminates: shutdown",
      "a2 is gone",
      "a1 terminates: shutdown",
      "a1 is gone",
      "a terminates: shutdown",
      "a is gone",
      "root terminates: shutdown",
      "root is gone",
    ],
  );
  assert.equal(t.clock.pendingTimers, 0);
});

test("an actor that does not stop in time is killed, its asker told and its signal aborted", async () => {
  const t = testKernel();
  const log: string[] = [];
  const watcher = await t.probe();
  const ref = await spawnNode(t, { log, working: new Promise(() => {}) }, { shutdownMs: 100 });
  watcher.ref.tell.watch(ref);
  const asked = assert.rejects(ref.askWith({ timeoutMs: 10_000 }).work(), {
    code: "abandoned",
    message: /killed: did not stop within 100 ms/,
  });
  await t.settle();
  stop(t, ref);
  await t.advance(99);
  assert.equal(isAlive(t, ref), true);
  await t.advance(1);
  assert.equal(isAlive(t, ref), false);
  await asked;
  assert.deepEqual(log, ["root aborted"], "no terminate for a killed actor");
  const signal = watcher.record.expectSignal();
  assert.equal(signal.reason.kind, "killed");
  assert.equal(t.kernel.asks.pending, 0);
  await t.advance(16);
  assert.equal(t.clock.pendingTimers, 0);
});

test("a child that hangs is killed after its own time; the parent's stop goes on", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ending = new Promise<void>(() => {});
  const ref = await spawnNode(
    t,
    { log, children: [["a", { ending, shutdownMs: 200 }]] },
    { shutdownMs: 1_000 },
  );
  stop(t, ref);
  await t.advance(199);
  assert.equal(isAlive(t, ref), true);
  await t.advance(1);
  assert.equal(isAlive(t, ref), false);
  assert.deepEqual(
    log.filter((it) => !it.includes("hears")),
    ["a terminates: shutdown", "root terminates: shutdown", "root is gone"],
  );
});

test("a time of Infinity is waited for without a timer", async () => {
  const t = testKernel();
  const ending = Promise.withResolvers<void>();
  const ref = await spawnNode(
    t,
    { log: [], ending: ending.promise },
    { shutdownMs: Number.POSITIVE_INFINITY },
  );
  stop(t, ref);
  await t.settle();
  assert.equal(t.clock.pendingTimers, 0);
  ending.resolve();
  await t.settle();
  assert.equal(isAlive(t, ref), false);
});

test("a time of 0 kills at once, whether it comes with the stop or with the actor", async () => {
  for (const where of ["signal", "options"] as const) {
    const t = testKernel();
    const log: string[] = [];
    const ref = await spawnNode(t, { log }, where === "options" ? { shutdownMs: 0 } : {});
    stop(t, ref, where === "signal" ? 0 : undefined);
    assert.equal(isAlive(t, ref), false, where);
    await t.settle();
    assert.deepEqual(log, [], where);
  }
});

test("a crash stops the children too, and then terminates", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await spawnNode(t, { log, children: [["a", {}]] });
  ref.tell.crash();
  await t.settle();
  assert.deepEqual(
    log.filter((it) => !it.includes("hears")),
    ["a terminates: shutdown", "a is gone", "root terminates: crash", "root is gone"],
  );
});

test("a crashed actor whose terminate hangs is killed after its shutdown time", async () => {
  const t = testKernel();
  const watcher = await t.probe();
  const ending = new Promise<void>(() => {});
  const ref = await spawnNode(t, { log: [], ending }, { shutdownMs: 300 });
  watcher.ref.tell.watch(ref);
  await t.settle();
  ref.tell.crash();
  await t.advance(300);
  assert.equal(isAlive(t, ref), false);
  assert.equal(watcher.record.signals.length, 1);
});

test("kill ends the actor and its children at once, without terminate", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await spawnNode(t, { log, children: [["a", { children: [["a1", {}]] }]] });
  const before = [...t.kernel.cells()].length;
  t.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "by the test" } });
  assert.equal([...t.kernel.cells()].length, before - 3);
  await t.settle();
  assert.deepEqual(log, []);
  assert.equal(t.clock.pendingTimers, 0);
});

test("an actor killed before its first turn is never constructed and takes no name", async () => {
  const t = testKernel();
  let constructed = 0;
  class Counted extends Actor {
    constructor() {
      super();
      constructed += 1;
    }
  }
  const spawning = t.kernel.spawnHere(Counted, [], { name: "counted" }, null);
  const failed = assert.rejects(spawning, { code: "start_failed" });
  const ref = [...t.kernel.cells()].at(-1)?.ref as ActorRef;
  t.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "by the test" } });
  await failed;
  await t.settle();
  assert.equal(constructed, 0);
  assert.equal(String(t.kernel.whereis("counted")), "undefined");
  await t.advance(16);
  assert.equal(t.clock.pendingTimers, 0);
});

test("an actor told to stop while it starts ends as soon as it has started", async () => {
  const t = testKernel();
  const log: string[] = [];
  const starting = Promise.withResolvers<void>();
  class Slow extends Actor {
    protected override init(): Promise<void> {
      return starting.promise;
    }
    protected override terminate(): void {
      log.push("terminate");
    }
  }
  const spawning = t.kernel.spawnHere(Slow, [], {}, null);
  await t.settle();
  const ref = [...t.kernel.cells()].at(-1)?.ref as ActorRef;
  stop(t, ref);
  await t.settle();
  assert.deepEqual(log, []);
  starting.resolve();
  await t.until(spawning);
  await t.settle();
  assert.deepEqual(log, ["terminate"]);
  assert.equal(isAlive(t, ref), false);
  assert.equal(t.clock.pendingTimers, 0);
});

test("a terminate that throws is logged, and the actor is gone", async () => {
  const t = testKernel();
  class Bad extends Actor {
    protected override terminate(): void {
      throw new Error("cannot let go");
    }
  }
  const ref = await t.spawn(Bad);
  stop(t, ref);
  await t.settle();
  assert.equal(isAlive(t, ref), false);
  assert.match(t.logLines.join("\n"), /terminate failed.*cannot let go/);
});
