import assert from "node:assert/strict";
import test from "node:test";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { eventually, nextHolder, startSystem } from "../../fixtures/running-system.ts";

/** The asks that bring a thread down, and what the log says of its death. */
const deaths = [
  { method: "throwInTimer", args: [], why: /^uncaught exception: thrown in a timer$/ },
  { method: "throwInImmediate", args: [], why: /^uncaught exception: thrown in an immediate$/ },
  { method: "exitProcess", args: [3], why: /^exit code 3$/ },
  { method: "exitProcess", args: [0], why: /^exit code 0$/ },
  { method: "exhaustHeap", args: [], why: /memory/i },
  { method: "spin", args: [], why: /^stuck for \d+ ms in <0\.1\.\d+> Saboteur\.spin$/ },
] as const;

for (const { method, args, why } of deaths) {
  test(`${method}(${args}) ends the thread; all is replaced, the culprit alone charged`, async (t) => {
    // A heap that fills up can be as busy as a loop: only the loop is to be taken for one.
    const stallTimeoutMs = method === "spin" ? 3_000 : 60_000;
    const options = { stallTimeoutMs, resourceLimits: { maxOldGenerationSizeMb: 40 } };
    const { system, log } = await startSystem(t, options);
    const culprit = await system.spawn(Saboteur, { name: "culprit", thread: 1 });
    const sibling = await system.spawn(Saboteur, { name: "sibling", thread: 1 });
    const far = await system.spawn(Saboteur, { name: "far", thread: 2 });
    assert.equal(await far.ask.increment(), 1);

    const startedAt = performance.now();
    const waiting = sibling.askWith({ timeoutMs: 60_000 }).never();
    const asks = culprit.askWith({ timeoutMs: 60_000 });
    const asked = asks[method] as (...given: readonly unknown[]) => Promise<void>;
    const message = /^thread 1 died: /;
    await Promise.all([
      assert.rejects(asked.apply(asks, [...args]), { code: "thread_down", message }),
      assert.rejects(waiting, { code: "thread_down", message }),
    ]);
    assert.ok(performance.now() - startedAt < 30_000, "not by the timeout of the ask");
    assert.match(String((await log.entry("thread died")).fields["why"]), why);

    const [next, other] = await Promise.all([
      nextHolder(system, "culprit", culprit),
      nextHolder(system, "sibling", sibling),
    ]);
    assert.deepEqual([next.thread, next.incarnation, other.thread], [1, 2, 1]);
    assert.equal(await next.ask.increment(), 1);
    assert.equal(await other.ask.increment(), 1);
    assert.equal(await far.ask.increment(), 2, "an actor on another thread goes on as it was");
    assert.deepEqual(
      log.all("restarting").map(({ fields }) => fields["child"]),
      ["culprit", "sibling"],
    );
    await assert.rejects(culprit.ask.increment(), { code: "no_actor" });
  });
}

test("four siblings of a culprit are restarted within an intensity of one", async (t) => {
  const { system, log } = await startSystem(t, { intensity: 1, periodMs: 60_000 });
  const names = ["one", "two", "three", "four"];
  const siblings = new Map<string, Awaited<ReturnType<typeof system.spawn<typeof Saboteur>>>>();
  for (const name of names) siblings.set(name, await system.spawn(Saboteur, { name, thread: 1 }));
  const culprit = await system.spawn(Saboteur, { name: "culprit", thread: 1 });
  culprit.tell.exitProcess(1);
  const next = await nextHolder(system, "culprit", culprit);
  for (const [name, old] of siblings) await nextHolder(system, name, old);
  assert.equal(log.all("restarting").length, 5);
  next.tell.exitProcess(1);
  const gaveUp = await log.entry("supervisor stops");
  assert.equal(gaveUp.fields["child"], "culprit", "the second fault of the culprit is too many");
});

