import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { attachExecutor } from "../../../actors/diagnostics/index.ts";
import { countAbortListeners } from "../../../runtime/actor/abort-listeners.ts";
import { type Behaviour, cancellable, functionTarget, startCallKit } from "./call-kit.ts";

describe("a call", () => {
  it("is answered by a replica, and leaves no trace", async (t) => {
    const kit = await startCallKit(t);
    const replica = await kit.worker();
    const seen = kit.call({ args: { a: 1 } });
    assert.equal(kit.shared.budget.calls, 1);
    assert.equal(replica.inFlight, 1);
    await kit.ended(seen);
    assert.equal(seen.result, "done by worker-1");
    assert.equal(seen.ref, replica.ref);
    assert.deepEqual(kit.scripts[0]?.calls[0]?.[0], { a: 1 });
    assert.deepEqual(kit.breakers.settlements, ["local/users/get success"]);
    assert.equal(kit.shared.budget.calls, 0);
    assert.equal(replica.inFlight, 0);
  });

  it("that nobody can be asked for fails at once", async (t) => {
    const kit = await startCallKit(t);
    const nobody = kit.call();
    assert.equal(nobody.end, "unavailable");
    assert.equal(nobody.failure?.message, "service users is unavailable");
    await kit.worker();
    for (const timeoutMs of [0, -5, Number.NaN])
      assert.equal(kit.call({ timeoutMs }).end, "timeout");
    kit.breakers.refusals.set("local/users/get", { retryAfterMs: 1_700 });
    const open = kit.call({ retry: { allNodes: 3 } });
    assert.equal(open.end, "circuit_open");
    assert.equal(open.failure?.retryAfterMs, 1_700);
    assert.equal(kit.begun, 0);
  });

  it("of a pool names module and function, and the queue's bound is the pool's answer", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["ok", "no_room", "broken"]);
    const pool = "pool/async";
    assert.equal(await kit.end({ pool, args: { a: 1 } }), "ok");
    const [call] = kit.scripts[0]?.calls ?? [];
    assert.deepEqual(call?.slice(0, 2), ["users", "work"]);
    assert.deepEqual(call?.[2], [
      { a: 1 },
      { requestId: "r1", userId: "alice", userRoles: [], deviceId: null },
    ]);
    assert.equal(await kit.end({ pool }), "queue_full");
    assert.equal(await kit.end({ pool }), "internal");
    assert.deepEqual(kit.breakers.settlements, [
      "pool/async success",
      "pool/async ignored",
      "pool/async failure",
    ]);
  });
});

describe("what was not taken", () => {
  it("is passed on at once, to each replica once", async (t) => {
    const kit = await startCallKit(t);
    const workers = [await kit.worker(), await kit.worker(), await kit.worker()];
    for (const worker of workers.slice(0, 2)) kit.kill(worker);
    await kit.kernel.settle();
    for (let call = 0; call < 6; call++) {
      const seen = kit.call();
      await kit.kernel.settle();
      assert.equal(seen.end, "ok", "no time had to pass");
    }
    assert.deepEqual(kit.counts, [0, 0, 6]);
    kit.kill(workers[2] as (typeof workers)[number]);
    await kit.kernel.settle();
    assert.equal(await kit.end(), "unavailable");
    assert.ok(!kit.breakers.settlements.includes("local/users/get failure"));
  });

  it("because nobody has room is queue_full", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["hang"], { capacity: 1 });
    await kit.worker(["hang"], { capacity: 1 });
    for (let call = 0; call < 4; call++) {
      kit.call({ timeoutMs: 60_000 });
      await kit.kernel.settle();
    }
    const seen = kit.call();
    await kit.kernel.settle();
    assert.equal(seen.end, "queue_full");
  });

  it("is retried where the function says so, until there is somebody", async (t) => {
    const kit = await startCallKit(t);
    const seen = kit.call({ retry: { allNodes: 3 } });
    await kit.kernel.settle();
    assert.equal(seen.end, null);
    await kit.worker();
    await kit.ended(seen);
    assert.equal(seen.end, "ok");
    kit.replicas = [];
    assert.equal(await kit.end({ retry: { sameNode: 2 } }), "unavailable");
  });
});

