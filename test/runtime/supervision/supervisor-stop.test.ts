import assert from "node:assert/strict";
import test from "node:test";
import { killedExit } from "../../../runtime/core/index.ts";
import { childOf, type Shutdown, Supervisor } from "../../../runtime/supervision/index.ts";
import { Family, Relative } from "./family.ts";

async function clinging(shutdown: Shutdown): Promise<Family> {
  const family = new Family();
  const children = [family.child("a"), family.child("b", { shutdown }), family.child("c")];
  await family.start({}, children);
  family.journal.clinging.add("b");
  family.journal.take();
  return family;
}

test("shutdown in ms: asked to stop, killed when the time is over; the next one after it", async () => {
  const family = await clinging(700);
  assert.deepEqual(await family.stop(), ["-c shutdown", "-b shutdown"]);
  await family.t.advance(699);
  assert.deepEqual(family.journal.take(), []);
  assert.equal(family.endKind(), "");
  await family.t.advance(1);
  assert.deepEqual(family.journal.take(), ["-a shutdown"]);
  assert.equal(family.endKind(), "shutdown");
});

test("shutdown brutal: killed at once, terminate is not called", async () => {
  const family = await clinging("brutal");
  assert.deepEqual(await family.stop(), ["-c shutdown", "-a shutdown"]);
});

test("shutdown infinity: waited for as long as it takes", async () => {
  const family = await clinging("infinity");
  assert.deepEqual(await family.stop(), ["-c shutdown", "-b shutdown"]);
  await family.t.advance(86_400_000);
  assert.equal(family.endKind(), "");
  family.t.kernel.signal(family.ref("b"), { type: "kill", reason: killedExit });
  await family.t.settle();
  assert.deepEqual(family.journal.take(), ["-a shutdown"]);
  assert.equal(family.endKind(), "shutdown");
});

test("shutdown ms of a child that is busy with a message: killed when the time is over", async () => {
  const family = new Family();
  await family.start({}, [family.child("a", { shutdown: 300 })]);
  const asked = assert.rejects(family.ref("a").ask.never(), { code: "abandoned" });
  await family.t.settle();
  await family.stop();
  assert.equal(family.endKind(), "");
  await family.t.advance(300);
  assert.equal(family.endKind(), "shutdown");
  await asked;
});

test("a supervisor within stops its own children before its older siblings stop", async () => {
  const family = new Family();
  const flags = { backoff: { minMs: 0 } };
  const inner = childOf(Supervisor, {
    ...{ id: "inner", type: "supervisor" },
    args: [flags, [family.child("b"), family.child("c")]],
  });
  await family.start({}, [family.child("a"), inner, family.child("d")]);
  family.journal.take();
  const lines = ["-d shutdown", "-c shutdown", "-b shutdown", "-a shutdown"];
  assert.deepEqual(await family.stop(), lines);
});

test("a group restart waits for the shutdown of the siblings", async () => {
  const family = new Family();
  const children = [family.child("a", { shutdown: 400 }), family.child("b")];
  await family.start({ strategy: "one_for_all" }, children);
  family.journal.clinging.add("a");
  family.journal.take();
  assert.deepEqual(await family.end("b", "crash"), ["-b crash", "-a shutdown"]);
  await family.t.advance(400);
  assert.deepEqual(family.journal.take(), ["+a", "+b"]);
});

test("a stop while a restart waits for its backoff starts nothing more", async () => {
  const family = new Family();
  const backoff = { minMs: 1_000, jitter: 0 };
  await family.start({ intensity: 5, backoff }, [family.child("a"), family.child("b")]);
  await family.end("a", "crash");
  await family.end("a", "crash");
  assert.deepEqual(await family.stop(), ["-b shutdown"]);
  await family.t.advance(60_000);
  assert.deepEqual(family.journal.take(), []);
  assert.equal(family.t.clock.pendingTimers, 0);
});

for (const autoShutdown of ["any_significant", "all_significant"] as const) {
  test(`autoShutdown ${autoShutdown}`, async () => {
    const family = new Family();
    const significant = { restart: "transient", significant: true } as const;
    const children = [
      family.child("plain", { restart: "temporary" }),
      family.child("one", significant),
      family.child("two", significant),
      family.child("three", { ...significant, restart: "temporary" }),
    ];
    await family.start({ autoShutdown, intensity: 5 }, children);
    family.journal.take();
    await family.end("plain", "normal");
    assert.equal(family.endKind(), "", "the end of one that is not significant changes nothing");
    assert.deepEqual(await family.end("two", "crash"), ["-two crash", "+two"]);
    assert.equal(family.endKind(), "", "neither does one that is restarted");

    const lines = await family.end("one", "normal");
    if (autoShutdown === "any_significant") {
      assert.deepEqual(lines, ["-one normal", "-three shutdown", "-two shutdown"]);
    } else {
      assert.deepEqual(lines, ["-one normal"]);
      assert.deepEqual(await family.end("three", "crash"), ["-three crash"]);
      assert.equal(family.endKind(), "");
      assert.deepEqual(await family.end("two", "shutdown"), ["-two shutdown"]);
    }
    assert.equal(family.endKind(), "shutdown");
    assert.match(family.endMessage(), /^auto_shutdown: child /);
  });
}

