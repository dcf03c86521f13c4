import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { type RestartType, type Strategy, Supervisor } from "../../../runtime/supervision/index.ts";
import { Family } from "./family.ts";

test("children start in order and stop in reverse", async () => {
  const family = new Family();
  const { child } = family;
  await family.start(
    {},
    ["a", "b", "c"].map((id) => child.call(family, id)),
  );
  assert.deepEqual(family.journal.take(), ["+a", "+b", "+c"]);
  assert.deepEqual(await family.statuses(), ["a:running", "b:running", "c:running"]);
  assert.deepEqual(await family.stop(), ["-c shutdown", "-b shutdown", "-a shutdown"]);
  assert.equal(family.endKind(), "shutdown");
});

test("a child that does not start takes back those before it; the error says why", async () => {
  const family = new Family();
  family.journal.failing.add("b");
  const starting = family.start({}, [family.child("a"), family.child("b"), family.child("c")]);
  await assert.rejects(starting, {
    code: "start_failed",
    message: "Supervisor did not start: Relative did not start: b cannot start",
  });
  assert.deepEqual(family.journal.take(), ["+a", "-a shutdown"]);
});

// OTP: permanent always, transient after an abnormal end, temporary never.
const restarted: Record<RestartType, readonly string[]> = {
  permanent: ["normal", "shutdown", "crash", "kill"],
  transient: ["crash", "kill"],
  temporary: [],
};

for (const restart of ["permanent", "transient", "temporary"] as const) {
  for (const how of ["normal", "shutdown", "crash", "kill"] as const) {
    const isRestarted = restarted[restart].includes(how);
    test(`${restart}, ${how}: ${isRestarted ? "restarted" : "left alone"}`, async () => {
      const family = new Family();
      await family.start({}, [family.child("a"), family.child("b", { restart })]);
      const old = family.ref("b");
      family.journal.take();
      const lines = await family.end("b", how);
      assert.deepEqual(lines.slice(how === "kill" ? 0 : 1), isRestarted ? ["+b"] : []);
      assert.equal(family.ref("b").equals(old), !isRestarted);
      const status = isRestarted ? "b:running" : "b:stopped";
      const kept = restart === "temporary" ? [] : [status];
      assert.deepEqual(await family.statuses(), ["a:running", ...kept]);
    });
  }
}

const follows: Record<Exclude<Strategy, "dynamic">, readonly string[]> = {
  one_for_one: ["-b crash", "+b"],
  one_for_all: ["-b crash", "-d shutdown", "-c shutdown", "-a shutdown", "+a", "+b", "+c", "+d"],
  rest_for_one: ["-b crash", "-d shutdown", "-c shutdown", "+b", "+c", "+d"],
};

for (const strategy of ["one_for_one", "one_for_all", "rest_for_one"] as const) {
  test(`${strategy}: the crash of the second of four`, async () => {
    const family = new Family();
    const children = ["a", "b", "c", "d"].map((id) => family.child(id));
    await family.start({ strategy }, children);
    family.journal.take();
    assert.deepEqual(await family.end("b", "crash"), follows[strategy]);
    const all = ["a:running", "b:running", "c:running", "d:running"];
    assert.deepEqual(await family.statuses(), all);
    assert.deepEqual(await family.stop(), all.map((it) => `-${it[0]} shutdown`).reverse());
  });
}

test("a temporary sibling that a group restart stops is forgotten", async () => {
  const family = new Family();
  const children = [family.child("a"), family.child("b", { restart: "temporary" })];
  await family.start({ strategy: "one_for_all" }, children);
  family.journal.take();
  assert.deepEqual(await family.end("a", "crash"), ["-a crash", "-b shutdown", "+a"]);
  assert.deepEqual(await family.statuses(), ["a:running"]);
});

test("more restarts than the intensity within the period end the supervisor", async () => {
  const family = new Family();
  const children = [family.child("a"), family.child("b")];
  await family.start({ intensity: 2, periodMs: 1_000 }, children);
  family.journal.take();
  assert.deepEqual(await family.end("b", "crash"), ["-b crash", "+b"]);
  assert.deepEqual(await family.end("b", "crash"), ["-b crash", "+b"]);
  assert.deepEqual(await family.end("b", "crash"), ["-b crash", "-a shutdown"]);
  assert.equal(family.endKind(), "shutdown");
  assert.match(family.endMessage(), /^intensity_exceeded: child b: Error: b broke$/);
  const line = family.t.logLines.find((it) => it.includes("supervisor stops")) ?? "";
  assert.match(line, /cause=intensity_exceeded child=b .*intensity=2 periodMs=1000/);
});

test("restarts that are older than the period do not count", async () => {
  const family = new Family();
  await family.start({ intensity: 1, periodMs: 1_000 }, [family.child("a")]);
  for (let n = 0; n < 20; n += 1) {
    await family.end("a", "crash");
    await family.t.advance(1_001);
  }
  assert.equal(family.endKind(), "");
  await family.end("a", "crash");
  await family.t.advance(999);
  await family.end("a", "crash");
  assert.equal(family.endKind(), "shutdown");
});

