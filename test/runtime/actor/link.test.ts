import assert from "node:assert/strict";
import test from "node:test";
import { type TestKernel, testKernel } from "#runtime/testing";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";
import type { ExitReason } from "../../../runtime/core/index.ts";

class Peer extends Actor {
  readonly #log: string[];

  constructor(log: string[]) {
    super();
    this.#log = log;
  }

  link(ref: ActorRef): void {
    this.context.link(ref);
  }

  unlink(ref: ActorRef): void {
    this.context.unlink(ref);
  }

  finish(): void {
    this.context.stop();
  }

  crash(): void {
    throw new RangeError("crash");
  }

  protected override terminate(reason: ExitReason): void {
    this.#log.push(`${reason.kind}: ${reason.message}`);
  }
}

const alive = (t: TestKernel, ref: ActorRef) => t.kernel.find(ref.id) !== undefined;

for (const [from, direction] of [
  ["one", "the linking one crashes"],
  ["other", "the linked one crashes"],
] as const) {
  test(`linked actors crash together: ${direction}`, async () => {
    const t = testKernel();
    const log: string[] = [];
    const one = await t.spawn(Peer, { args: [log] });
    const other = await t.spawn(Peer, { args: [log] });
    one.tell.link(other);
    await t.settle();
    (from === "one" ? one : other).tell.crash();
    await t.settle();
    assert.equal(alive(t, one) || alive(t, other), false);
    assert.equal(log.length, 2);
    const crashed = from === "one" ? one : other;
    assert.equal(log[1], `crash: linked actor ${crashed} stopped: RangeError: crash`);
  });
}

test("a normal end does not take the linked actor along", async () => {
  const t = testKernel();
  const one = await t.spawn(Peer, { args: [[]] });
  const other = await t.spawn(Peer, { args: [[]] });
  one.tell.link(other);
  await t.settle();
  other.tell.finish();
  await t.settle();
  assert.equal(alive(t, one), true);
});

test("an unlinked actor survives, whichever side unlinked", async () => {
  for (const [who, crasher] of [
    ["one", "one"],
    ["one", "other"],
    ["other", "one"],
    ["other", "other"],
  ] as const) {
    const t = testKernel();
    const one = await t.spawn(Peer, { args: [[]] });
    const other = await t.spawn(Peer, { args: [[]] });
    one.tell.link(other);
    await t.settle();
    if (who === "one") one.tell.unlink(other);
    else other.tell.unlink(one);
    await t.settle();
    const [crashing, left] = crasher === "one" ? [one, other] : [other, one];
    crashing.tell.crash();
    await t.settle();
    assert.equal(alive(t, crashing), false);
    assert.equal(alive(t, left), true, `${who} unlinked, ${crasher} crashed`);
  }
});

test("a crash runs along a chain and round a ring of links", async () => {
  const t = testKernel();
  const refs: ActorRef<Peer>[] = [];
  for (let i = 0; i < 5; i += 1) refs.push(await t.spawn(Peer, { args: [[]] }));
  for (let i = 0; i < 5; i += 1) {
    (refs[i] as ActorRef<Peer>).tell.link(refs[(i + 1) % 5] as ActorRef);
  }
  await t.settle();
  refs[2]?.tell.crash();
  await t.settle();
  assert.deepEqual(
    refs.map((ref) => alive(t, ref)),
    [false, false, false, false, false],
  );
});

test("who traps exits hears of them, of normal ones too, and lives on", async () => {
  const t = testKernel();
  const trap = await t.probe(["note"], { trapExit: true });
  const crashing = await t.spawn(Peer, { args: [[]] });
  const finishing = await t.spawn(Peer, { args: [[]] });
  trap.ref.tell.link(crashing);
  trap.ref.tell.link(finishing);
  await t.settle();
  crashing.tell.crash();
  await t.settle();
  finishing.tell.finish();
  await t.settle();
  assert.equal(alive(t, trap.ref), true);
  const first = trap.record.expectSignal();
  assert.deepEqual([first.type, first.ref.key, first.reason.kind], ["exit", crashing.key, "crash"]);
  const second = trap.record.expectSignal();
  assert.deepEqual([second.type, second.reason.kind], ["exit", "normal"]);
});

test("a link to an actor that is gone is a crash of the one that links", async () => {
  const t = testKernel();
  const log: string[] = [];
  const one = await t.spawn(Peer, { args: [log] });
  const gone = await t.spawn(Peer, { args: [[]] });
  gone.tell.finish();
  await t.settle();
  one.tell.link(gone);
  await t.settle();
  assert.equal(alive(t, one), false);
  assert.equal(log[0], `crash: linked actor ${gone} stopped: no such actor`);
});

test("a link to itself means nothing", async () => {
  const t = testKernel();
  const one = await t.spawn(Peer, { args: [[]] });
  one.tell.link(one);
  await t.settle();
  one.tell.finish();
  await t.settle();
  assert.equal(alive(t, one), false);
});
