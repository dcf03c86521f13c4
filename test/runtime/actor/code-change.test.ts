import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import {
  Actor,
  type ActorClass,
  type ActorRef,
  type Ask,
  changeCode,
} from "../../../runtime/actor/index.ts";
import { Turnstile } from "./turnstile.ts";

class First extends Actor {
  count = 0;
  readonly #turnstile: Turnstile;

  constructor(turnstile: Turnstile) {
    super();
    this.#turnstile = turnstile;
  }

  async add(): Promise<string> {
    await this.#turnstile.wait();
    this.count += 1;
    return `first ${this.count}`;
  }

  gone(): string {
    return "first alone";
  }
}

class Second extends Actor {
  #count = 0;
  readonly #step: number;

  constructor(step: number) {
    super();
    this.#step = step;
  }

  protected override codeChange(old: Actor): void {
    if (old instanceof First) this.#count = old.count;
  }

  add(): string {
    this.#count += this.#step;
    return `second ${this.#count}`;
  }

  fresh(): string {
    return "new method";
  }
}

class Refusing extends Second {
  protected override codeChange(): Promise<void> {
    return Promise.reject(new Error("cannot take over"));
  }
}

class NoChange extends Actor {}

class Hanging extends Second {
  protected override codeChange(): Promise<void> {
    return new Promise(() => {});
  }
}

async function first(concurrency = 1) {
  const t = testKernel();
  const turnstile = new Turnstile();
  const ref = await t.spawn(First, { args: [turnstile], concurrency });
  const change = (actorClass: ActorClass, args: readonly unknown[] = [10]) => {
    const cell = t.kernel.find(ref.id);
    assert.ok(cell);
    return changeCode(cell, actorClass, args);
  };
  return { t, ref, turnstile, change };
}

test("new code takes over the state between two messages, without failing one in progress", async () => {
  const { t, ref, turnstile, change } = await first();
  const inProgress = ref.ask.add();
  await t.settle();
  const behind = ref.ask.add();
  const changed = change(Second);
  await t.settle();
  turnstile.letOne();
  await t.until(changed);
  assert.equal(await inProgress, "first 1");
  assert.equal(await t.until(behind), "second 11");
  assert.equal(t.kernel.find(ref.id)?.info.name, "Second");
});

test("methods come and go with the code", async () => {
  const { t, ref, change } = await first();
  await t.until(change(Second));
  const gone = t.kernel.request(ref, "gone", [], {});
  await assert.rejects(t.until(gone), { code: "unknown_method" });
  const second = t.kernel.ref(ref) as ActorRef<Second>;
  assert.equal(await t.until(t.kernel.request(second, "fresh", [], {})), "new method");
  const ask = second.ask as Ask<Second>;
  assert.equal(typeof ask.fresh, "function", "the stubs of the actor's ref know the new methods");
  assert.equal(await t.until(ask.fresh()), "new method");
});

for (const [actorClass, why] of [
  [Refusing, /cannot take over/],
  [NoChange, /NoChange has no codeChange/],
] as const) {
  test(`the old instance stays in service when ${actorClass.name} does not take over`, async () => {
    const { t, ref, turnstile, change } = await first();
    await assert.rejects(t.until(change(actorClass)), why);
    const answer = ref.ask.add();
    await t.settle();
    turnstile.letOne();
    assert.equal(await t.until(answer), "first 1");
    assert.equal(t.kernel.find(ref.id)?.info.name, "First");
  });
}

test("a code change of an actor that ends before it is done fails; nobody waits for ever", async () => {
  const kill = { type: "kill", reason: { kind: "killed", message: "test" } } as const;

  const waiting = await first();
  waiting.ref.tell.add();
  await waiting.t.settle();
  const never = assert.rejects(waiting.change(Second));
  waiting.t.kernel.signal(waiting.ref, kill);
  await waiting.t.until(never);

  const hanging = await first();
  const hung = assert.rejects(hanging.change(Hanging));
  await hanging.t.settle();
  hanging.t.kernel.signal(hanging.ref, kill);
  await hanging.t.until(hung);

  const gone = await first();
  const cell = gone.t.kernel.find(gone.ref.id);
  assert.ok(cell);
  gone.t.kernel.signal(gone.ref, kill);
  await gone.t.until(assert.rejects(changeCode(cell, Second, [1])));
});

test("with concurrency the change waits for all messages in progress", async () => {
  const { t, ref, turnstile, change } = await first(3);
  const inProgress = [ref.ask.add(), ref.ask.add()];
  await t.settle();
  assert.equal(turnstile.waiting, 2);
  const changed = change(Second);
  await t.settle();
  turnstile.letOne();
  turnstile.letOne();
  await t.until(changed);
  assert.deepEqual((await t.until(Promise.all(inProgress))).sort(), ["first 1", "first 2"]);
  assert.equal(await t.until(ref.ask.add()), "second 12", "no message is forgotten");
});