test("what code on a thread posts to the main thread by itself harms nobody", async (t) => {
  const { system, log } = await startSystem(t);
  const actor = await system.spawn(Saboteur, { thread: 1 });
  const logged = log.entries.length;
  for (const message of [null, "ready", { type: "log" }, { type: "fatal" }, ["troupe", 1]]) {
    await actor.ask.post(message);
  }
  assert.equal(await actor.ask.increment(), 1);
  assert.equal(log.entries.length, logged);
  actor.tell.exitProcess(3);
  const { fields } = await log.entry("thread died");
  assert.equal(fields["why"], "exit code 3", "the reason is the thread's own");
});

test("an actor that throws, rejects or refuses does not harm its thread", async (t) => {
  const { system, log } = await startSystem(t);
  let actor = await system.spawn(Saboteur, { name: "actor", thread: 1 });
  const neighbour = await system.spawn(Saboteur, { thread: 1 });
  await assert.rejects(actor.ask.refuse(), { code: "no_luck", message: "not today" });
  assert.equal(await actor.ask.increment(), 1, "a ReplyError harms nobody");
  for (const method of ["throwError", "rejectLater"] as const) {
    await assert.rejects(actor.ask[method]("oh"), (error: Error & { code: string }) => {
      assert.equal(error.code, "actor_crashed");
      assert.match(error.message, new RegExp(`actor \\(Saboteur\\) crashed in ${method}$`));
      assert.equal((error.cause as Error).name, "RangeError");
      return true;
    });
    actor = await nextHolder(system, "actor", actor);
  }
  assert.equal(await actor.ask.increment(), 1);
  assert.equal(await neighbour.ask.increment(), 1);
  const [report] = log.all("actor crashed");
  const { actor: who, message, error, restarts } = report?.fields ?? {};
  assert.match(String(who), /^<0\.1\.\d+> actor \(Saboteur\)$/);
  assert.deepEqual([message, error, restarts], ["throwError", "oh", 0]);
  assert.equal(log.all("actor crashed")[1]?.fields["restarts"], 1);
});

test("a rejection that nobody handles crashes the actor of its scope alone", async (t) => {
  const { system, log } = await startSystem(t);
  const actor = await system.spawn(Saboteur, { name: "actor", thread: 1 });
  const neighbour = await system.spawn(Saboteur, { thread: 1 });
  await assert.rejects(actor.ask.rejectInScope("stray"), { code: "abandoned" });
  const next = await nextHolder(system, "actor", actor);
  assert.equal(next.incarnation, 1, "the thread lives");
  assert.equal(await next.ask.increment(), 1);
  assert.equal(await neighbour.ask.increment(), 1);
  const [crash] = log.all("actor crashed");
  const { message, error } = crash?.fields ?? {};
  assert.deepEqual([message, error], ["unhandled rejection", "stray"]);

  neighbour.tell.rejectOutside("nobody's");
  const logged = await log.entry("unhandled rejection", (it) => it.fields["error"] === "nobody's");
  assert.equal(logged.fields["actor"], null);
  assert.equal(await neighbour.ask.increment(), 2, "without a scope it is logged, no more");
});

test("a thousand crashes leave nothing behind", async (t) => {
  const { system, log } = await startSystem(t, { intensity: 10_000 });
  const before = (await system.inspect()).threads.map(({ actors }) => actors);
  for (let n = 0; n < 1_000; n += 1) {
    const actor = await system.spawn(Saboteur, { thread: 1, restart: "temporary" });
    await assert.rejects(actor.ask.throwError("again"), { code: "actor_crashed" });
  }
  await eventually("all are reported", () => log.all("actor crashed").length === 1_000);
  const { threads } = await system.inspect();
  assert.deepEqual(
    threads.map(({ actors }) => actors),
    before,
  );
  assert.deepEqual(
    threads.map(({ pendingAsks }) => pendingAsks),
    [0, 0, 0],
  );
  assert.deepEqual(system.names(), ["root"]);
});
