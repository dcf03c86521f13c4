import assert from "node:assert/strict";
import test from "node:test";
import type { ActorRef, System } from "#runtime";
import { Colleague } from "../../fixtures/actors/colleague.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { eventually, nextHolder, startSystem } from "../../fixtures/running-system.ts";

const temporary = { restart: "temporary" } as const;

/** Waits until the main thread and the actors given see these members of a group. */
async function membersAre(
  system: System,
  group: string,
  expected: readonly ActorRef[],
  seenBy: readonly ActorRef<Colleague>[],
): Promise<void> {
  const pids = expected.map(String).sort().join();
  await eventually(`${group} is ${pids || "empty"}`, async () => {
    const views = await Promise.all(seenBy.map((observer) => observer.ask.members(group)));
    views.push(system.members(group).map(String));
    return views.every((view) => view.sort().join() === pids);
  });
}

test("a group is the same on all threads, as members join, leave and stop", async (t) => {
  const { system } = await startSystem(t);
  const spawn = (thread: number) => system.spawn(Colleague, { thread, ...temporary });
  const [one, two, main] = await Promise.all([spawn(1), spawn(2), spawn(0)]);
  const all = [one, two, main];
  for (const member of all) await member.ask.join("all", "some");
  await membersAre(system, "all", all, all);
  await two.ask.quit("some");
  await membersAre(system, "some", [one, main], all);
  one.tell.leave();
  await membersAre(system, "all", [two, main], [two, main]);
  two.tell.crash();
  await membersAre(system, "all", [main], [main]);
});

test("the members on a thread that dies are gone; their successors join anew", async (t) => {
  const { system } = await startSystem(t);
  const stable = await system.spawn(Colleague, { thread: 2 });
  const mortal = await system.spawn(Colleague, { name: "mortal", thread: 1 });
  const forgotten = await system.spawn(Colleague, { thread: 1, ...temporary });
  for (const member of [stable, mortal, forgotten]) await member.ask.join("g");
  await membersAre(system, "g", [stable, mortal, forgotten], [stable]);
  const killer = await system.spawn(Saboteur, { thread: 1, ...temporary });
  killer.tell.exitProcess(1);
  await membersAre(system, "g", [stable], [stable]);
  const next = await nextHolder(system, "mortal", mortal);
  await membersAre(system, "g", [stable], [stable, next]);
  await next.ask.join("g");
  await membersAre(system, "g", [stable, next], [stable, next]);
  const [member] = system.members("g").filter(({ thread }) => thread === 1);
  assert.equal(member?.incarnation, 2);
});

test("a thread that comes late knows the members; its own are forgotten with it", async (t) => {
  const { system } = await startSystem(t);
  const one = await system.spawn(Colleague, { thread: 1 });
  await one.ask.join("g");
  for (let round = 0; round < 3; round += 1) {
    const late = await system.spawn(Colleague, { thread: "dedicated", ...temporary });
    assert.deepEqual(await late.ask.members("g"), [String(one)], "from the first moment on");
    await late.ask.join("g");
    await membersAre(system, "g", [one, late], [one, late]);
    system.killActor(late, "enough");
    await membersAre(system, "g", [one], [one]);
  }
});
