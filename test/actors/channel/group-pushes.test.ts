import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Framed, frameMessages, type GroupChannel } from "../../../actors/channel/index.ts";
import { type Client, request, type Stage, stage } from "./client.ts";
import { desk, GroupAcceptor, groupChannels } from "./fixtures/fake-desk.ts";

interface Member {
  readonly client: Client;
  readonly channel: GroupChannel;
}

async function groupStage(t: TestContext): Promise<Stage> {
  desk.reset();
  desk.answer = (channel) => channel.joined("{}");
  return stage(t, { channels: groupChannels }, undefined, GroupAcceptor);
}

async function member(at: Stage, topic = "chat:a", query = "vsn=2.0.0"): Promise<Member> {
  const client = await at.connect(query);
  const index = desk.entered.length;
  const join = ["1", "1", topic, "phx_join", { reply: "inline" }] as const;
  const [join_ref, ref, , event, payload] = join;
  client.send(
    query === "vsn=1.0.0"
      ? JSON.stringify({ join_ref, ref, topic, event, payload })
      : ([...join] as [string, string, string, string, unknown]),
  );
  await client.nextMessage();
  return { client, channel: desk.channel(index) };
}

const session = (index: number): number => desk.entered[index]?.session ?? -1;

/** A message that fills the buffers of a connection, a few of them. */
function bulk({ channel }: Member): Framed {
  return frameMessages([channel.encode("api", JSON.stringify("x".repeat(400_000)))]);
}

/** Sends to one who does not read until so much waits. */
async function fill(slow: Member, witness: Member, bytes: number): Promise<number> {
  slow.client.ws.pause();
  const frames = bulk(slow);
  let count = 0;
  for (; slow.channel.unreadBytes <= bytes; count++) {
    slow.channel.sendFrames(frames);
    await witness.client.heartbeat();
  }
  return count;
}

test("frames that are encoded once suit all channels of their form, and no others", async (t) => {
  const at = await groupStage(t);
  const members = [await member(at), await member(at)];
  const old = await member(at, "chat:a", "vsn=1.0.0");
  const elsewhere = await member(at, "chat:b");
  const keys = [...members, old, elsewhere].map(({ channel }) => channel.formKey);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[0], keys[1]);
  const [first] = members;
  const text = (first as Member).channel.encode("api", '{"n":1}');
  const frames = frameMessages([text]);
  for (const { channel } of members) channel.sendFrames(frames);
  for (const { client } of members) {
    assert.deepEqual(await client.next(), [null, null, "chat:a", "api", { n: 1 }]);
  }
  old.channel.sendFrames(frameMessages([old.channel.encode("api", '{"n":1}')]));
  assert.deepEqual(JSON.parse(String(await old.client.nextMessage())), {
    ...{ topic: "chat:a", event: "api", payload: { n: 1 }, ref: null },
  });
});

test("what a group sends goes out in order with everything else", async (t) => {
  const at = await groupStage(t);
  const { client, channel } = await member(at);
  channel.send("presence_state", "{}");
  channel.sendFrames(frameMessages([1, 2].map((n) => channel.encode("api", `${n}`))));
  channel.send("api", "3");
  channel.sendFrames(frameMessages([channel.encode("api", "4")]));
  assert.deepEqual(await client.take(5), [
    ["1", null, "chat:a", "presence_state", {}],
    [null, null, "chat:a", "api", 1],
    [null, null, "chat:a", "api", 2],
    ["1", null, "chat:a", "api", 3],
    [null, null, "chat:a", "api", 4],
  ]);
});

test("calls are answered between the messages of the group", async (t) => {
  const at = await groupStage(t);
  const { client, channel } = await member(at);
  const frames = frameMessages([channel.encode("api", '"live"')]);
  for (let i = 0; i < 50; i++) {
    client.send(["1", `${i}`, "chat:a", "api", request("echo", `r${i}`)]);
    channel.sendFrames(frames);
  }
  const refs = (await client.take(100)).map(([, ref]) => ref);
  assert.equal(refs.filter((ref) => ref === null).length, 50);
  assert.deepEqual(
    refs.filter((ref) => ref !== null),
    Array.from({ length: 50 }, (_, i) => `${i}`),
  );
});

test("a closed channel sends nothing", async (t) => {
  const at = await groupStage(t);
  const { client, channel } = await member(at);
  const frames = frameMessages([channel.encode("api", "1")]);
  client.send(["1", "2", "chat:a", "phx_leave", {}]);
  await client.take(2);
  channel.sendFrames(frames);
  channel.send("api", "2");
  channel.end(true);
  channel.wantRoom();
  channel.disconnect();
  assert.equal((await client.heartbeat())[1], "hb1");
  await desk.ref?.ask.room(0);
  assert.deepEqual(desk.notes.slice(1), [`exit ${session(0)}`, "room 0"]);
});

test("who wants room hears once when the client has read, or at once when it has", async (t) => {
  const at = await groupStage(t);
  const [slow, witness] = [await member(at), await member(at)];
  witness.channel.wantRoom();
  await desk.count(3);
  assert.equal(desk.notes[2], `room ${session(1)}`);
  const count = await fill(slow, witness, 1_048_576);
  slow.channel.wantRoom();
  slow.channel.wantRoom();
  for (let i = 0; i < 20; i++) await witness.client.heartbeat();
  assert.equal(desk.notes.length, 3);
  slow.client.ws.resume();
  await slow.client.take(count);
  await desk.count(4);
  assert.equal(slow.channel.unreadBytes, 0);
  assert.equal((await slow.client.heartbeat())[1], "hb1");
  assert.deepEqual(desk.notes.slice(3), [`room ${session(0)}`]);
});

test("who wants no room hears of none, though another channel of the socket does", async (t) => {
  const at = await groupStage(t);
  const [slow, witness] = [await member(at), await member(at)];
  await slow.client.join("chat:b", "2");
  for (const [index, count] of [
    [0, 4],
    [2, 5],
  ] as const) {
    const sent = await fill(slow, witness, 1_048_576);
    desk.channel(index).wantRoom();
    slow.client.ws.resume();
    await slow.client.take(sent);
    await desk.count(count);
    assert.equal((await slow.client.heartbeat())[3], "phx_reply");
  }
  assert.deepEqual(desk.notes.slice(3), [`room ${session(0)}`, `room ${session(2)}`]);
});

test("a client that does not read can be disconnected, and the log tells whose it was", async (t) => {
  const at = await groupStage(t);
  const [slow, witness] = [await member(at), await member(at)];
  const count = await fill(slow, witness, 1_048_576);
  slow.channel.disconnect();
  assert.equal(slow.channel.isOpen, false);
  slow.client.ws.resume();
  assert.equal(await slow.client.closed, 1013);
  assert.equal((await slow.client.take(count)).length, count);
  const line = at.log.find(({ message }) => message === "socket closed");
  assert.match(String(line?.fields?.["fault"]), /does not read/);
  await desk.count(3);
  assert.equal(desk.notes[2], `exit ${session(0)}`);
  await witness.client.heartbeat();
});
