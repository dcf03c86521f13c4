import assert from "node:assert/strict";
import test from "node:test";
import type { ActorRef, System } from "#runtime";
import { linkCapacity, linkCapacityBytes } from "../../../runtime/thread/index.ts";
import { Receiver, Sender } from "../../fixtures/actors/messenger.ts";
import { Gate } from "../../fixtures/gate.ts";
import { eventually, startSystem } from "../../fixtures/running-system.ts";

/** A receiver on a thread that stands still until the gate is opened. */
async function blocked(
  system: System,
  options: { mailboxCapacity?: number } = {},
): Promise<{ receiver: ActorRef<Receiver>; gate: Gate }> {
  const receiver = await system.spawn(Receiver, { thread: 1, ...options });
  const blocker = await system.spawn(Receiver, { thread: 1 });
  const gate = new Gate();
  blocker.tell.block(gate.name);
  await gate.entered;
  return { receiver, gate };
}

async function deadLettersOf(system: System, thread: number): Promise<number> {
  const { threads } = await system.inspect();
  return threads.find((it) => it.thread === thread)?.deadLetters ?? 0;
}

test("a flood of 1 M messages into a blocked thread: the sender is told, memory stays", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const { receiver, gate } = await blocked(system, { mailboxCapacity: 2 * linkCapacity });
  const sender = await system.spawn(Sender, { thread: 2 });
  const before = process.memoryUsage().rss;
  const flood = await sender.askWith({ timeoutMs: 60_000 }).flood(receiver, 1_000_000);
  assert.deepEqual(flood, { taken: linkCapacity, refused: 1_000_000 - linkCapacity });
  assert.equal(
    await deadLettersOf(system, 2),
    flood.refused,
    "each is counted where it was refused",
  );
  const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grownMiB < 200, `${grownMiB} MiB`);
  const reasons = new Set((await system.deadLetters()).map(({ reason }) => reason));
  assert.deepEqual([...reasons], ["link_full"]);
  assert.equal(await sender.askWith({ timeoutMs: 60_000 }).askOne(receiver), "link_full");

  gate.open();
  await eventually("all that were taken arrived", async () => {
    const { count } = await receiver.askWith({ timeoutMs: 60_000 }).counts();
    return count === flood.taken;
  });
  assert.equal((await receiver.ask.counts()).faults, 0, "in order");
  assert.deepEqual(
    await sender.askWith({ timeoutMs: 60_000 }).flood(receiver, 10),
    { taken: 10, refused: 0 },
    "room again",
  );
});

test("what was on its way but finds a full mailbox is a dead letter there", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const { receiver, gate } = await blocked(system, { mailboxCapacity: 1_000 });
  const sender = await system.spawn(Sender, { thread: 2 });
  const { taken } = await sender.askWith({ timeoutMs: 60_000 }).flood(receiver, 100_000);
  assert.equal(taken, linkCapacity);
  gate.open();
  await eventually("every message is accounted for", async () => {
    // Not by asking it: its mailbox is full.
    const { actors } = await system.inspect();
    const handled = actors.find(({ pid }) => pid === String(receiver))?.handled ?? 0;
    return handled + (await deadLettersOf(system, 1)) === taken;
  });
  const here = (await system.deadLetters()).filter(({ reason }) => reason === "mailbox_full");
  assert.ok(here.length > 0);
});

test("large messages into a blocked thread are bounded by their bytes", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const { receiver, gate } = await blocked(system);
  const bytes = Buffer.alloc(8 * 1024 * 1024, 1);
  const taken = Array.from({ length: 20 }, () => receiver.tell.size(bytes)).filter(Boolean).length;
  assert.equal(taken, linkCapacityBytes / bytes.length);
  const [letter] = await system.deadLetters();
  assert.deepEqual(
    [letter?.to, letter?.method, letter?.reason],
    [String(receiver), "size", "link_full"],
  );
  gate.open();
  await eventually("there is room again", () => receiver.tell.size(bytes));
});

test("signals pass a link that is full", async (t) => {
  const { system } = await startSystem(t, { stallTimeoutMs: 60_000 });
  const { receiver, gate } = await blocked(system);
  for (let n = 0; n <= linkCapacity; n += 1) receiver.tell.take("main", n + 1);
  assert.equal(receiver.tell.take("main", 0), false);
  system.killActor(receiver, "enough");
  gate.open();
  await assert.rejects(
    eventually("it is gone", () => receiver.ask.counts().then(() => false)),
    (error: { code: string }) => ["no_actor", "actor_stopped", "link_full"].includes(error.code),
  );
});

test("the order between each pair is kept under load, whatever else the links carry", async (t) => {
  const { system } = await startSystem(t, { threads: 3 });
  const threads = [1, 2, 3];
  const options = { mailboxCapacity: 1_000_000 };
  const receivers = await Promise.all(
    threads.map((thread) => system.spawn(Receiver, { ...options, thread })),
  );
  const senders = await Promise.all(
    [1, 1, 2, 2, 3, 3].map((thread) => system.spawn(Sender, { thread, concurrency: 10 })),
  );
  const count = 20_000;
  const sent = senders.flatMap((sender, s) =>
    receivers.map((receiver) =>
      sender.askWith({ timeoutMs: 60_000 }).send(receiver, `sender ${s}`, 1, count),
    ),
  );
  // They wait behind tens of thousands of messages.
  const noise = Array.from({ length: 50 }, (_, n) =>
    receivers[n % 3]?.askWith({ timeoutMs: 60_000 }).echo(Buffer.alloc(100_000)),
  );
  const taken = await Promise.all(sent);
  await Promise.all(noise);
  assert.deepEqual(new Set(taken), new Set([count]));
  for (const receiver of receivers) {
    await eventually("all have arrived", async () => {
      const { count: arrived } = await receiver.askWith({ timeoutMs: 60_000 }).counts();
      return arrived === senders.length * count;
    });
    const { faults, last } = await receiver.ask.counts();
    assert.equal(faults, 0);
    assert.deepEqual(new Set(Object.values(last)), new Set([count]));
  }
});
