import assert from "node:assert/strict";
import { it } from "node:test";
import { within } from "../deadline.ts";
import { type Scope, testScope } from "../gateway-process.ts";
import { checkAll } from "./agreement.ts";
import { groupOn, joinOnEach } from "./members-on-threads.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayFolder, type RelayKeys } from "./relay-gateway.ts";

const messageBytes = 65_536;
/** More than the buffers of a connection hold that nobody reads; together less than 16 MiB. */
const floodCount = 256;
const padding = "x".repeat(messageBytes - 1_000);

async function start(scope: Scope, relay: RelayKeys) {
  const folder = new RelayFolder(scope, {
    messagesPerSecond: null,
    maxMessageBytes: messageBytes,
    history: { messages: 10_000 },
    ...relay,
  });
  const gateway = await folder.start(scope, { services: ["thread-service.ts"] });
  const groupId = groupOn(1);
  const clients = await joinOnEach(scope, gateway, groupId, 3);
  const [one, two] = [...clients.values()] as [RelayClient[], RelayClient[]];
  // Of each thread one that will not read.
  const stuck = [one.pop(), two.pop()] as [RelayClient, RelayClient];
  const others = [...one, ...two];
  const [sender] = others as [RelayClient];
  const { offset } = await sender.say("the first one");
  for (const client of [...stuck, ...others]) await client.reaches(offset);
  return { gateway, groupId, stuck, others, sender };
}

/** Everything from the first message on, be it that it was pushed or that the history fills a gap. */
async function checkWhole(client: RelayClient, like: RelayClient, last: number): Promise<void> {
  const texts = new Map(client.heard.map(({ offset, message }) => [offset, message]));
  for (const { from, to } of client.record.missed) {
    assert.ok(from !== null);
    const filled = await client.history(from, to);
    assert.deepEqual(
      filled.map(({ offset }) => offset),
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
      "the history has each message of the gap",
    );
    for (const { offset, message } of filled) {
      assert.equal(texts.has(offset), false, `${offset} had come`);
      texts.set(offset, message);
    }
  }
  assert.equal(texts.size, last);
  for (const { offset, message } of like.heard) assert.deepEqual(texts.get(offset), message);
}

it("members that stop reading slow nobody else, and are told exactly what they miss", async (t) => {
  const scope = testScope(t);
  const { gateway, groupId, stuck, others, sender } = await start(scope, {});
  for (const client of stuck) client.pause();
  for (let number = 1; number <= floodCount; number++) await sender.say({ number, padding });
  const newcomer = await RelayClient.join(scope, gateway, { userId: "newcomer", groupId });
  for (const client of others) {
    await client.reaches(1 + floodCount);
    assert.equal(client.heard.length, 1 + floodCount, "all while others are stuck");
    await client.until("the newcomer is there", () => client.presence.size === 7);
  }
  for (const { offset } of stuck) assert.ok(offset < 1 + floodCount, "they are stuck");

  // One reads again while nobody sends anything, the other one while somebody does.
  const [quiet, busy] = stuck;
  quiet.resume();
  await quiet.until("it is told", () => quiet.gaps.length > 0);
  const heard = quiet.heard.length;
  assert.deepEqual(
    quiet.gaps.map(({ from, to, reason, epoch }) => ({ from, to, reason, epoch })),
    [{ from: heard + 1, to: 1 + floodCount, reason: "slow", epoch: sender.epoch }],
  );
  let isEnough = false;
  const traffic = (async () => {
    for (let number = 1; !isEnough; number++) await sender.say({ more: number });
  })();
  busy.resume();
  await busy.until("it is told", () => busy.gaps.length > 0);
  await busy.reaches(sender.offset + 20);
  isEnough = true;
  await within(traffic, "the traffic ends", patientMs);

  const { offset: last, recipients_count } = await sender.say("the last one");
  assert.equal(recipients_count, 7);
  const everybody = [...others, ...stuck, newcomer];
  for (const client of everybody) {
    await client.reaches(last);
    assert.equal(client.heard.at(-1)?.message, "the last one");
  }
  checkAll(everybody);
  for (const client of others) {
    assert.deepEqual([client.heard.length, client.gaps.length], [last, 0], "they missed nothing");
  }
  for (const client of stuck) {
    assert.equal(client.answers.length, 1, "it stayed connected");
    await client.until("it knows who is there", () => client.presence.size === 7);
    assert.deepEqual(client.presence.lines(), sender.presence.lines());
    await checkWhole(client, sender, last);
  }
  t.diagnostic(`missed: ${stuck.map(({ record }) => JSON.stringify(record.missed)).join(" ")}`);
});

it("members that stop reading are disconnected where that is the policy, and come back", async (t) => {
  const scope = testScope(t);
  const { gateway, stuck, others, sender } = await start(scope, { slowMember: "disconnect" });
  for (const client of stuck) client.pause();
  for (let number = 1; number <= floodCount; number++) await sender.say({ number, padding });
  await gateway.said("stderr", /does not read[\s\S]*does not read/);
  for (const client of others) await client.reaches(1 + floodCount);
  for (const client of stuck) {
    client.resume();
    const { code } = await within(client.closed, "it is closed", patientMs);
    assert.equal(code, 1013);
    assert.deepEqual(client.gaps, []);
  }
  await sender.until("they have left", () => sender.presence.size === others.length);
  assert.equal((await sender.say("who is left")).recipients_count, others.length);
  for (const client of stuck) assert.equal((await client.rejoin()).recovered, true);
  const { offset: last } = await sender.say("the last one");
  for (const client of [...others, ...stuck]) await client.reaches(last);
  checkAll([...others, ...stuck]);
  for (const client of others) assert.equal(client.heard.length, last);
  for (const client of stuck) await checkWhole(client, sender, last);
});
