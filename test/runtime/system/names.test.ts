import assert from "node:assert/strict";
import test from "node:test";
import { Colleague } from "../../fixtures/actors/colleague.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, nextHolder, startSystem } from "../../fixtures/running-system.ts";

const temporary = { restart: "temporary" } as const;

test("a name leads to its actor from every thread, and is taken while that one lives", async (t) => {
  const { system } = await startSystem(t);
  const anna = await system.spawn(Colleague, { name: "anna", thread: 1 });
  assert.ok(system.resolve("anna")?.equals(anna));
  for (const thread of [1, 2]) {
    const other = await system.spawn(Colleague, { thread });
    await eventually(
      "the name is known",
      async () => (await other.ask.whereis("anna")) === anna.key,
    );
  }
  const boss = await system.spawn(Colleague, { thread: 2 });
  await assert.rejects(boss.ask.hire("anna"), {
    code: "name_taken",
    message: `the name anna is taken by ${anna}`,
  });
  assert.ok(system.resolve("anna")?.equals(anna));
  assert.deepEqual(system.names().sort(), ["anna", "root"]);
});

test("a name is free again when its actor stops or crashes", async (t) => {
  const { system } = await startSystem(t);
  const boss = await system.spawn(Colleague, { thread: 2 });
  for (const end of ["leave", "crash"] as const) {
    const pid = await boss.ask.hire("anna");
    const anna = system.resolve(pid) as typeof boss;
    anna.tell[end]();
    await eventually("the name is free", () => system.resolve("anna") === undefined);
  }
  await boss.ask.hire("anna");
});

test("of many that want a name at once, on all threads, one gets it", async (t) => {
  const { system } = await startSystem(t);
  const bosses = await Promise.all(
    [1, 2, 1, 2, 0].map((thread) => system.spawn(Colleague, { thread, concurrency: 100 })),
  );
  const wanted = bosses.flatMap((boss) => [boss.ask.hire("anna"), boss.ask.hire("anna")]);
  const outcomes = await Promise.allSettled(wanted);
  const got = outcomes.filter(({ status }) => status === "fulfilled");
  assert.equal(got.length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.code, "name_taken");
  }
  const { actors } = await system.inspect();
  assert.equal(actors.filter(({ name }) => name === "anna").length, 1);
});

test("the names of a thread that dies are free at once, for actors on any thread", async (t) => {
  const { system } = await startSystem(t);
  await system.spawn(Colleague, { name: "anna", thread: 1, ...temporary });
  const kept = await system.spawn(Colleague, { name: "kept", thread: 2 });
  const back = await system.spawn(Colleague, { name: "back", thread: 1 });
  const killer = await system.spawn(Saboteur, { thread: 1, ...temporary });
  killer.tell.exitProcess(1);
  const next = await nextHolder(system, "back", back);
  assert.equal(next.incarnation, 2);
  assert.equal(system.resolve("anna"), undefined);
  assert.ok(system.resolve("kept")?.equals(kept));
  const anna = await system.spawn(Colleague, { name: "anna", thread: 2 });
  assert.ok(system.resolve("anna")?.equals(anna));
});

test("the name of an actor on a blocked thread stays taken", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const busy = await system.spawn(Saboteur, { name: "busy", thread: 1 });
  const boss = await system.spawn(Colleague, { thread: 2 });
  const gate = new Gate();
  busy.tell.block(gate.name);
  await gate.entered;
  await assert.rejects(boss.ask.hire("busy"), { code: "name_taken" });
  gate.open();
  assert.equal(await busy.ask.increment(), 1);
});

test("twenty thousand named actors start and stop, and no name is left", async (t) => {
  const { system } = await startSystem(t);
  const bosses = await Promise.all([1, 2].map((thread) => system.spawn(Colleague, { thread })));
  const count = 10_000;
  const hired = bosses.map((boss, b) =>
    boss.askWith({ timeoutMs: 60_000 }).hireMany(`b${b}`, count),
  );
  assert.deepEqual(await Promise.all(hired), [count, count]);
  assert.equal(system.names().length, 2 * count + 1);
  await Promise.all(bosses.map((boss) => boss.askWith({ timeoutMs: 60_000 }).dismissAll()));
  await eventually("no name is left", () => system.names().length === 1, 20_000);
});
