import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ReplyError } from "#runtime";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, type LogEntry } from "../../fixtures/running-system.ts";
import { type ServiceKit, scratchFolder } from "../service/service-kit.ts";
import { startPoolKit } from "./pool-kit.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test("a stream brings all chunks in order, then what its generator returned", async (t) => {
  const pool = await startPoolKit(t);
  const stream = await pool.stream("counts", { count: 1_000 });
  const { chunks, end } = await stream.all();
  assert.deepEqual(chunks, numbers(1_000));
  assert.deepEqual(end, { ok: true, last: '"the end"' });
  await pool.busy(0);
  const { threads, killed, completed } = await pool.status();
  assert.deepEqual({ threads, killed, completed }, { threads: 1, killed: 0, completed: 1 });
});

test("never more chunks are under way than were granted", async (t) => {
  const pool = await startPoolKit(t, { threads: 1 });
  const stream = await pool.stream("counts", { count: 200 });
  assert.deepEqual((await stream.received(64)).chunks, numbers(64));
  await stream.consumer.ask.grant(10);
  assert.deepEqual((await stream.received(74)).chunks, numbers(74));
  // Both come the same way: had there been more chunks, they would be here before the answer.
  const other = await pool.pool.askWith({ timeoutMs: 60_000 }).status();
  assert.equal(other.busy, 1);
  assert.deepEqual((await stream.received(74)).chunks, numbers(74));
  assert.deepEqual((await stream.all()).chunks, numbers(200));
});

test("a stream that is stopped closes its generator, and its thread is free", async (t) => {
  const pool = await startPoolKit(t, { threads: 1 });
  const gate = new Gate();
  const stream = await pool.stream("gated", { gate: gate.name });
  await gate.entered;
  assert.deepEqual((await stream.received(1)).chunks, ["open"]);
  await stream.consumer.ask.stopStream();
  gate.open();
  await pool.busy(0);
  assert.equal(await pool.run("noted"), 1, "its finally block has run, on the same thread");
  assert.equal((await pool.status()).killed, 0);
  assert.equal((await stream.received(1)).end, null, "who stops a stream hears no more of it");
});

for (const [does, change] of Object.entries({
  stopped: ({ loader }: ServiceKit) => loader.stop("ticking"),
  replaced: ({ loader }: ServiceKit) => loader.restart("ticking"),
})) {
  test(`a stream without end has drainMs when its service is ${does}`, async (t) => {
    const pool = await startPoolKit(t, { threads: 1, drainMs: 300 });
    await pool.kit.loader.load(writeTicking(t));
    const stream = await pool.stream("ticks", { count: 1e12 }, {}, "ticking");
    assert.equal((await stream.received(64)).chunks.length, 64);
    const before = performance.now();
    await change(pool.kit);
    const { chunks, end } = await stream.all();
    assert.ok(performance.now() - before >= 299);
    assert.ok(chunks.length > 64, "it went on");
    const message = "ticking.ticks is stopping";
    assert.deepEqual(end, { ok: false, code: "unavailable", message, detail: null });
    await pool.busy(0);
    assert.equal((await pool.status()).killed, 0);
  });
}

test("a stream that has an end comes to it when its service is replaced", async (t) => {
  const pool = await startPoolKit(t, { threads: 1, drainMs: 60_000 });
  await pool.kit.loader.load(writeTicking(t));
  const stream = await pool.stream("ticks", { count: 1_000 }, {}, "ticking");
  assert.equal((await stream.received(64)).chunks.length, 64);
  await pool.kit.loader.restart("ticking");
  const { chunks, end } = await stream.all();
  assert.deepEqual(chunks, numbers(1_000));
  assert.equal(end?.ok, true);
});

/** A service whose streams have as many chunks as they are asked for. */
function writeTicking(t: TestContext): string {
  return scratchFolder(t)(
    "ticking.ts",
    `import { defineService } from "troupe";
    export default defineService("ticking", { ticks: { executor: "pool", responseType: "stream",
      argTypes: { count: "num" },
      async *handler({ count }, { signal }) {
        for (let n = 0; !signal.aborted && n < count; n++) yield n;
      } } });`,
  );
}

test("a stream that ignores its stop loses its thread after a second", async (t) => {
  const pool = await startPoolKit(t, { threads: 2 });
  const gate = new Gate();
  const other = pool.run("waits", { gate: gate.name });
  await gate.entered;
  const stream = await pool.stream("fails", { how: "ignores" });
  assert.deepEqual((await stream.received(3)).chunks, [1, 2, 3]);
  const before = performance.now();
  await stream.consumer.ask.stopStream();
  await pool.busy(1);
  assert.ok(performance.now() - before > 900);
  assert.equal((await pool.status()).killed, 1);
  gate.open();
  await other;
});

test("a stream that has ended, and its generator has not, loses its thread too", async (t) => {
  const pool = await startPoolKit(t, { threads: 1 });
  const stream = await pool.stream("never_closes");
  assert.equal((await stream.all()).end?.ok, false);
  await pool.busy(0);
  assert.equal((await pool.status()).killed, 1);
});

test("the end of its consumer closes a stream", async (t) => {
  const pool = await startPoolKit(t, { threads: 1 });
  const gate = new Gate();
  const stream = await pool.stream("gated", { gate: gate.name });
  await gate.entered;
  pool.kit.system.stopActor(stream.consumer);
  gate.open();
  await pool.busy(0);
  assert.equal(await pool.run("noted"), 1);
});

