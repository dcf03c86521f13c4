import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";
import { shutdownExit } from "../../../runtime/core/index.ts";

class Mortal extends Actor {
  finish(): void {
    this.context.stop();
  }

  crash(): void {
    throw new RangeError("crash");
  }
}

test("a watcher hears of the end once, with its reason", async () => {
  const t = testKernel();
  const cases = [
    ["normal", (ref: ActorRef<Mortal>) => ref.tell.finish()],
    ["crash", (ref: ActorRef<Mortal>) => ref.tell.crash()],
    ["shutdown", (ref: ActorRef) => t.kernel.signal(ref, { type: "stop", reason: shutdownExit })],
    [
      "killed",
      (ref: ActorRef) =>
        t.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "test" } }),
    ],
  ] as const;
  for (const [kind, end] of cases) {
    const watcher = await t.probe();
    const ref = await t.spawn(Mortal);
    watcher.ref.tell.watch(ref);
    watcher.ref.tell.watch(ref);
    await t.settle();
    watcher.record.expectNothing();
    end(ref);
    await t.settle();
    const signal = watcher.record.expectSignal();
    assert.equal(signal.type, "terminated");
    assert.equal(signal.ref.key, ref.key);
    assert.equal(signal.reason.kind, kind);
    assert.equal(signal.type === "terminated" && signal.child, false);
    if (kind === "crash") assert.equal(signal.reason.error?.name, "RangeError");
    watcher.record.expectNothing();
  }
});

test("who watches an actor that is gone, or never was, hears at once", async () => {
  const t = testKernel();
  const watcher = await t.probe();
  const ref = await t.spawn(Mortal);
  ref.tell.finish();
  await t.settle();
  watcher.ref.tell.watch(ref);
  watcher.ref.tell.watch(t.kernel.ref({ node: "0", thread: 0, id: 12_345, incarnation: 1 }));
  watcher.ref.tell.watch(t.kernel.ref({ node: "0", thread: 9, id: 16, incarnation: 1 }));
  await t.settle();
  assert.deepEqual(
    watcher.record.signals.map((it) => [it.type, it.reason.kind]),
    [
      ["terminated", "no_actor"],
      ["terminated", "no_actor"],
      ["terminated", "no_actor"],
    ],
  );
});

test("an address whose number now lives in another incarnation is no actor", async () => {
  const t = testKernel({ incarnation: 2 });
  const watcher = await t.probe();
  const ref = await t.spawn(Mortal);
  watcher.ref.tell.watch(t.kernel.ref({ node: "0", thread: 0, id: ref.id, incarnation: 1 }));
  await t.settle();
  assert.equal(watcher.record.expectSignal().reason.kind, "no_actor");
});

test("after unwatch nothing is heard; watching again works", async () => {
  const t = testKernel();
  const watcher = await t.probe();
  const ref = await t.spawn(Mortal);
  watcher.ref.tell.watch(ref);
  watcher.ref.tell.unwatch(ref);
  await t.settle();
  const other = await t.spawn(Mortal);
  for (const step of ["watch", "unwatch", "watch"] as const) watcher.ref.tell[step](other);
  await t.settle();
  ref.tell.finish();
  other.tell.finish();
  await t.settle();
  assert.equal(watcher.record.expectSignal().ref.key, other.key);
  watcher.record.expectNothing();
});

test("an actor that watches both ways, and itself, does no harm", async () => {
  const t = testKernel();
  const one = await t.probe();
  const other = await t.probe();
  one.ref.tell.watch(other.ref);
  other.ref.tell.watch(one.ref);
  one.ref.tell.watch(one.ref);
  await t.settle();
  t.kernel.signal(one.ref, { type: "stop", reason: shutdownExit });
  await t.settle();
  assert.equal(other.record.expectSignal().ref.key, one.ref.key);
  assert.equal(t.kernel.find(one.ref.id), undefined);
  one.record.expectNothing();
});

class Late extends Actor {
  readonly #heard: string[];
  readonly #target: ActorRef;

  constructor(heard: string[], target: ActorRef) {
    super();
    this.#heard = heard;
    this.#target = target;
  }

  protected override init(): void {
    this.context.watch(this.#target);
  }

  protected override onSignal(signal: { ref: ActorRef }): void {
    this.#heard.push(`signal ${signal.ref}`);
  }

  note(text: string): void {
    this.#heard.push(text);
  }
}

test("a signal goes before waiting messages", async () => {
  const t = testKernel();
  const target = await t.spawn(Mortal);
  const heard: string[] = [];
  const ref = await t.spawn(Late, { args: [heard, target] });
  ref.tell.note("1");
  ref.tell.note("2");
  t.kernel.signal(target, { type: "kill", reason: { kind: "killed", message: "test" } });
  await t.settle();
  assert.deepEqual(heard, [`signal ${target}`, "1", "2"]);
});

test("what init watches is heard of even when it is gone already", async () => {
  const t = testKernel();
  const target = await t.spawn(Mortal);
  target.tell.finish();
  await t.settle();
  const heard: string[] = [];
  await t.spawn(Late, { args: [heard, target] });
  await t.settle();
  assert.deepEqual(heard, [`signal ${target}`]);
});
