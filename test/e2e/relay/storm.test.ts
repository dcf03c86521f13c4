import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { within } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { checkAll } from "./agreement.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayFolder } from "./relay-gateway.ts";

const scope = fileScope();
const folder = new RelayFolder(scope, {
  messagesPerSecond: null,
  maxPresence: 5_000,
  history: { messages: 10_000 },
});
const gateway = await folder.start(scope);
const groupId = "square";
const crowdSize = 1_000;
/** The load: a message about every so many ms. */
const paceMs = 50;

/** Does it for all, so many at a time. */
async function forAll<T, R>(all: readonly T[], atOnce: number, work: (one: T) => Promise<R>) {
  const results: R[] = [];
  const left = all.entries();
  const lane = async (): Promise<void> => {
    for (const [index, one] of left) results[index] = await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}

async function gather(t: TestContext): Promise<RelayClient[]> {
  const names = Array.from({ length: crowdSize }, (_, index) => `u${index}`);
  return forAll(names, 50, (userId) => RelayClient.join(t, gateway, { userId, groupId }));
}

/** Every one of them knows of the same sessions, one for each. */
async function checkPresence(all: readonly RelayClient[]): Promise<void> {
  const [first] = all as [RelayClient];
  await Promise.all(
    all.map((client) =>
      client.until("everybody is there once", () => {
        const { presence } = client;
        if (presence.size !== all.length) return false;
        return all.every(({ userId }) => presence.devicesOf(userId) === 1);
      }),
    ),
  );
  const known = `${first.presence.lines()}`;
  for (const { presence, userId } of all) assert.equal(`${presence.lines()}`, known, userId);
}

it("1,000 clients are cut off at once, and all come back: nobody misses anything", async (t) => {
  const crier = await RelayClient.join(t, gateway, { userId: "crier", groupId });
  const began = performance.now();
  const crowd = await gather(t);
  const everybody = [crier, ...crowd];
  await checkPresence(everybody);
  const gathered = performance.now();

  let isEnough = false;
  let last = 0;
  const crying = (async () => {
    while (!isEnough) {
      last = (await crier.say(`hear, hear ${last}`)).offset;
      await pause(paceMs);
    }
  })();
  const hasSaid = (count: number): Promise<void> => {
    const wanted = last + count;
    return crier.until(`${count} more`, () => last >= wanted);
  };
  await hasSaid(5);
  for (const { ws } of crowd) ws.terminate();
  await Promise.all(crowd.map(({ closed }) => within(closed, "a socket closes", patientMs)));
  const seen = crowd.map(({ offset }) => offset);
  await hasSaid(20);
  const cut = performance.now();
  const answers = await Promise.all(crowd.map((client) => client.rejoin()));
  const back = performance.now();
  await hasSaid(5);
  isEnough = true;
  await within(crying, "the crier ends", patientMs);

  for (const [index, { recovered, epoch, offset }] of answers.entries()) {
    assert.deepEqual([recovered, epoch], [true, crier.epoch]);
    assert.ok(offset >= (seen[index] ?? 0) + 20, "it missed something");
  }
  // What has become of the old sessions comes by other ways than what the crier says.
  await checkPresence(everybody);
  const farewell = await crier.say("farewell");
  assert.equal(farewell.recipients_count, everybody.length);
  await Promise.all(everybody.map((client) => client.reaches(farewell.offset)));
  checkAll(everybody);
  for (const { heard, record, gaps } of everybody) {
    assert.deepEqual([heard.length, record.missed, gaps], [farewell.offset, [], []]);
  }
  assert.equal(crier.answers.length, 1, "whoever was not cut off stays");
  const info = await crier.result<{ readonly members_count: number }>("group_info");
  assert.equal(info.members_count, everybody.length);
  t.diagnostic(
    `joined in ${Math.round(gathered - began)} ms, back in ${Math.round(back - cut)} ms, ` +
      `${farewell.offset} messages`,
  );
});
