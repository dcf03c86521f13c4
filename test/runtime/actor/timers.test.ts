import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { Actor } from "../../../runtime/actor/index.ts";
import type { Timer } from "../../../runtime/core/index.ts";
import { Turnstile } from "./turnstile.ts";

class Timed extends Actor {
  readonly #log: string[];
  readonly #turnstile: Turnstile;
  #timer: Timer | null = null;

  constructor(log: string[], turnstile = new Turnstile()) {
    super();
    this.#log = log;
    this.#turnstile = turnstile;
  }

  #note(text: string): void {
    this.#log.push(`${text} at ${this.context.clock.now()}`);
  }

  once(delayMs: number): void {
    this.#timer = this.context.after(delayMs, () => this.#note("once"));
  }

  every(intervalMs: number): void {
    this.#timer = this.context.every(intervalMs, () => this.#note("every"));
  }

  everyUntil(intervalMs: number, times: number): void {
    let left = times;
    const timer = this.context.every(intervalMs, () => {
      this.#note("every");
      left -= 1;
      if (left === 0) timer.cancel();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer?.cancel();
  }

  async holdThenCancel(): Promise<void> {
    await this.#turnstile.wait();
    this.#timer?.cancel();
  }

  async hold(): Promise<void> {
    await this.#turnstile.wait();
    this.#note("held");
  }

  failLater(): void {
    this.context.after(5, () => {
      throw new Error("in the timer");
    });
  }

  rejectLater(): void {
    this.context.after(5, async () => {
      throw new Error("in the timer");
    });
  }

  finish(): void {
    this.context.stop();
  }
}

test("after fires once, every again and again, both in turns of the actor", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await t.spawn(Timed, { args: [log] });
  ref.tell.once(10);
  ref.tell.every(25);
  await t.advance(110);
  assert.deepEqual(log, [
    "once at 10",
    "every at 25",
    "every at 50",
    "every at 75",
    "every at 100",
  ]);
});

test("a cancelled timer does not fire; cancelling twice does nothing", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await t.spawn(Timed, { args: [log] });
  ref.tell.once(10);
  await t.advance(5);
  ref.tell.cancel();
  ref.tell.cancel();
  await t.advance(100);
  assert.deepEqual(log, []);
  assert.equal(t.clock.pendingTimers, 0);
});

test("an interval can be cancelled by its own turn", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await t.spawn(Timed, { args: [log] });
  ref.tell.everyUntil(10, 3);
  await t.advance(100);
  assert.equal(log.length, 3);
  assert.equal(t.clock.pendingTimers, 0);
});

test("a timer waits for the message in progress", async () => {
  const t = testKernel();
  const log: string[] = [];
  const turnstile = new Turnstile();
  const ref = await t.spawn(Timed, { args: [log, turnstile] });
  ref.tell.once(10);
  ref.tell.hold();
  await t.advance(30);
  assert.deepEqual(log, []);
  turnstile.letOne();
  await t.settle();
  assert.deepEqual(log, ["held at 30", "once at 30"]);
});

for (const kind of ["once", "every"] as const) {
  test(`cancelled by the message that it waits for, a timer is not heard of again (${kind})`, async () => {
    const t = testKernel();
    const log: string[] = [];
    const turnstile = new Turnstile();
    const ref = await t.spawn(Timed, { args: [log, turnstile] });
    ref.tell[kind](10);
    await t.settle();
    ref.tell.holdThenCancel();
    await t.advance(15);
    turnstile.letOne();
    await t.settle();
    await t.advance(100);
    assert.deepEqual(log, []);
    assert.equal(t.clock.pendingTimers, 0);
  });
}

test("timers end with their actor", async () => {
  for (const end of ["finish", "kill"] as const) {
    const t = testKernel();
    const log: string[] = [];
    const ref = await t.spawn(Timed, { args: [log] });
    ref.tell.once(10);
    ref.tell.every(10);
    await t.settle();
    assert.equal(t.clock.pendingTimers, 2);
    if (end === "finish") ref.tell.finish();
    else t.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "test" } });
    await t.settle();
    assert.equal(t.clock.pendingTimers, 0);
    await t.advance(100);
    assert.deepEqual(log, []);
  }
});

test("a timer that throws or rejects crashes its actor", async () => {
  for (const method of ["failLater", "rejectLater"] as const) {
    const t = testKernel();
    const watcher = await t.probe();
    const ref = await t.spawn(Timed, { args: [[]] });
    watcher.ref.tell.watch(ref);
    ref.tell[method]();
    await t.advance(10);
    assert.equal(watcher.record.expectSignal().reason.message, "Error: in the timer");
    assert.equal(t.clock.pendingTimers, 0);
  }
});