test("the children of a supervisor share its intensity", async () => {
  const family = new Family();
  await family.start({ intensity: 1 }, [family.child("a"), family.child("b")]);
  await family.end("a", "crash");
  await family.end("b", "crash");
  assert.equal(family.endKind(), "shutdown");
});

test("escalation: the parent restarts a supervisor that gave up, and gives up in its turn", async () => {
  const family = new Family();
  const id = "inner";
  const inner = { backoff: { minMs: 0 }, intensity: 1, periodMs: 5_000 };
  const start = { code: Supervisor, args: [inner, [family.child("a"), family.child("b")]] };
  const children = [family.child("first"), { id, start, type: "supervisor" as const }];
  await family.start({ intensity: 1, periodMs: 60_000, strategy: "rest_for_one" }, children);
  assert.deepEqual(family.journal.take(), ["+first", "+a", "+b"]);

  assert.deepEqual(await family.end("a", "crash"), ["-a crash", "+a"]);
  const anew = ["-a crash", "-b shutdown", "+a", "+b"];
  assert.deepEqual(await family.end("a", "crash"), anew, "the inner one begins anew");
  // Its window is its own: it has one restart again.
  assert.deepEqual(await family.end("a", "crash"), ["-a crash", "+a"]);
  assert.equal(family.endKind(), "");
  const last = ["-a crash", "-b shutdown", "-first shutdown"];
  assert.deepEqual(await family.end("a", "crash"), last);
  assert.equal(family.endKind(), "shutdown");
});

test("a transient supervisor that gave up is left alone, as in OTP", async () => {
  const family = new Family();
  const start = { code: Supervisor, args: [{ intensity: 0 }, [family.child("a")]] };
  const inner = { id: "inner", start, type: "supervisor", restart: "transient" } as const;
  await family.start({}, [inner]);
  await family.end("a", "crash");
  assert.deepEqual(await family.statuses(), ["inner:stopped"]);
});

test("backoff: the first restart is immediate, the next ones wait longer and longer", async () => {
  const family = new Family(testKernel({ strictMessages: false }));
  const backoff = { minMs: 100, maxMs: 300, factor: 2, jitter: 0, resetAfterMs: 5_000 };
  await family.start({ intensity: 100, backoff }, [family.child("a"), family.child("b")]);
  family.journal.take();
  assert.deepEqual(await family.end("a", "crash"), ["-a crash", "+a"]);
  for (const delayMs of [100, 200, 300, 300]) {
    assert.deepEqual(await family.end("a", "crash"), ["-a crash"]);
    assert.deepEqual(await family.statuses(), ["a:restarting", "b:running"]);
    await family.t.advance(delayMs - 1);
    assert.deepEqual(family.journal.take(), []);
    await family.t.advance(1);
    assert.deepEqual(family.journal.take(), ["+a"]);
  }
  // One that ran stable begins again without delay; a sibling has a row of its own.
  await family.t.advance(5_000);
  assert.deepEqual(await family.end("a", "crash"), ["-a crash", "+a"]);
  assert.deepEqual(await family.end("b", "crash"), ["-b crash", "+b"]);
});

test("a restart that fails is tried again, charged each time, until it is enough", async () => {
  const family = new Family();
  const backoff = { minMs: 100, factor: 1, jitter: 0 };
  await family.start({ intensity: 3, periodMs: 10_000, backoff }, [family.child("a")]);
  family.journal.take();
  family.journal.failing.add("a");
  await family.end("a", "crash");
  await family.t.advance(100);
  assert.equal(family.endKind(), "");
  family.journal.failing.delete("a");
  await family.t.advance(100);
  assert.deepEqual(family.journal.take(), ["+a"], "the third attempt worked");
  family.journal.failing.add("a");
  await family.end("a", "crash");
  assert.equal(family.endKind(), "shutdown");
});

test("a crash is reported with actor, message, error, and restarts so far", async () => {
  const family = new Family();
  const named = family.child("a");
  const start = { ...named.start, options: { name: "anna" } };
  await family.start({ intensity: 10 }, [{ ...named, start }]);
  await family.end("a", "crash");
  await family.end("a", "crash");
  const reports = family.t.logLines.filter((line) => line.includes("actor crashed"));
  assert.equal(reports.length, 2);
  const [first = "", second = ""] = reports;
  assert.match(first, /actor="<0\.0\.\d+> anna \(Relative\)" message=crash error="a broke"/);
  assert.match(first, / restarts=0 stack=".*family\.ts/);
  assert.match(second, / restarts=1 /);
});

test("whichChildren tells restarts, type and ref", async () => {
  const family = new Family();
  await family.start({ intensity: 5 }, [family.child("a", { type: "supervisor" })]);
  await family.end("a", "crash");
  await family.end("a", "crash");
  const children = await family.t.until(family.supervisor.ask.whichChildren());
  const ref = family.ref("a");
  assert.deepEqual(
    children.map((it) => ({ ...it, ref: it.ref?.key })),
    [{ id: "a", ref: ref.key, type: "supervisor", status: "running", restarts: 2 }],
  );
});
