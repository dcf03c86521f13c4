import assert from "node:assert/strict";
import { it } from "node:test";
import { within } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { encodeHeader, RawSocket } from "../raw-socket.ts";
import { checkAll, reachesSessions } from "./agreement.ts";
import { groupOn, joinOnEach } from "./members-on-threads.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayFolder } from "./relay-gateway.ts";

const scope = fileScope();
const folder = new RelayFolder(scope, { messagesPerSecond: null, history: { messages: 10_000 } });
const gateway = await folder.start(scope, { services: ["thread-service.ts"] });
const perThread = 3;
const rounds = 40;
const burst = 12;
const padding = "x".repeat(2_000);

/** What is said: long enough that half of it would be noticed. */
function messageOf(userId: string, number: number): object {
  return { userId, number, padding };
}

/** All of them heard the same from the same place on, up to the last message, which is of now. */
async function checkWitnesses(
  witnesses: readonly RelayClient[],
  relayed: ReadonlyMap<number, object>,
): Promise<number> {
  const [first] = witnesses as [RelayClient];
  const { offset: last, recipients_count } = await first.say("the last one");
  assert.equal(recipients_count, witnesses.length, "the senders are gone");
  for (const client of witnesses) await client.reaches(last);
  checkAll(witnesses);
  const heard = first.heard.map(({ offset, message }) => ({ offset, message }));
  assert.equal(heard.length, last);
  for (const witness of witnesses) {
    const own = witness.heard.map(({ offset, message }) => ({ offset, message }));
    assert.deepEqual(own, heard, witness.userId);
  }
  const kept = await first.history(1, last);
  assert.deepEqual(
    kept.map(({ offset, message }) => ({ offset, message })),
    heard,
  );
  for (const [offset, message] of relayed) assert.deepEqual(heard[offset - 1]?.message, message);
  for (const { message } of heard.slice(0, -1)) {
    const { userId, number } = message as { readonly userId: string; readonly number: number };
    assert.deepEqual(message, messageOf(userId, number), "it is whole");
  }
  const times = new Set(heard.map(({ message }) => JSON.stringify(message)));
  assert.equal(times.size, heard.length, "each once");
  return last - 1;
}

it("a sender that is cut off in the middle: each message reaches all, or nobody", async (t) => {
  const groupId = groupOn(1);
  const witnesses = [...(await joinOnEach(t, gateway, groupId, perThread)).values()].flat();
  const relayed = new Map<number, object>();
  for (let round = 1; round <= rounds; round++) {
    const userId = `s${round}`;
    const sender = await RelayClient.join(t, gateway, { userId, groupId });
    const answers = Array.from({ length: burst }, async (_, index) => {
      const message = messageOf(userId, index + 1);
      const response = await sender.send(message);
      if (response === null) return;
      assert.ok(response.success, `${response.code}`);
      relayed.set((response.result as { readonly offset: number }).offset, message);
    });
    // At once, or when so many of them are answered.
    const enough = Math.floor(round / 4) % burst;
    for (const answer of answers.slice(0, enough)) await answer;
    await sender.cut();
    await Promise.all(answers);
  }
  const [first] = witnesses as [RelayClient];
  await reachesSessions(first, witnesses.length);
  await first.until("they are gone", () => first.presence.size === witnesses.length);
  const count = await checkWitnesses(witnesses, relayed);
  t.diagnostic(`${count} of ${rounds * burst} relayed, ${relayed.size} acknowledged`);
  assert.ok(relayed.size > 0);
});

it("a sender that is gone after half a frame: that message is nobody's", async (t) => {
  const groupId = groupOn(2);
  const topic = `chat:${groupId}`;
  const witnesses = [...(await joinOnEach(t, gateway, groupId, perThread)).values()].flat();
  const [first] = witnesses as [RelayClient];
  const encode = (ref: string, event: string, payload: object): Buffer => {
    const text = Buffer.from(JSON.stringify(["1", ref, topic, event, payload]));
    return Buffer.concat([encodeHeader(text.length), text]);
  };
  const whole = 3;
  for (let round = 1; round <= 10; round++) {
    const raw = await RawSocket.upgraded(gateway);
    const frames = Array.from({ length: whole + 1 }, (_, index) => {
      const number = (round - 1) * (whole + 1) + index + 1;
      const args = { group_id: groupId, message: messageOf("raw", number) };
      const call = { service: "chat_service", request_type: "send_message" };
      return encode(`${index + 2}`, "api", { ...call, request_id: `r${number}`, args });
    });
    const half = frames.pop() as Buffer;
    const most = half.subarray(0, half.length - round);
    raw.socket.write(Buffer.concat([encode("1", "phx_join", {}), ...frames, most]));
    // The answers to those that are whole: what follows of the last one never comes.
    await raw.until((bytes) => bytes.toString().split('"status":"relayed"').length > whole);
    raw.socket.destroy();
    await within(raw.received, "it is closed", patientMs);
  }
  await reachesSessions(first, witnesses.length);
  await first.until("it is gone", () => first.presence.size === witnesses.length);
  const count = await checkWitnesses(witnesses, new Map());
  assert.equal(count, 10 * whole);
  for (const { message } of first.heard.slice(0, -1)) {
    const { number } = message as { readonly number: number };
    assert.notEqual(number % (whole + 1), 0, "it was cut off");
  }
});