describe("what may have run", () => {
  const ends: readonly (readonly [Behaviour, string, string])[] = [
    ["hang", "timeout", "failure"],
    ["crash", "internal", "failure"],
    ["broken", "internal", "failure"],
    ["refuse", "sold_out", "success"],
  ];
  for (const [behaviour, code, health] of ends) {
    it(`is not sent twice: ${behaviour}`, async (t) => {
      const kit = await startCallKit(t);
      await kit.worker([behaviour]);
      await kit.worker([behaviour]);
      assert.equal(await kit.end(), code);
      assert.equal(kit.begun, 1);
      assert.deepEqual(kit.breakers.settlements, [`local/users/get ${health}`]);
    });
  }

  it("is not sent twice: lost", async (t) => {
    const kit = await startCallKit(t);
    const workers = [await kit.worker(["hang"]), await kit.worker(["hang"])];
    const seen = kit.call();
    await kit.kernel.settle();
    for (const worker of workers) kit.kill(worker);
    await kit.ended(seen);
    assert.equal(seen.end, "outcome_unknown");
    assert.equal(seen.failure?.message, "service users was lost while it worked on get");
    assert.equal(kit.begun, 1);
  });

  it("is sent to another replica when it was lost and is idempotent, after a backoff", async (t) => {
    const kit = await startCallKit(t);
    const workers = [await kit.worker(["hang"]), await kit.worker(["hang"])];
    const seen = kit.call({ idempotent: true });
    await kit.kernel.settle();
    const first = kit.counts.indexOf(1);
    const script = kit.scripts[1 - first];
    script?.behaviours.splice(0, 1, "ok");
    kit.kill(workers[first] as (typeof workers)[number]);
    await kit.kernel.settle();
    assert.equal(seen.end, null, "it waits");
    await kit.kernel.advance(100);
    assert.equal(seen.end, "ok");
    assert.deepEqual(kit.counts, [1, 1]);
    assert.equal(kit.shared.budget.retries, 0);
  });

  it("stays outcome_unknown, whatever becomes of the retry", async (t) => {
    const kit = await startCallKit(t);
    const workers = [await kit.worker(["hang"]), await kit.worker(["hang"])];
    const seen = kit.call({ idempotent: true });
    await kit.kernel.settle();
    // Both are gone: the one loses the call, the other never begins with it.
    for (const worker of workers) kit.kill(worker);
    await kit.ended(seen);
    assert.equal(seen.end, "outcome_unknown");
    await kit.worker(["broken"]);
    kit.replicas = kit.replicas.slice(-1);
    const retried = kit.call({ retry: { allNodes: 1 } });
    await kit.kernel.settle();
    kit.breakers.refusals.set("local/users/get", { retryAfterMs: 500 });
    await kit.ended(retried);
    assert.equal(retried.end, "internal", "not circuit_open: it did run");
  });
});

