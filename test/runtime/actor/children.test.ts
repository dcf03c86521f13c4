import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { Actor, type ActorRef, type Signal } from "../../../runtime/actor/index.ts";

class Child extends Actor {
  readonly #start: Promise<void> | null;

  constructor(start: Promise<void> | null = null) {
    super();
    this.#start = start;
  }

  protected override async init(): Promise<void> {
    await this.#start;
  }

  finish(): void {
    this.context.stop();
  }

  crash(): void {
    throw new Error("crash");
  }

  hello(): string {
    return "hello";
  }
}

class Unwell extends Actor {
  protected override init(): void {
    throw new Error("unwell");
  }
}

class Parent extends Actor {
  readonly #signals: Signal[];

  constructor(signals: Signal[]) {
    super();
    this.#signals = signals;
  }

  protected override onSignal(signal: Signal): void {
    this.#signals.push(signal);
  }

  spawn(name?: string): Promise<ActorRef<Child>> {
    return this.context.spawn(Child, name === undefined ? {} : { name });
  }

  spawnSlowly(): Promise<ActorRef<Child>> {
    return this.context.spawn(Child, { args: [new Promise<void>(() => {})], shutdownMs: 50 });
  }

  async spawnUnwell(): Promise<string> {
    return this.context.spawn(Unwell).then(
      () => "well",
      (error) => error.code,
    );
  }

  async spawnNoActor(): Promise<string> {
    return this.context.spawn(Object as never).then(
      () => "spawned",
      (error) => `${error.name}: ${error.message}`,
    );
  }

  spawnFrom(source: string, exportName: string): Promise<ActorRef | string> {
    return this.context.spawnFrom(source, exportName).catch((error) => error.message);
  }

  children(): readonly ActorRef[] {
    return this.context.children();
  }

  watch(ref: ActorRef): void {
    this.context.watch(ref);
  }

  async stopChild(ref: ActorRef, shutdownMs?: number): Promise<number> {
    await this.context.stopChild(ref, shutdownMs);
    return this.context.children().length;
  }
}

async function family(options = {}) {
  const t = testKernel(options);
  const signals: Signal[] = [];
  const parent = await t.spawn(Parent, { args: [signals], concurrency: 2 });
  return { t, parent, signals };
}

test("children are listed in the order of their start; one that ends is heard of as a child, once", async () => {
  const { t, parent, signals } = await family();
  const one = await t.until(parent.ask.spawn());
  const two = await t.until(parent.ask.spawn());
  assert.deepEqual(
    (await t.until(parent.ask.children())).map((ref) => ref.key),
    [one.key, two.key],
  );
  parent.tell.watch(one);
  await t.settle();
  one.tell.crash();
  await t.settle();
  assert.equal(signals.length, 1, "a child that is watched as well is heard of once");
  const [signal] = signals;
  assert.deepEqual(
    [signal?.type, signal?.ref.key, signal?.reason.kind],
    ["terminated", one.key, "crash"],
  );
  assert.equal(signal?.type === "terminated" && signal.child, true);
  assert.deepEqual(
    (await t.until(parent.ask.children())).map((ref) => ref.key),
    [two.key],
  );
});

test("a child's crash does not crash its parent", async () => {
  const { t, parent } = await family();
  const child = await t.until(parent.ask.spawn());
  child.tell.crash();
  await t.settle();
  assert.equal(t.kernel.find(parent.id)?.state, "running");
});

test("a child that does not start is an error of spawn alone, and no child", async () => {
  const { t, parent, signals } = await family();
  assert.equal(await t.until(parent.ask.spawnUnwell()), "start_failed");
  assert.deepEqual(await t.until(parent.ask.children()), []);
  assert.deepEqual(signals, []);
});

test("what is no actor class is a TypeError that names it", async () => {
  const { t, parent } = await family();
  assert.equal(
    await t.until(parent.ask.spawnNoActor()),
    "TypeError: spawn: expected a class that extends Actor, received function Object",
  );
});

test("stopChild resolves when the child is gone, for one that is no child at once", async () => {
  const { t, parent } = await family();
  const child = await t.until(parent.ask.spawn());
  assert.equal(await t.until(parent.ask.stopChild(child)), 0);
  assert.equal(t.kernel.find(child.id), undefined);
  assert.equal(await t.until(parent.ask.stopChild(child)), 0);
  const again = await t.until(parent.ask.spawn());
  const both = Promise.all([parent.ask.stopChild(again), parent.ask.stopChild(again, 0)]);
  assert.deepEqual(await t.until(both), [0, 0]);
  assert.equal(t.clock.pendingTimers <= 1, true);
});

test("a child still starting when its parent stops is stopped, and killed in time", async () => {
  const { t, parent } = await family();
  const spawning = assert.rejects(parent.ask.spawnSlowly());
  await t.settle();
  const before = [...t.kernel.cells()].length;
  t.kernel.signal(parent, { type: "stop", reason: { kind: "shutdown", message: "test" } });
  await t.advance(6_000);
  assert.equal([...t.kernel.cells()].length, before - 2);
  await t.until(spawning);
});

test("spawn of an actor that is killed meanwhile leaves no orphan, whatever the order", async () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const { t, parent } = await family({ seed });
    const before = [...t.kernel.cells()].length;
    parent.ask.spawn(`child ${seed}`).catch(() => {});
    for (let step = 0; step < seed % 10; step += 1) {
      t.steps.step();
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.kernel.signal(parent, { type: "kill", reason: { kind: "killed", message: "test" } });
    await t.settle();
    assert.equal([...t.kernel.cells()].length, before - 1, `seed ${seed}`);
    assert.equal(String(t.kernel.whereis(`child ${seed}`)), "undefined", `seed ${seed}`);
  }
});

test("spawnFrom takes the class from the module's export, or says what is wrong with it", async () => {
  const loadModule = (source: string) =>
    source === "memory:child"
      ? Promise.resolve({ Child, default: Child, number: 7 })
      : Promise.reject(new Error("no such file"));
  const { t, parent } = await family({ loadModule });
  const child = (await t.until(parent.ask.spawnFrom("memory:child", "Child"))) as ActorRef<Child>;
  assert.equal(await t.until(child.ask.hello()), "hello");
  const other = (await t.until(parent.ask.spawnFrom("memory:child", "Missing"))) as ActorRef;
  assert.equal(t.kernel.find(other.id)?.info.name, "Child");
  const failed = await t.until(parent.ask.spawnFrom("memory:other", "Child"));
  assert.equal(failed, "memory:other could not be loaded: no such file");
});

test("an export that is no actor is named with what it is", async () => {
  const loadModule = () => Promise.resolve({ number: 7 });
  const { t, parent } = await family({ loadModule });
  assert.equal(
    await t.until(parent.ask.spawnFrom("memory:child", "number")),
    "memory:child: expected the export number to be a class that extends Actor, found number",
  );
  assert.match(
    String(await t.until(parent.ask.spawnFrom("memory:child", "Missing"))),
    /expected the export Missing .* found only number$/,
  );
});
