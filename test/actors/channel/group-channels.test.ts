import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Clock } from "../../../runtime/index.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";
import { type Client, request, type Stage, stage } from "./client.ts";
import { FakeAcceptor, fake } from "./fixtures/fake-acceptor.ts";
import { desk, GroupAcceptor, groupChannels } from "./fixtures/fake-desk.ts";

const ok = { status: "ok", response: {} };
const unavailable = { status: "error", response: { reason: "unavailable" } };
const crashed = { status: "error", response: { reason: "join crashed" } };

function groupStage(t: TestContext, clock?: Clock, acceptorClass = GroupAcceptor): Promise<Stage> {
  desk.reset();
  return stage(t, { channels: groupChannels }, clock, acceptorClass);
}

/** What the client has been sent, but for a heartbeat sent now. */
async function rest(client: Client): Promise<unknown[]> {
  const frames = [];
  client.send([null, "last", "phoenix", "heartbeat", {}]);
  for (;;) {
    const frame = await client.next();
    if (frame[1] === "last") return frames;
    frames.push(frame);
  }
}

/** The session of who entered as the so-manieth. */
const session = (index: number): number => desk.entered[index]?.session ?? -1;

test("a join of a group's channel is answered by the group, and not before", async (t) => {
  const client = await (await groupStage(t)).connect("vsn=2.0.0");
  client.send(["1", "1", "chat:a:b", "phx_join", { since: 7 }]);
  await desk.count(1);
  const [entered] = desk.entered;
  assert.deepEqual([entered?.groupId, entered?.payload], ["a:b", { since: 7 }]);
  assert.deepEqual(await rest(client), []);
  const channel = desk.channel(0);
  assert.deepEqual(
    [channel.topic, channel.event, channel.isOpen, channel.group],
    ["chat:a:b", "api", true, { create: "public", durable: false }],
  );
  channel.joined('{"status":"active"}');
  channel.joined('{"status":"twice"}');
  channel.refused('{"reason":"too late"}');
  const answer = { status: "ok", response: { status: "active" } };
  assert.deepEqual(await rest(client), [["1", "1", "chat:a:b", "phx_reply", answer]]);
});

test("frames that come before the join is answered wait for it", async (t) => {
  const client = await (await groupStage(t)).connect();
  client.send(["1", "1", "chat:a", "phx_join", { reply: "inline" }]);
  client.send(["1", "2", "chat:a", "api", request("echo", "r1")]);
  client.send(["1", "3", "chat:a", "nonsense", {}]);
  await desk.count(1);
  assert.deepEqual(await rest(client), []);
  assert.deepEqual(fake.executed, []);
  desk.channel(0).joined("{}");
  const refs = (await client.take(3)).map(([, ref]) => ref);
  assert.deepEqual([refs[0], refs.sort()], ["1", ["1", "2", "3"]]);
});

test("a socket is not read while more waits for the join than may be in progress", async (t) => {
  const at = await groupStage(t);
  const [client, other] = [await at.connect(), await at.connect()];
  client.send(["1", "1", "chat:a", "phx_join", {}]);
  for (let i = 0; i < 65; i++) {
    client.send(["1", `e${i}`, "chat:a", "nonsense", {}]);
  }
  await desk.count(1);
  for (let i = 0; i < 20; i++) await other.heartbeat();
  client.send([null, "beat", "phoenix", "heartbeat", {}]);
  for (let i = 0; i < 20; i++) await other.heartbeat();
  desk.channel(0).joined("{}");
  const refs = (await client.take(67)).map(([, ref]) => ref);
  assert.deepEqual([refs[0], refs.indexOf("beat")], ["1", 66]);
});

test("a refused join closes the channel: what came since then finds none", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  client.send(["1", "1", "chat:a", "phx_join", {}]);
  client.send(["1", "2", "chat:a", "api", request("echo", "r1")]);
  await desk.count(1);
  const channel = desk.channel(0);
  channel.refused('{"reason":"Group is full","code":"group_full"}');
  channel.send("api", '"nobody hears it"');
  const response = { reason: "Group is full", code: "group_full" };
  assert.deepEqual(await client.take(2), [
    [null, "1", "chat:a", "phx_reply", { status: "error", response }],
    [
      null,
      "2",
      "chat:a",
      "phx_reply",
      { status: "error", response: { reason: "unmatched topic" } },
    ],
  ]);
  assert.equal(channel.isOpen, false);
  await at.until(({ sessions }) => sessions === 0);
  desk.answer = (again) => again.joined("{}");
  assert.deepEqual((await client.join("chat:a", "3"))[4], ok);
});

test("a topic without a group is no channel's", async (t) => {
  const client = await (await groupStage(t)).connect();
  for (const topic of ["chat:", "room", "room:"]) {
    const refusal = { status: "error", response: { reason: "unmatched topic" } };
    assert.deepEqual(await client.join(topic), [null, "1", topic, "phx_reply", refusal]);
  }
  assert.deepEqual(desk.notes, []);
});

test("without groups their channels cannot be joined", async (t) => {
  const at = await groupStage(t, undefined, FakeAcceptor);
  const client = await at.connect();
  assert.deepEqual((await client.join("chat:a"))[4], unavailable);
  assert.deepEqual((await client.join("api:a"))[4], ok);
});

