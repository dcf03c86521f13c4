import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";
import { connect } from "./memory-route.ts";

class Member extends Actor {
  join(group: string): void {
    this.context.groups.join(group);
  }

  leave(group: string): void {
    this.context.groups.leave(group);
  }

  members(group: string): readonly ActorRef[] {
    return this.context.groups.members(group);
  }

  finish(): void {
    this.context.stop();
  }
}

const keys = (refs: readonly ActorRef[]) => refs.map((ref) => ref.key);
const sortedKeys = (refs: readonly ActorRef[]) => keys(refs).sort();

test("members join and leave; a member is in a group once", async () => {
  const t = testKernel();
  const { groups } = t.kernel;
  const one = await t.spawn(Member);
  const other = await t.spawn(Member);
  one.tell.join("a");
  one.tell.join("a");
  one.tell.join("with spaces in it");
  await t.settle();
  other.tell.join("a");
  await t.settle();
  assert.deepEqual(keys(groups.members("a")), keys([one, other]));
  assert.deepEqual(keys(await t.until(one.ask.members("a"))), keys([one, other]));
  assert.deepEqual(keys(groups.members("with spaces in it")), keys([one]));
  assert.equal(groups.members("a")[0], one, "the very ref of the actor that lives here");
  one.tell.leave("a");
  one.tell.leave("never joined");
  await t.settle();
  assert.deepEqual(keys(groups.members("a")), keys([other]));
  assert.deepEqual(groups.names().sort(), ["a", "with spaces in it"]);
});

test("a member that ends is in no group; an empty group is gone", async () => {
  const t = testKernel();
  const ref = await t.spawn(Member);
  ref.tell.join("a");
  ref.tell.join("b");
  await t.settle();
  ref.tell.finish();
  await t.settle();
  assert.deepEqual(t.kernel.groups.names(), []);
  assert.deepEqual(t.kernel.groups.members("a"), []);
});

async function twoThreads() {
  const main = testKernel();
  const { clock, steps } = main;
  const thread = (incarnation: number) => testKernel({ thread: 1, incarnation, clock, steps });
  const first = thread(1);
  connect(main.kernel, first.kernel);
  return { main, first, thread };
}

test("members of other threads are seen everywhere; a thread's death ends theirs", async () => {
  const { main, first } = await twoThreads();
  const here = await main.spawn(Member);
  const there = await first.spawn(Member);
  here.tell.join("a");
  there.tell.join("a");
  await main.settle();
  assert.deepEqual(sortedKeys(main.kernel.groups.members("a")), sortedKeys([here, there]));
  assert.deepEqual(sortedKeys(first.kernel.groups.members("a")), sortedKeys([here, there]));
  main.kernel.routes.threadDown(1, "it died", []);
  assert.deepEqual(keys(main.kernel.groups.members("a")), keys([here]));
});

test("a thread that is started anew can have members again, and none of its former self", async () => {
  // Its table began at the epoch of the dead thread's, with a lower version: everybody ignored it,
  // and it took over the dead thread's members itself.
  const { main, first, thread } = await twoThreads();
  for (let i = 0; i < 5; i += 1) {
    const ref = await first.spawn(Member);
    ref.tell.join("a");
  }
  await main.settle();
  assert.equal(main.kernel.groups.members("a").length, 5);
  main.kernel.routes.threadDown(1, "it died", []);
  assert.equal(main.kernel.groups.members("a").length, 0);

  const second = thread(2);
  connect(main.kernel, second.kernel);
  assert.equal(second.kernel.groups.members("a").length, 0);
  const ref = await second.spawn(Member);
  ref.tell.join("a");
  await main.settle();
  assert.deepEqual(keys(main.kernel.groups.members("a")), [ref.key]);
  assert.deepEqual(keys(second.kernel.groups.members("a")), [ref.key]);
  ref.tell.leave("a");
  await main.settle();
  assert.deepEqual(main.kernel.groups.members("a"), []);
});

test("a thread that comes late learns of all members", async () => {
  const { main, first } = await twoThreads();
  const there = await first.spawn(Member);
  there.tell.join("a");
  await main.settle();
  const { clock, steps } = main;
  const late = testKernel({ thread: 2, clock, steps });
  connect(main.kernel, late.kernel);
  connect(first.kernel, late.kernel);
  assert.deepEqual(keys(late.kernel.groups.members("a")), [there.key]);
});
