import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { within } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { checkAll, reachesSessions } from "./agreement.ts";
import { Chatter, checkRelayed, checkWhole } from "./chatter.ts";
import { groupOn, joinOnEach } from "./members-on-threads.ts";
import { agree } from "./presence-list.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayFolder } from "./relay-gateway.ts";

const scope = fileScope();
const folder = new RelayFolder(scope, {
  messagesPerSecond: null,
  history: { messages: 10_000 },
  storage: { path: "groups.sqlite" },
});
const gateway = await folder.start(scope, { services: ["thread-service.ts"] });
const perThread = 4;

/** What is done to which thread, and what of a group is there. */
interface Kill {
  /** The thread that has the group. */
  readonly home: number;
  readonly doomed: number;
  /** The function that is its end. */
  readonly deadly: "exits" | "spins";
  readonly isDurable?: boolean;
}

async function killUnderLoad(t: TestContext, { home, doomed, deadly, isDurable = false }: Kill) {
  // A thread that was lost before has come back with all that it has.
  const parts = ["acceptor", "relay", "chat_service", "thread_service"];
  await gateway.has(...parts.flatMap((part) => [`${part}-1`, `${part}-2`]));
  const groupId = groupOn(home);
  const founder = await RelayClient.join(t, gateway, { userId: "founder", groupId: "elsewhere" });
  const made = { group_id: groupId, durable: isDurable };
  await founder.result("create_group", made);
  const clients = await joinOnEach(t, gateway, groupId, perThread);
  await founder.result("leave_group", { group_id: groupId });
  const victims = clients.get(doomed) as RelayClient[];
  const survivors = [...clients.values()].flat().filter((client) => !victims.includes(client));
  const everybody = [...victims, ...survivors];
  for (const victim of victims) victim.comesBack = true;
  const epoch = survivors[0]?.epoch;

  const chatter = new Chatter(everybody);
  await chatter.more(20);
  const sockets = victims.map(({ closed }) => closed);
  void victims[0]?.callService("thread_service", deadly, {});
  await within(Promise.all(sockets), "the sockets of the thread close", patientMs);
  for (const victim of victims) {
    await victim.until("it is in again", () => victim.answers.length === 2);
  }
  await chatter.more(20);
  await chatter.end();

  const [first] = survivors as [RelayClient];
  await reachesSessions(first, everybody.length);
  const { offset: last, recipients_count } = await first.say("the last one");
  assert.equal(recipients_count, everybody.length);
  for (const client of everybody) await client.reaches(last);
  checkAll(everybody);
  assert.equal(new Set(everybody.map((client) => client.epoch)).size, 1);
  for (const client of everybody) {
    const { heard } = client;
    assert.deepEqual(heard.at(-1)?.message, "the last one");
    assert.deepEqual(client.ends, [], "its channel was never closed");
  }
  await agree(everybody, everybody.length);
  const info = await first.result<{ members: { user_id: string; devices: number }[] }>(
    "group_info",
  );
  assert.deepEqual(
    info.members.map(({ user_id, devices }) => `${user_id} ${devices}`).sort(),
    everybody.map(({ userId }) => `${userId} 1`).sort(),
  );
  t.diagnostic(`${last} messages, ${[...chatter.codes].map(([code, n]) => `${n} ${code}`)}`);
  for (const { answers } of survivors) assert.equal(answers.length, 1, "it stayed connected");

  const isLost = home === doomed && !isDurable;
  assert.equal(first.epoch === epoch, !isLost, "a new epoch if, and only if, the group was lost");
  for (const { gaps } of survivors) {
    assert.deepEqual(
      gaps.map(({ reason }) => reason),
      isLost ? ["lost"] : [],
    );
  }
  for (const { answers } of victims) assert.equal(answers[1]?.recovered, !isLost);
  if (isLost) return;
  // Each has every message from its first one on, and what was acknowledged is what they have.
  for (const { userId, heard, record } of everybody) {
    const from = heard[0]?.offset ?? 0;
    assert.deepEqual(record.missed, []);
    checkWhole(heard, from, last, userId);
    const relayed = chatter.relayed.filter(({ offset }) => offset >= from);
    checkRelayed(relayed, heard, userId);
  }
}

it("a thread dies with half of the members, and their group lives on the other one", async (t) => {
  await killUnderLoad(t, { home: 1, doomed: 2, deadly: "exits" });
});

it("a thread dies with half of the members and their group", async (t) => {
  await killUnderLoad(t, { home: 2, doomed: 2, deadly: "exits" });
});

it("a thread dies with half of the members and their durable group", async (t) => {
  await killUnderLoad(t, { home: 2, doomed: 2, deadly: "exits", isDurable: true });
});

it("a thread with half of the members and their group is stuck, and replaced", async (t) => {
  await killUnderLoad(t, { home: 1, doomed: 1, deadly: "spins" });
});
