import assert from "node:assert/strict";
import { test } from "node:test";
import { TroupeError } from "#runtime";
import { Gate } from "../../fixtures/gate.ts";
import { eventually } from "../../fixtures/running-system.ts";
import { scratchFolder } from "../service/service-kit.ts";
import { startPoolKit } from "./pool-kit.ts";

/** The code and message of what a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof TroupeError, String(error));
    const { code, message } = error;
    return { code, message };
  }
  throw new assert.AssertionError({ message: "it did not fail" });
}

test("a function runs on a thread of the pool, with its arguments and its context", async (t) => {
  const { run, kit, ...pool } = await bound(t);
  const { thread, ...rest } = (await run("echo", { value: [1, { a: null }] })) as {
    thread: number;
  };
  assert.deepEqual(rest, {
    ...{ value: [1, { a: null }], requestId: "req_1", userId: "u1" },
    ...{ userRoles: ["reader"], deviceId: "d1" },
  });
  assert.notEqual(`actor on ${thread}`, await kit.result("pool_service", "here"));
  assert.equal(await run("versioned@1.0.0"), "one");
  assert.equal(await run("versioned@2.0.0"), "two");
  const message = [5, 3, pool.info()];
  const positional = await pool.pool.ask.run("pool_service", "positional", message);
  const info = { request_id: "req_4", user_id: "u1", device_id: "d1" };
  assert.deepEqual(positional, [2, true, info]);
  assert.equal((await pool.status()).completed, 4);
});

test("a function knows its deadline", async (t) => {
  const { run } = await bound(t);
  await run("note");
  const before = Date.now();
  const times = (await run("times", {}, { timeoutMs: 20_000 })) as Record<string, number>;
  assert.ok(Math.abs((times["deadline"] ?? 0) - before - 20_000) < 5_000);
  assert.ok((times["remainingMs"] ?? 0) > 15_000 && (times["remainingMs"] ?? 0) <= 20_000);
  const timeless = await run("times", {}, { timeoutMs: Number.POSITIVE_INFINITY });
  assert.deepEqual(timeless, {
    deadline: Number.POSITIVE_INFINITY,
    remainingMs: Number.POSITIVE_INFINITY,
  });
});

test("what a function throws is told as on an instance of its service", async (t) => {
  const { run, kit, status } = await bound(t);
  assert.deepEqual(await failure(run("refuses")), { code: "out_of_stock", message: "None left" });
  const thrown = await failure(run("throws"));
  assert.deepEqual(thrown, { code: "handler_failed", message: "secret detail" });
  // The first one: a ServiceError is no fault.
  const { level, fields } = await kit.log.entry("function failed");
  assert.equal(level, "error");
  assert.equal(fields["function"], "pool_service.throws");
  assert.equal(fields["requestId"], "req_2");
  assert.match(String(fields["stack"]), /RangeError: secret detail\n.*pool-service\.ts/);
  assert.equal((await failure(run("uncloneable"))).code, "handler_failed");
  assert.equal((await failure(run("throws_hostile"))).code, "handler_failed");
  assert.match(
    (await failure(run("wants_self"))).message,
    /ctx\.self: pool_service\.wants_self runs on a pool/,
  );
  const { completed, failed, threads } = await status();
  assert.deepEqual({ completed, failed, threads }, { completed: 1, failed: 4, threads: 1 });
});

test("a service or a function that is not there is unavailable", async (t) => {
  const { run, pool, info } = await bound(t);
  const nobody = await failure(pool.ask.run("nobody", "x", [{}, info()]));
  assert.deepEqual(nobody, { code: "unavailable", message: "no service nobody is loaded" });
  const { code, message } = await failure(run("nothing"));
  assert.equal(code, "unavailable");
  assert.match(message, /service pool_service has no function nothing/);
});

test("a function on a pool calls others: on an actor, on the pool, and is told refusals", async (t) => {
  const { run } = await bound(t);
  assert.match(String(await run("calls", { to: "here" })), /^actor on \d+$/);
  const unknown = await failure(run("calls", { to: "nowhere" }));
  assert.equal(unknown.code, "unsupported_function");
  const nested = (await run("calls", { to: "echo", args: { value: 5 } })) as { value: number };
  assert.equal(nested.value, 5);
  const refused = await failure(run("calls", { to: "refuses" }));
  assert.deepEqual(refused, { code: "out_of_stock", message: "None left" });
  const unsendable = await failure(run("sends_function"));
  assert.equal(unsendable.code, "handler_failed");
  assert.match(unsendable.message, /could not be cloned/);
});

test("what a function logs is a line of the pool that names it", async (t) => {
  const { run, kit } = await bound(t);
  await run("logs");
  const lines = await eventually("both are logged", () => {
    const said = kit.log.all("said on a pool");
    return said.length === 2 && said;
  });
  assert.equal(lines[0]?.level, "warn");
  const { actor, ...fields } = lines[0]?.fields ?? {};
  assert.match(String(actor), /pool\/async/);
  const named = { function: "pool_service.logs", requestId: "req_1" };
  assert.deepEqual(fields, { ...named, colour: "red" });
  assert.match(String(lines[1]?.fields["fields"]), /unsendable: \[Function/);
});

test("a call that ignores its deadline loses its thread, and no other call is hurt", async (t) => {
  const { run, kit, status, busy } = await bound(t, { threads: 3 });
  const gates = [new Gate(), new Gate(), new Gate()];
  const names = gates.map(({ name }) => ({ gate: name }));
  const others = names.slice(1).map((args) => run("waits", args));
  await Promise.all(gates.slice(1).map(({ entered }) => entered));
  const cancel = new AbortController();
  const deaf = failure(run("blocks", names[0], { signal: cancel.signal }));
  await gates[0]?.entered;
  cancel.abort();
  assert.equal((await deaf).code, "cancelled");
  await busy(2);
  assert.equal((await status()).killed, 1);
  const { fields } = await kit.log.first(({ message }) =>
    message.startsWith("function did not end"),
  );
  assert.equal(fields["function"], "pool_service.blocks");
  for (const gate of gates.slice(1)) gate.open();
  await Promise.all(others);
  await run("note");
});

test("a call whose deadline passes is cancelled, and keeps its thread when it obeys", async (t) => {
  const { run, status, busy } = await bound(t, { threads: 1 });
  await run("note");
  const gate = new Gate();
  const late = failure(run("obeys", { gate: gate.name }, { timeoutMs: 150 }));
  assert.equal((await late).code, "ask_timeout");
  await busy(0);
  gate.open();
  assert.equal(await run("noted"), 1, "it is the same thread");
  assert.equal((await status()).killed, 0);
});

test("what is cancelled while it waits never runs", async (t) => {
  const { run, queued, status } = await bound(t, { threads: 1 });
  const gate = new Gate();
  const first = run("waits", { gate: gate.name });
  await gate.entered;
  const cancel = new AbortController();
  const waiting = [1, 2, 3].map(() => failure(run("note", {}, { signal: cancel.signal })));
  const kept = run("note");
  await queued(4);
  cancel.abort();
  for (const { code } of await Promise.all(waiting)) assert.equal(code, "cancelled");
  await queued(1);
  gate.open();
  await Promise.all([first, kept]);
  assert.equal(await run("noted"), 1);
  assert.equal((await status()).killed, 0);
});

test("a full queue refuses at once", async (t) => {
  const { run, queued, status } = await bound(t, { threads: 1, maxQueue: 2 });
  const gate = new Gate();
  const first = run("waits", { gate: gate.name });
  await gate.entered;
  const waiting = [run("note"), run("note")];
  await queued(2);
  const refused = await failure(run("note"));
  assert.deepEqual(refused, {
    code: "queue_full",
    message: "pool/async has too much work waiting",
  });
  gate.open();
  await Promise.all([first, ...waiting]);
  assert.equal(await run("noted"), 2);
  const { rejected, queued: left } = await status();
  assert.deepEqual({ rejected, left }, { rejected: 1, left: 0 });
});

test("a thread that dies takes its own call alone", async (t) => {
  const { run, kit, status } = await bound(t);
  const gate = new Gate();
  const other = run("waits", { gate: gate.name });
  await gate.entered;
  assert.deepEqual(await failure(run("exits")), {
    code: "outcome_unknown",
    message: "service pool_service was lost while it worked on exits",
  });
  const { fields } = await kit.log.entry("function lost its thread");
  assert.match(String(fields["why"]), /code: 3/);
  gate.open();
  await other;
  await run("note");
  assert.equal((await status()).failed, 1);
});

test("a replaced service is served by its new code, its old name too", async (t) => {
  const { kit, pool, info } = await bound(t);
  const write = scratchFolder(t);
  const module = (said: string): string => `
    import { defineService } from "troupe";
    export default defineService("changing", {
      say: { executor: "pool", handler: () => "${said}" },
    });`;
  const path = write("changing.ts", module("old"));
  await kit.loader.load(path);
  const say = (name: string): Promise<unknown> => pool.ask.run(name, "say", [{}, info()]);
  assert.equal(await say("changing"), "old");
  write("changing.ts", module("new"));
  const loaded = await kit.loader.load(path);
  assert.equal(loaded.module, "changing@2");
  assert.equal(await say("changing@2"), "new");
  assert.equal(await say("changing"), "new", "a call on its way when it was replaced");
  await kit.loader.stop("changing");
  assert.equal((await failure(say("changing@2"))).code, "unavailable");
});

test("a thread that finds another file than the service was loaded from tells no paths", async (t) => {
  const { kit, pool, info } = await bound(t);
  const write = scratchFolder(t);
  const path = write(
    "broken.ts",
    `import { defineService } from "troupe";
    export default defineService("broken", { say: { executor: "pool", handler: () => "hi" } });`,
  );
  await kit.loader.load(path);
  for (const text of ["export default {};", "export default {"]) {
    write("broken.ts", text);
    const said = pool.ask.run("broken", "say", [{}, info()]);
    assert.deepEqual(await failure(said), {
      code: "unavailable",
      message: "service broken could not be loaded",
    });
  }
  const { fields } = await kit.log.first(({ message }) => message.startsWith("service not loaded"));
  assert.match(String(fields["error"]), /broken\.ts.*default export/);
});

test("a pool that stops lets its calls end, those that wait too", async (t) => {
  const { run, kit, pool, queued } = await bound(t, { threads: 1 });
  const gate = new Gate();
  const first = run("waits", { gate: gate.name });
  await gate.entered;
  const waiting = run("echo", { value: "in time" });
  await queued(1);
  kit.system.stopActor(pool);
  const stopped = kit.until("names", (names) => !names.has("pool/async"));
  gate.open();
  await first;
  assert.equal(((await waiting) as { value: string }).value, "in time");
  await stopped;
});

test("thousands of calls by way of the executor are answered each with its own", async (t) => {
  const { kit, status } = await bound(t, { maxQueue: 5_000 });
  const calls = Array.from({ length: 2_000 }, (_, value) =>
    kit.result("pool_service", "echo", { value }),
  );
  const answers = (await Promise.all(calls)) as { value: number }[];
  assert.deepEqual(
    answers.map(({ value }) => value),
    answers.map((_, n) => n),
  );
  assert.equal((await status()).completed, 2_000);
});

async function bound(...given: Parameters<typeof startPoolKit>) {
  const pool = await startPoolKit(...given);
  return {
    ...{ kit: pool.kit, pool: pool.pool },
    run: pool.run.bind(pool),
    info: pool.info.bind(pool),
    status: pool.status.bind(pool),
    busy: pool.busy.bind(pool),
    queued: pool.queued.bind(pool),
  };
}