test("a join in a binary frame is answered in one, and its payload is read", async (t) => {
  const client = await (await groupStage(t)).connect();
  const fields = ["1", "2", "chat:a", "phx_join"].map((field) => Buffer.from(field));
  const lengths = Buffer.from([0, ...fields.map(({ length }) => length)]);
  client.send(Buffer.concat([lengths, ...fields, Buffer.from('{"since":3}')]));
  await desk.count(1);
  assert.deepEqual(desk.entered[0]?.payload, { since: 3 });
  desk.channel(0).joined("{}");
  const reply = (await client.nextMessage()) as Buffer;
  assert.ok(Buffer.isBuffer(reply) && reply[0] === 1, String(reply));
});

for (const [end, leave] of [
  ["leaves", (client) => client.send(["1", "2", "chat:a", "phx_leave", {}])],
  ["closes", (client) => client.ws.close()],
  ["drops", (client) => client.ws.terminate()],
] as [string, (client: Client) => void][]) {
  test(`a client that ${end} is out of the group`, async (t) => {
    const at = await groupStage(t);
    const client = await at.connect();
    desk.answer = (channel) => channel.joined("{}");
    await client.join("chat:a");
    const channel = desk.channel(0);
    leave(client);
    await desk.count(2);
    assert.deepEqual(desk.notes, [`enter a ${session(0)}`, `exit ${session(0)}`]);
    assert.equal(channel.isOpen, false);
    assert.throws(() => desk.channel(0), "a closed channel is still found");
    await at.until(({ sessions }) => sessions === 0);
  });

  test(`a client that ${end} while it joins is out of the group, too`, async (t) => {
    const at = await groupStage(t);
    const client = await at.connect();
    client.send(["1", "1", "chat:a", "phx_join", {}]);
    await desk.count(1);
    const channel = desk.channel(0);
    leave(client);
    if (end === "leaves") {
      await rest(client);
      channel.joined("{}");
    }
    await desk.count(2);
    channel.joined("{}");
    assert.deepEqual(desk.notes, [`enter a ${session(0)}`, `exit ${session(0)}`]);
    if (end !== "leaves") return;
    const frames = (await client.take(3)).map(([, ref, , event]) => [ref, event]);
    assert.deepEqual(frames, [
      ["1", "phx_reply"],
      ["2", "phx_reply"],
      ["1", "phx_close"],
    ]);
  });
}

test("who joins again is in the group with the new session before the old one is out", async (t) => {
  const client = await (await groupStage(t)).connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a", "1");
  const old = desk.channel(0);
  desk.answer = null;
  client.send(["2", "2", "chat:a", "phx_join", {}]);
  await desk.count(2);
  assert.equal(old.isOpen, false);
  old.send("api", '"late"');
  assert.deepEqual(await rest(client), []);
  desk.channel(1).joined("{}");
  await desk.count(3);
  const [first, second] = [session(0), session(1)];
  assert.deepEqual(desk.notes, [`enter a ${first}`, `enter a ${second}`, `exit ${first}`]);
  assert.deepEqual(await client.take(2), [
    ["2", "2", "chat:a", "phx_reply", ok],
    ["1", "1", "chat:a", "phx_close", {}],
  ]);
});

test("who joins again and is refused is out of the group", async (t) => {
  const client = await (await groupStage(t)).connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a", "1");
  desk.answer = (channel) => channel.refused('{"reason":"no"}');
  client.send(["2", "2", "chat:a", "phx_join", {}]);
  const frames = (await client.take(2)).map(([joinRef, , , event]) => [joinRef, event]);
  assert.deepEqual(frames, [
    [null, "phx_reply"],
    ["1", "phx_close"],
  ]);
  await desk.count(4);
  const exits = desk.notes.slice(2).sort();
  assert.deepEqual(exits, [`exit ${session(0)}`, `exit ${session(1)}`].sort());
});

test("who drops while joining again leaves no session behind", async (t) => {
  const client = await (await groupStage(t)).connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a", "1");
  desk.answer = null;
  client.send(["2", "2", "chat:a", "phx_join", {}]);
  await desk.count(2);
  client.ws.terminate();
  await desk.count(4);
  const exits = desk.notes.slice(2).sort();
  assert.deepEqual(exits, [`exit ${session(0)}`, `exit ${session(1)}`].sort());
});

test("three joins at once end with the third", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  desk.answer = (channel) => channel.joined("{}");
  for (const ref of ["1", "2", "3"]) client.send([ref, ref, "chat:a", "phx_join", {}]);
  const frames = (await client.take(5)).map(([ref, , , event]) => [ref, event]);
  assert.deepEqual(frames, [
    ["1", "phx_reply"],
    ["2", "phx_reply"],
    ["1", "phx_close"],
    ["3", "phx_reply"],
    ["2", "phx_close"],
  ]);
  await desk.count(5);
  assert.deepEqual(
    desk.notes.filter((note) => note.startsWith("exit")),
    [`exit ${session(0)}`, `exit ${session(1)}`],
  );
  assert.equal((await at.statistics()).sessions, 1);
});