test("a generator that only computes is heard, and hears its stop", async (t) => {
  const pool = await startPoolKit(t, { threads: 1 });
  const stream = await pool.stream("computes");
  // With 64 chunks under way at once the first would come after more than three seconds.
  const { chunks } = await stream.received(1);
  assert.ok(chunks.length < 64);
  await stream.consumer.ask.stopStream();
  await pool.busy(0);
  assert.equal((await pool.status()).killed, 0);
});

for (const [how, expected] of [
  ["throws", { code: "internal", message: "Internal Server Error", detail: "secret detail" }],
  ["refuses", { code: "sold_out", message: "None left", detail: null }],
  ["bigint", { code: "internal", message: "Internal Server Error", detail: /no JSON form/ }],
  ["exits", { code: "outcome_unknown", message: /lost while it worked on fails/, detail: null }],
] as const) {
  test(`a stream that fails (${how}) ends with what it sent before, and why`, async (t) => {
    const pool = await startPoolKit(t);
    const stream = await pool.stream("fails", { how });
    const { chunks, end } = await stream.all();
    assert.deepEqual(chunks, [1, 2, 3]);
    assert.ok(end !== null && !end.ok);
    for (const [field, value] of Object.entries(expected)) {
      const told: unknown = end[field as keyof typeof expected];
      if (value instanceof RegExp) assert.match(String(told), value);
      else assert.equal(told, value);
    }
    await pool.busy(0);
    const isFault = ({ fields }: LogEntry): boolean => fields["function"] === "pool_service.fails";
    if (how !== "refuses") await pool.kit.log.first(isFault);
    assert.equal(pool.kit.log.entries.filter(isFault).length, how === "refuses" ? 0 : 1);
  });
}

test("what is no stream is told to whoever asked for one", async (t) => {
  const pool = await startPoolKit(t);
  await assert.rejects(pool.stream("no_stream"), (error: unknown) => {
    assert.ok(error instanceof ReplyError);
    assert.equal(error.code, "handler_failed");
    assert.match(error.message, /pool_service.no_stream is a stream, and what it returned is no/);
    return true;
  });
  await assert.rejects(pool.stream("nothing"), /has no function nothing/);
  assert.equal((await pool.status()).busy, 0);
});

test("a function with the handle of its stream sends when it likes", async (t) => {
  const pool = await startPoolKit(t, { threads: 1 });
  const stream = await pool.stream("handle");
  const { chunks, end } = await stream.all();
  assert.deepEqual(chunks, numbers(200));
  assert.deepEqual(end, { ok: true, last: '"handled"' });
  await pool.run("note");
  assert.equal((await pool.status()).killed, 0);
});

test("a stream that waits for a thread is given up with its call", async (t) => {
  const pool = await startPoolKit(t, { threads: 1, maxQueue: 1 });
  const gate = new Gate();
  const blocked = pool.run("blocks", { gate: gate.name });
  await gate.entered;
  const cancel = new AbortController();
  const opening = pool.stream("counts", { count: 5 }, { signal: cancel.signal });
  await pool.queued(1);
  await assert.rejects(pool.stream("counts", { count: 5 }), /too much work waiting/);
  cancel.abort();
  await assert.rejects(opening, /was cancelled/);
  await pool.queued(0);
  gate.open();
  await blocked;
  const stream = await pool.stream("counts", { count: 5 });
  assert.deepEqual((await stream.all()).chunks, numbers(5));
});

test("a client gets a stream of the pool as any other", async (t) => {
  const { kit } = await startPoolKit(t, { name: "pool/stream" });
  const seen = await kit.call("pool_service", "counts", { count: 1_000 });
  assert.equal(seen.response.result, "init");
  assert.deepEqual(seen.chunks, numbers(1_000));
  assert.deepEqual([seen.last?.success, seen.last?.result], [true, "the end"]);
  const failed = await kit.call("pool_service", "fails", { how: "refuses" });
  assert.deepEqual([failed.chunks, failed.last?.code], [[1, 2, 3], "sold_out"]);
  const refused = await kit.call("pool_service", "no_stream");
  assert.equal(refused.response.code, "internal");
});

test("a pool that stops ends its streams, and its threads", async (t) => {
  const pool = await startPoolKit(t, { threads: 2 });
  const gate = new Gate();
  const stream = await pool.stream("gated", { gate: gate.name });
  await gate.entered;
  pool.kit.system.stopActor(pool.pool);
  const { end } = await stream.received(100);
  assert.deepEqual(end, {
    ...{ ok: false, code: "unavailable" },
    ...{ message: "pool/async is stopping", detail: null },
  });
  gate.open();
  await pool.kit.until("names", (names) => !names.has("pool/async"));
});

test("a pool that is killed leaves no thread behind", async (t) => {
  const pool = await startPoolKit(t, { threads: 1, thread: 0 });
  const before = liveWorkers();
  const stream = await pool.stream("counts", { count: 1_000 });
  await stream.received(64);
  assert.equal(liveWorkers(), before + 1);
  pool.kit.system.killActor(pool.pool, "test");
  await eventually("its thread has ended", () => liveWorkers() === before);
});

function liveWorkers(): number {
  return (process.report.getReport() as { workers: readonly unknown[] }).workers.length;
}
