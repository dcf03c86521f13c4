import assert from "node:assert/strict";
import test from "node:test";
import type { ActorRef, System } from "#runtime";
import type { TableChange } from "../../../runtime/core/index.ts";
import { Colleague } from "../../fixtures/actors/colleague.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { eventually, nextHolder, startSystem } from "../../fixtures/running-system.ts";

const temporary = { restart: "temporary" } as const;

async function tableIs(
  system: System,
  expected: readonly [string, unknown][],
  seenBy: readonly ActorRef<Colleague>[],
): Promise<void> {
  const text = JSON.stringify(expected);
  await eventually(`the table is ${text.slice(0, 80)}`, async () => {
    const views = await Promise.all(seenBy.map((reader) => reader.ask.read("t")));
    views.push([...system.table("t").entries()]);
    return views.every((view) => JSON.stringify(view) === text);
  });
}

test("what one writes all read, in the order of writing, synchronously", async (t) => {
  const { system } = await startSystem(t);
  const writer = await system.spawn(Colleague, { thread: 1 });
  const readers = await Promise.all([1, 2, 0].map((thread) => system.spawn(Colleague, { thread })));
  const seen: unknown[] = [];
  system.table("t").onChange((change: TableChange<unknown>) => {
    seen.push(change.op === "set" ? change.value : change.op);
  });
  const count = 20_000;
  for (let n = 0; n < count; n += 100) {
    writer.tell.write(
      "t",
      Array.from({ length: 100 }, (_, i) => ["k", n + i]),
    );
  }
  await tableIs(system, [["k", count - 1]], readers);
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, n) => n),
    "no version is left out",
  );
  await writer.ask.delete("k");
  await tableIs(system, [], readers);
  const positions = await Promise.all(readers.map((reader) => reader.ask.position("t")));
  assert.deepEqual(new Set(positions.map(({ version }) => version)), new Set([count + 1]));
});

test("a thread that comes late has the table before its first actor runs", async (t) => {
  const { system } = await startSystem(t);
  const writer = await system.spawn(Colleague, { thread: 1 });
  const entries = Array.from({ length: 1_000 }, (_, n): [string, unknown] => [`k${n}`, { n }]);
  await writer.ask.write("t", entries);
  const late = await system.spawn(Colleague, { thread: "dedicated", ...temporary });
  assert.deepEqual(await late.ask.read("t"), entries);
  await writer.ask.write("t", [["more", 1]]);
  await tableIs(system, [...entries, ["more", 1]], [late]);
});

test("a writer that is restarted goes on from what was there", async (t) => {
  const { system } = await startSystem(t);
  const reader = await system.spawn(Colleague, { thread: 2 });
  const writer = await system.spawn(Colleague, { name: "writer", thread: 1 });
  await writer.ask.write("t", [["a", 1]]);
  writer.tell.crash();
  const next = await nextHolder(system, "writer", writer);
  await next.ask.write("t", [["b", 2]]);
  const both: [string, unknown][] = [
    ["a", 1],
    ["b", 2],
  ];
  await tableIs(system, both, [reader]);
  assert.deepEqual(await reader.ask.position("t"), { epoch: 2, version: 1 });

  const killer = await system.spawn(Saboteur, { thread: 1, ...temporary });
  killer.tell.exitProcess(1);
  const third = await nextHolder(system, "writer", next);
  assert.deepEqual(await third.ask.read("t"), both, "the contents outlive the thread");
  await third.ask.write("t", [["c", 3]]);
  await tableIs(system, [...both, ["c", 3]], [reader, third]);
});

test("a writer moves to another thread; the one before it may write no more", async (t) => {
  const { system, log } = await startSystem(t);
  const first = await system.spawn(Colleague, { thread: 1, ...temporary });
  const second = await system.spawn(Colleague, { thread: 2 });
  await first.ask.write("t", [["a", 1]]);
  await tableIs(system, [["a", 1]], [second]);
  await second.ask.write("t", [["a", 2]]);
  await tableIs(system, [["a", 2]], [first, second]);
  await assert.rejects(first.ask.write("t", [["a", 3]]), { code: "actor_crashed" });
  const crash = await log.entry("actor crashed");
  assert.match(String(crash.fields["error"]), /table t: a newer writer has taken over/);
  await tableIs(system, [["a", 2]], [second]);
});