test("a session that crashes is out of the group", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a");
  client.send(["1", "2", "chat:a", "api", request("crash", "r1")]);
  assert.deepEqual(await client.next(), ["1", "1", "chat:a", "phx_error", {}]);
  await desk.count(2);
  assert.equal(desk.notes[1], `exit ${session(0)}`);
});

test("a session that ends before its join is answered cannot join", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  client.send(["1", "1", "chat:a", "phx_join", {}]);
  await desk.count(1);
  desk.channel(0).end(true);
  assert.deepEqual(await client.next(), [null, "1", "chat:a", "phx_reply", crashed]);
  await desk.count(2);
});

test("a group closes a channel as it likes", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a", "1");
  await client.join("chat:b", "2");
  desk.channel(0).end(false);
  desk.channel(1).end(true);
  assert.deepEqual(await client.take(2), [
    ["1", "1", "chat:a", "phx_close", {}],
    ["2", "2", "chat:b", "phx_error", {}],
  ]);
  await desk.count(4);
  await at.until(({ sessions }) => sessions === 0);
});

test("what a client has asked for is answered before its group closes the channel", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a", "1");
  client.send(["1", "2", "chat:a", "api", request("hold", "r1")]);
  await fake.count(1);
  desk.channel(0).end(false);
  client.send(["1", "3", "chat:a", "api", request("echo", "r2")]);
  const unmatched = { status: "error", response: { reason: "unmatched topic" } };
  assert.deepEqual(await client.next(), [null, "3", "chat:a", "phx_reply", unmatched]);
  fake.release("r1");
  const events = (await client.take(3)).map(([, ref, , event]) => [ref, event]);
  assert.deepEqual(events, [
    [null, "api"],
    ["2", "phx_reply"],
    ["1", "phx_close"],
  ]);
  await at.until(({ sessions }) => sessions === 0);
});

test("the desk hears of the end of each channel that it has looked up, and of no other", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  for (const [ref, topic] of ["api:a", "api:b"].entries()) await client.join(topic, `${ref}`);
  const { actors } = await at.system.inspect();
  const sessions = actors.filter((actor) => actor.class === "Session");
  const ids = sessions.map(({ pid }) => Number(/(\d+)>$/.exec(pid)?.[1]));
  const [first = -1, second = -1] = ids;
  const found = desk.sessions?.find(first);
  assert.deepEqual([found?.group, desk.sessions?.find(-1)], [null, undefined]);
  client.ws.terminate();
  await at.quiet();
  await desk.ref?.ask.room(0);
  assert.deepEqual(desk.notes, [`exit ${first}`, "room 0"], `not of ${second}`);
});

test("when the desk crashes, who was in groups is told to join again, and the next one takes them", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a", "1");
  await client.join("api:a", "2", { reply: "inline" });
  desk.answer = null;
  client.send(["3", "3", "chat:b", "phx_join", {}]);
  await desk.count(2);
  desk.ref?.tell.crash();
  assert.deepEqual(await client.take(2), [
    ["1", "1", "chat:a", "phx_error", {}],
    [null, "3", "chat:b", "phx_reply", unavailable],
  ]);
  await at.until(({ sessions }) => sessions === 1);
  while (desk.starts < 2) await client.heartbeat();
  desk.answer = (channel) => channel.joined("{}");
  assert.deepEqual((await client.join("chat:a", "4"))[4], ok);
  client.send(["2", "5", "api:a", "api", request("echo", "r1")]);
  assert.equal((await client.next())[1], "5");
  assert.equal(
    desk.notes.some((note) => note.startsWith("exit")),
    false,
  );
});

test("a desk that does not start anew is tried again after a second", async (t) => {
  const clock = new ManualClock();
  const at = await groupStage(t, clock);
  const client = await at.connect();
  const isMissed = (): boolean => at.log.some(({ message }) => /fan-out/.test(message));
  desk.fault = "no room";
  desk.ref?.tell.crash();
  while (!isMissed()) await client.heartbeat();
  assert.deepEqual((await client.join("chat:a"))[4], unavailable);
  desk.fault = null;
  clock.advance(999);
  await client.heartbeat();
  assert.equal(desk.starts, 2);
  clock.advance(1);
  while (desk.starts < 3) await client.heartbeat();
  desk.answer = (channel) => channel.joined("{}");
  assert.deepEqual((await client.join("chat:a"))[4], ok);
});

test("an acceptor whose desk does not start does not start either", async (t) => {
  desk.reset();
  desk.fault = "no room";
  const starting = stage(t, { channels: groupChannels }, undefined, GroupAcceptor);
  await assert.rejects(starting, /no room/);
});

test("when the acceptor stops, no desk is started anew", async (t) => {
  const at = await groupStage(t);
  const client = await at.connect();
  desk.answer = (channel) => channel.joined("{}");
  await client.join("chat:a");
  await at.system.stop();
  assert.equal(await client.closed, 1001);
  assert.equal(desk.starts, 1);
  assert.deepEqual(
    at.log.filter(({ level }) => level !== "info"),
    [],
  );
});