test("a significant child that the supervisor itself stops does not end it", async () => {
  const family = new Family();
  const child = family.child("a", { restart: "transient", significant: true });
  await family.start({ autoShutdown: "any_significant" }, [child]);
  await family.t.until(family.supervisor.ask.terminateChild("a"));
  assert.equal(family.endKind(), "");
  assert.deepEqual(await family.statuses(), ["a:stopped"]);
});

test("terminateChild, restartChild, deleteChild, startChild, and what they refuse", async () => {
  const family = new Family();
  await family.start({}, [family.child("a"), family.child("b", { restart: "temporary" })]);
  family.journal.take();
  const { t } = family;
  const { ask } = family.supervisor;
  await assert.rejects(t.until(ask.terminateChild("x")), { code: "no_child" });
  await assert.rejects(t.until(ask.restartChild("a")), { code: "already_started" });
  await assert.rejects(t.until(ask.startChild(family.child("a"))), { code: "already_started" });
  await assert.rejects(t.until(ask.deleteChild("a")), { code: "running" });
  const bad = { ...family.child("c"), shutdown: -1 };
  await assert.rejects(t.until(ask.startChild(bad)), {
    code: "bad_child_spec",
    message: /child spec 'c': shutdown: expected an integer .*received -1/,
  });

  await t.until(ask.terminateChild("a"));
  await t.until(ask.terminateChild("b"));
  assert.deepEqual(family.journal.take(), ["-a shutdown", "-b shutdown"]);
  assert.deepEqual(await family.statuses(), ["a:stopped"], "a temporary one is forgotten");
  await t.advance(60_000);
  assert.deepEqual(family.journal.take(), [], "a terminated child is not restarted");
  await t.until(ask.restartChild("a"));
  assert.deepEqual(family.journal.take(), ["+a"]);
  await t.until(ask.terminateChild("a"));
  await t.until(ask.deleteChild("a"));
  assert.deepEqual(await family.statuses(), []);

  family.journal.failing.add("c");
  await assert.rejects(t.until(ask.startChild(family.child("c"))), { code: "start_failed" });
  assert.deepEqual(await family.statuses(), [], "one that did not start is not a child");
  family.journal.failing.delete("c");
  const ref = await t.until(ask.startChild(family.child("c")));
  assert.ok(family.ref("c").equals(ref));
});

test("terminateChild takes one child out of a group restart that waits; the others follow", async () => {
  const family = new Family();
  const flags = { strategy: "one_for_all", intensity: 9 } as const;
  const backoff = { minMs: 1_000, jitter: 0 };
  const children = ["a", "b", "c"].map((id) => family.child(id));
  await family.start({ ...flags, backoff }, children);
  await family.end("b", "crash");
  await family.end("b", "crash");
  assert.deepEqual(await family.statuses(), ["a:restarting", "b:restarting", "c:restarting"]);
  await family.t.until(family.supervisor.ask.terminateChild("b"));
  family.journal.take();
  await family.t.advance(1_000);
  assert.deepEqual(family.journal.take(), ["+a", "+c"]);
  assert.deepEqual(await family.statuses(), ["a:running", "b:stopped", "c:running"]);
});

test("dynamic: children from one spec, each with its own arguments, stopped together", async () => {
  const family = new Family();
  const start = { code: Relative };
  const template = { id: "member", start, shutdown: 100, restart: "transient" } as const;
  await family.start({ strategy: "dynamic", intensity: 5 }, [template]);
  const { t, journal, supervisor } = family;
  for (const id of ["x", "y", "z"]) await t.until(supervisor.ask.startChild([id, journal]));
  assert.deepEqual(journal.take(), ["+x", "+y", "+z"]);
  const ids = ["member-1", "member-2", "member-3"];
  assert.deepEqual(
    await family.statuses(),
    ids.map((id) => `${id}:running`),
  );

  assert.deepEqual(await family.end("y", "crash"), ["-y crash", "+y"], "with its own arguments");
  await family.end("x", "normal");
  assert.deepEqual(await family.statuses(), ["member-2:running", "member-3:running"]);
  for (const id of ["y", "z"]) journal.clinging.add(id);
  assert.deepEqual((await family.stop()).sort(), ["-y shutdown", "-z shutdown"]);
  await t.advance(100);
  assert.equal(family.endKind(), "shutdown", "their times run side by side");
});

test("dynamic: thousands of children come and go, each found at once", async () => {
  const family = new Family();
  const template = { id: "member", start: { code: Relative }, restart: "temporary" } as const;
  await family.start({ strategy: "dynamic" }, [template]);
  const { t, journal, supervisor } = family;
  const ask = supervisor.askWith({ timeoutMs: Infinity });
  const count = 5_000;
  const ids = Array.from({ length: count }, (_, n) => `m${n}`);
  for (const id of ids) supervisor.tell.startChild([id, journal]);
  while ((await t.until(ask.whichChildren())).length < count) await t.settle();
  for (const id of ids) family.ref(id).tell.leave("normal");
  await t.settle();
  assert.deepEqual(await family.statuses(), []);
});
