import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { type CallOptions, cancellable, functionTarget, startCallKit } from "./call-kit.ts";

describe("a strategy of the configuration", () => {
  it("chooses by name, and sees the request", async (t) => {
    const kit = await startCallKit(t);
    for (let worker = 0; worker < 3; worker++) await kit.worker();
    const seen: unknown[][] = [];
    kit.functions.set("last", (names, request, timeoutMs) => {
      seen.push([names, request, timeoutMs]);
      return Promise.resolve({ ok: true, value: (names as string[]).at(-1) });
    });
    const args = { id: 7 };
    assert.equal(await kit.end({ chooseNodeMode: functionTarget("last"), args }), "ok");
    assert.deepEqual(kit.counts, [0, 0, 1]);
    const [names, request, timeoutMs] = seen[0] as [string[], Record<string, unknown>, number];
    assert.deepEqual(
      names,
      kit.replicas.map(({ key }) => key),
    );
    assert.equal(request["requestId"], "r1");
    assert.equal(request["userId"], "alice");
    assert.deepEqual(request["args"], args);
    assert.ok(
      Object.isFrozen(request) && Object.isFrozen(request["args"]) && Object.isFrozen(names),
    );
    assert.equal(timeoutMs, 1_000);
    await kit.end({ chooseNodeMode: functionTarget("last"), timeoutMs: 300 });
    assert.equal(seen[1]?.[2], 300, "its deadline is that of the call");
  });

  it("whose choice does not take the call is not asked again", async (t) => {
    const kit = await startCallKit(t);
    const first = await kit.worker();
    await kit.worker();
    kit.kill(first);
    await kit.kernel.settle();
    let asked = 0;
    kit.functions.set("first", (names) => {
      asked += 1;
      return Promise.resolve({ ok: true, value: (names as string[])[0] });
    });
    assert.equal(await kit.end({ chooseNodeMode: functionTarget("first") }), "ok");
    assert.equal(asked, 1);
  });

  const nonsense: readonly unknown[] = [undefined, null, 0, "nobody", [], {}, Number.NaN, ["a"]];
  for (const value of nonsense) {
    it(`that says ${JSON.stringify(value)} makes the call unavailable, and is logged`, async (t) => {
      const kit = await startCallKit(t);
      await kit.worker();
      kit.functions.set("odd", () => Promise.resolve({ ok: true, value }));
      const chooseNodeMode = functionTarget("odd");
      assert.equal(await kit.end({ chooseNodeMode, retry: { allNodes: 3 } }), "unavailable");
      assert.equal(kit.begun, 0);
      const lines = kit.kernel.logLines.filter((line) => line.includes("no replica chosen"));
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /users\.get.*expected one of the names/);
    });
  }

  it("that fails or takes too long makes the call unavailable, and is logged", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker();
    const reason = "odd took longer than 1000 ms";
    kit.functions.set("odd", () => Promise.resolve({ ok: false, reason }));
    assert.equal(await kit.end({ chooseNodeMode: functionTarget("odd") }), "unavailable");
    assert.ok(kit.kernel.logLines.some((line) => line.includes(reason)));
  });

  it("does not keep a caller who has gone", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker();
    kit.functions.set("never", () => new Promise(() => {}));
    for (const options of [
      { chooseNodeMode: functionTarget("never") },
      { nodes: functionTarget("never") },
    ] satisfies CallOptions[]) {
      const { signal, abort } = cancellable();
      const seen = kit.call({ ...options, signal });
      await kit.kernel.settle();
      abort();
      await kit.kernel.settle();
      assert.equal(seen.end, "cancelled");
      assert.equal(getEventListeners(signal, "abort").length, 0);
    }
  });
});

describe("nodes", () => {
  it("by a resolver are asked for once in each call", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker();
    await kit.worker(["broken", "ok"], { node: "b" });
    let asked = 0;
    kit.functions.set("nodes", (request) => {
      asked += 1;
      assert.equal((request as Record<string, unknown>)["service"], "users");
      return Promise.resolve({ ok: true, value: ["b", "c"] });
    });
    assert.equal(await kit.end({ nodes: functionTarget("nodes"), retry: { allNodes: 2 } }), "ok");
    assert.equal(asked, 1);
    assert.deepEqual(kit.counts, [0, 2]);
  });

  it("that are none, or nonsense, make the call unavailable; nonsense is logged", async (t) => {
    const kit = await startCallKit(t);
    await kit.worker();
    const values: readonly unknown[] = [[], ["c"], undefined, "local", [1], { 0: "local" }];
    for (const value of values) {
      kit.functions.set("nodes", () => Promise.resolve({ ok: true, value }));
      assert.equal(await kit.end({ nodes: functionTarget("nodes") }), "unavailable");
    }
    const lines = kit.kernel.logLines.filter((line) => line.includes("no replica chosen"));
    assert.equal(lines.length, 4);
    assert.equal(kit.begun, 0);
    assert.equal(await kit.end({ nodes: ["c"] }), "unavailable");
    assert.equal(await kit.end({ nodes: ["c", "local"] }), "ok");
  });
});