describe("a retry", () => {
  it("of allNodes goes on to other replicas, n times", async (t) => {
    const kit = await startCallKit(t);
    for (let worker = 0; worker < 3; worker++) await kit.worker(["broken"]);
    assert.equal(await kit.end({ retry: { allNodes: 2 } }), "internal");
    assert.deepEqual(kit.counts, [1, 1, 1]);
    assert.equal(await kit.end({ retry: { allNodes: 4 } }), "internal");
    assert.equal(kit.begun, 8);
    assert.ok(Math.max(...kit.counts) <= 3, `${kit.counts}`);
  });

  it("of sameNode stays with its replica, or with its node when that is gone", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["broken", "broken", "crash", "crash"]);
    await kit.worker(["ok"], { node: "b" });
    kit.functions.set("first", (names) =>
      Promise.resolve({ ok: true, value: (names as string[])[0] }),
    );
    const chooseNodeMode = functionTarget("first");
    const near = await kit.worker();
    const { signal } = cancellable();
    assert.equal(await kit.end({ retry: { sameNode: 1 }, chooseNodeMode, signal }), "internal");
    assert.deepEqual(kit.counts, [2, 0, 0]);
    assert.equal(countAbortListeners(signal), 0);
    assert.equal(getEventListeners(signal, "abort").length, 1, "the one that all asks share");
    kit.replicas = kit.replicas.filter((replica) => replica !== near);
    assert.equal(await kit.end({ retry: { sameNode: 3 }, chooseNodeMode }), "internal");
    assert.deepEqual(kit.counts, [3, 0, 0], "its node has no other");
    kit.replicas = kit.replicas.slice(1);
    await kit.worker(["ok"], { node: "b" });
    kit.scripts[1]?.behaviours.splice(0, 1, "crash");
    assert.equal(await kit.end({ retry: { sameNode: 1 }, chooseNodeMode }), "ok");
    assert.deepEqual(kit.counts, [3, 1, 0, 1]);
  });

  it("of a function's own answer is not made, nor of a timeout", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["refuse", "hang"]);
    assert.equal(await kit.end({ retry: { allNodes: 5 }, idempotent: true }), "sold_out");
    assert.equal(await kit.end({ retry: { allNodes: 5 }, idempotent: true }), "timeout");
    assert.equal(kit.begun, 2);
  });

  it("ends with the deadline of the call, which is that of all attempts", async (t) => {
    for (let seed = 1; seed <= 5; seed++) {
      const kit = await startCallKit(t, seed);
      await kit.worker(["broken", "broken", "hang"]);
      const startedAt = kit.context.clock.now();
      const seen = kit.call({ retry: { allNodes: 10 }, timeoutMs: 700 });
      await kit.ended(seen);
      assert.equal(seen.end, "timeout");
      assert.ok(seen.endedAt - startedAt <= 720, `${seen.endedAt - startedAt} ms`);
    }
  });

  it("is kept within the budget of the thread", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["broken"]);
    const calls = Array.from({ length: 8 }, () => kit.call({ retry: { allNodes: 1 } }));
    await kit.kernel.settle();
    // All eight have failed once; three wait for their retry, the others have to do without.
    assert.equal(calls.filter(({ end }) => end === "internal").length, 5);
    assert.equal(kit.shared.budget.retries, 3);
    for (const call of calls) await kit.ended(call);
    assert.equal(kit.begun, 11);
    assert.equal(kit.shared.budget.retries, 0);
    assert.equal(kit.shared.budget.calls, 0);
  });

  it("is told to telemetry, and what stopped the last one too", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["broken"]);
    const heard: unknown[] = [];
    const detach = attachExecutor((name, { measurements, metadata }) => {
      heard.push([name, measurements["retry"] ?? measurements["retries"], metadata]);
    });
    t.after(detach);
    await kit.end({ retry: { allNodes: 1 } });
    const call = { service: "users", request_type: "get", request_id: "r1", code: "internal" };
    assert.deepEqual(heard, [
      ["troupe:executor:retry", 1, { ...call, node: "local" }],
      ["troupe:executor:retry_exhausted", 1, { ...call, limit: "retries" }],
    ]);
    await kit.end();
    assert.equal(heard.length, 2, "a function without retry has none to exhaust");
  });

  it("is cancelled while it waits", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["broken"]);
    const { signal, abort } = cancellable();
    const seen = kit.call({ retry: { allNodes: 3 }, signal });
    await kit.kernel.settle();
    assert.equal(seen.end, null);
    abort();
    await kit.kernel.settle();
    assert.equal(seen.end, "cancelled");
    assert.equal(kit.breakers.admitted, 1);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    await kit.kernel.advance(1_000);
    assert.equal(kit.begun, 1);
  });
});

describe("a breaker", () => {
  it("that is open for a node leaves the other nodes", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker();
    await kit.worker(["ok"], { node: "b" });
    kit.breakers.refusals.set("local/users/get", { retryAfterMs: 900 });
    for (let call = 0; call < 4; call++) assert.equal(await kit.end(), "ok");
    assert.deepEqual(kit.counts, [0, 4]);
    kit.breakers.refusals.set("b/users/get", { retryAfterMs: 300 });
    for (let call = 0; call < 4; call++) {
      const seen = kit.call();
      await kit.ended(seen);
      assert.equal(seen.end, "circuit_open");
      assert.equal(seen.failure?.retryAfterMs, 300, "the sooner of the two");
    }
  });

  it("that is half-open lets a probe through, or not, and hears of its end", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker(["ok", "broken"]);
    kit.breakers.refusals.set("local/users/get", () => Promise.resolve(null));
    assert.equal(await kit.end(), "ok");
    assert.equal(await kit.end(), "internal");
    const late = kit.call({ signal: AbortSignal.abort() });
    await kit.ended(late);
    assert.equal(late.end, "cancelled");
    assert.deepEqual(kit.breakers.settlements, [
      "local/users/get success probe",
      "local/users/get failure probe",
      "local/users/get ignored probe",
    ]);
    kit.breakers.refusals.set("local/users/get", () => Promise.resolve({ retryAfterMs: 50 }));
    assert.equal(await kit.end({ retry: { allNodes: 3 } }), "circuit_open");
    assert.equal(kit.begun, 2);
  });
});
