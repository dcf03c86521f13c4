import assert from "node:assert/strict";
import test from "node:test";
import { Actor, type ActorRef, type ExitReason, ReplyError } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";

const ended: string[] = [];

class Mortal extends Actor {
  #release: () => void = () => {};

  protected override terminate(reason: ExitReason): void {
    ended.push(reason.kind);
  }

  join(group: string): void {
    this.context.groups.join(group);
  }

  bye(): void {
    this.context.stop();
  }

  boom(): void {
    throw new Error("boom");
  }

  refuse(): void {
    throw new ReplyError("not_today", "come back tomorrow");
  }

  hold(): Promise<string> {
    return new Promise((resolve) => {
      this.#release = () => resolve("held");
    });
  }

  release(): void {
    this.#release();
  }

  linkTo(other: ActorRef): void {
    this.context.link(other);
  }

  value(): number {
    return 1;
  }
}

const brutal = { shutdownMs: 0 };

function mortal(t: TestKernel, options = {}): Promise<ActorRef<Mortal>> {
  return t.spawn(Mortal, options);
}

for (const [method, kind] of [
  ["bye", "normal"],
  ["boom", "crash"],
] as const) {
  test(`a child that is stopped brutally by others has its terminate when it ends by ${method}`, async () => {
    const t = testKernel({});
    ended.length = 0;
    const ref = await mortal(t, brutal);
    ref.tell[method]();
    await t.settle();
    assert.deepEqual(ended, [kind]);
    assert.equal(t.kernel.find(ref.id), undefined);
  });
}

test("brutal means no terminate when another stops it", async () => {
  const t = testKernel({});
  ended.length = 0;
  const ref = await mortal(t, brutal);
  t.kernel.signal(ref, { type: "stop", reason: { kind: "shutdown", message: "test" } });
  await t.settle();
  assert.deepEqual(ended, []);
  assert.equal(t.kernel.find(ref.id), undefined);
});

test("an actor that is asked to stop refuses at once, and leaves its groups, while it works on", async () => {
  const t = testKernel({});
  const ref = await mortal(t, { concurrency: 2 });
  ref.tell.join("workers");
  const held = assert.rejects(ref.ask.hold(), { code: "abandoned" });
  await t.settle();
  assert.equal(t.kernel.groups.members("workers").length, 1);
  t.kernel.signal(ref, { type: "stop", reason: { kind: "shutdown", message: "test" } });
  assert.deepEqual(t.kernel.groups.members("workers"), []);
  await assert.rejects(t.until(ref.ask.value()), { code: "actor_stopped" });
  assert.equal(t.kernel.find(ref.id)?.active, 1, "what was begun goes on");
  await t.advance(5_000);
  await held;
});

test("a linked actor follows a shutdown, and ignores a normal end", async () => {
  const t = testKernel({});
  const [a, b, c] = [await mortal(t), await mortal(t), await mortal(t)];
  a.tell.linkTo(b);
  a.tell.linkTo(c);
  await t.settle();
  c.tell.bye();
  await t.settle();
  assert.equal(await t.until(a.ask.value()), 1);
  t.kernel.signal(b, { type: "stop", reason: { kind: "shutdown", message: "test" } });
  await t.settle();
  assert.equal(t.kernel.find(a.id), undefined);
});

test("a refusal that nobody waits for is logged", async () => {
  const t = testKernel({});
  const ref = await mortal(t);
  ref.tell.refuse();
  await t.settle();
  const line = t.logLines.find((one) => one.includes("a told message was refused"));
  assert.match(line ?? "", /method=refuse code=not_today/);
  assert.equal(await t.until(ref.ask.value()), 1);
});
