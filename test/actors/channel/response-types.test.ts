import assert from "node:assert/strict";
import { test } from "node:test";
import { channelDefaults } from "../../../actors/channel/index.ts";
import type { OutgoingStream } from "../../../actors/streams/index.ts";
import { type Client, request, stage, type WireFrame } from "./client.ts";
import { fake } from "./fixtures/fake-acceptor.ts";

const api = {
  ...channelDefaults,
  topic: "api:*",
  event: "api",
  requireVerifiedUserId: false,
};

const response = (id: string, result: unknown, more: Record<string, unknown> = {}) => ({
  error: null,
  async: false,
  success: true,
  result,
  request_id: id,
  can_retry: false,
  has_more: false,
  ...more,
});

const chunk = (id: string, result: unknown) =>
  response(id, result, { async: true, has_more: true });

const pushed = (payload: unknown): WireFrame => ["3", null, "api:lobby", "api", payload];

const replied = (ref: string, answer: unknown, status = "ok"): WireFrame => [
  ...(["3", ref, "api:lobby", "phx_reply"] as const),
  { status, response: answer },
];

async function joined(client: Client, payload: unknown = {}): Promise<Client> {
  await client.join("api:lobby", "3", payload);
  return client;
}

function say(client: Client, ref: string, event: string, payload: unknown): void {
  client.send(["3", ref, "api:lobby", event, payload]);
}

/** Opens a stream that the test produces, and takes what the client gets at once. */
async function opened(client: Client, id: string, isInline = false): Promise<OutgoingStream> {
  say(client, `open ${id}`, "api", request("stream", id));
  const init = response(id, "init", { async: true, has_more: true });
  if (isInline) assert.deepEqual(await client.next(), replied(`open ${id}`, init));
  else {
    assert.deepEqual(await client.take(2), [pushed(init), replied(`open ${id}`, "stream")]);
  }
  return fake.streams.get(id) as OutgoingStream;
}

test("async: an acknowledgement, the reply, and later the Response", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  say(client, "4", "api", request("async", "r1"));
  assert.deepEqual(await client.take(2), [
    pushed(response("r1", null, { async: true })),
    replied("4", "async"),
  ]);
  fake.release("r1", "hello");
  assert.deepEqual(await client.next(), pushed(response("r1", "hello")));
});

test("async, inline: the acknowledgement is in the reply, the Response is pushed", async (t) => {
  const client = await joined(await (await stage(t)).connect(), { reply: "inline" });
  say(client, "4", "api", request("async", "r1"));
  assert.deepEqual(await client.next(), replied("4", response("r1", null, { async: true })));
  fake.release("r1", "hello");
  assert.deepEqual(await client.next(), pushed(response("r1", "hello")));
});

test("what is acknowledged takes no place in flight, and is waited for by a drain", async (t) => {
  const at = await stage(t, { channels: [{ ...api, ordered: true }] });
  const client = await joined(await at.connect(), { reply: "inline" });
  say(client, "4", "api", request("async", "r1"));
  await client.next();
  const stream = await opened(client, "s1", true);
  say(client, "5", "api", request("echo", "r2", { message: 1 }));
  assert.equal((await client.next())[1], "5");
  assert.equal((await at.statistics()).inFlight, 1, "the async call is in progress");
  stream.end();
  await client.next();
  at.acceptor.tell.drain();
  await at.statistics();
  assert.equal(client.ws.readyState, client.ws.OPEN);
  fake.release("r1", "in time");
  assert.deepEqual(await client.next(), pushed(response("r1", "in time")));
  assert.equal(await client.closed, 1001);
});

test("none: the reply alone; a refusal says why in it", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  say(client, "4", "api", request("none", "r1"));
  say(client, "5", "api", request("none_refused", "r2"));
  assert.deepEqual(await client.take(2), [replied("4", "none"), replied("5", "Too many", "error")]);
  const inline = await joined(await (await stage(t)).connect(), { reply: "inline" });
  say(inline, "4", "api", request("none", "r1"));
  say(inline, "5", "api", request("none_refused", "r2"));
  const [good, bad] = await inline.take(2);
  assert.deepEqual(good, replied("4", response("r1", null)));
  const refusal = (bad ?? [])[4] as { status: string; response: { code: string } };
  assert.deepEqual([refusal.status, refusal.response.code], ["error", "rate_limited"]);
});

test("stream: opened, a Response a chunk in order, the end", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  const stream = await opened(client, "s1");
  for (const one of [1, "two ✓", { three: [3] }, null]) stream.push(one);
  stream.end();
  assert.deepEqual(await client.take(5), [
    pushed(chunk("s1", 1)),
    pushed(chunk("s1", "two ✓")),
    pushed(chunk("s1", { three: [3] })),
    pushed(chunk("s1", null)),
    pushed(response("s1", null, { async: true })),
  ]);
  const last = await opened(client, 's"2');
  last.push("quoted");
  last.end({ total: 1 });
  assert.deepEqual(await client.take(2), [
    pushed(chunk('s"2', "quoted")),
    pushed(response('s"2', { total: 1 }, { async: true })),
  ]);
});

test("stream, serialization 1.0.0: the chunks are objects too", async (t) => {
  const client = await (await stage(t)).connect("vsn=1.0.0");
  const tell = (event: string, ref: string, payload: unknown): void =>
    client.send(JSON.stringify({ topic: "api:lobby", event, payload, ref }));
  tell("phx_join", "1", { reply: "inline" });
  await client.nextMessage();
  tell("api", "2", request("count", "s1", { to: 2 }));
  await client.nextMessage();
  const frames = [await client.nextMessage(), await client.nextMessage()];
  assert.deepEqual(
    frames.map((frame) => JSON.parse(String(frame))),
    [1, 2].map((i) => ({ topic: "api:lobby", event: "api", ref: null, payload: chunk("s1", i) })),
  );
});

test("stream, binary: the chunks are binary as the push was", async (t) => {
  const client = await joined(await (await stage(t)).connect(), { reply: "inline" });
  const fields = ["3", "4", "api:lobby", "api"];
  const data = JSON.stringify(request("count", "s1", { to: 1 }));
  const lengths = fields.map((field) => field.length);
  client.send(Buffer.concat([Buffer.from([0, ...lengths]), Buffer.from(fields.join("") + data)]));
  await client.nextMessage();
  const frame = (await client.nextMessage()) as Buffer;
  assert.ok(Buffer.isBuffer(frame));
  const header = Buffer.concat([Buffer.from([0, 1, 9, 3]), Buffer.from("3api:lobbyapi")]);
  assert.deepEqual(frame.subarray(0, header.length), header);
  assert.deepEqual(JSON.parse(frame.toString("utf8", header.length)), chunk("s1", 1));
});

test("a stream that fails ends with a failure", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  const stream = await opened(client, "s1");
  stream.push(1);
  stream.fail(new Error("detail"));
  const [, last] = await client.take(2);
  assert.deepEqual(last?.[4], {
    ...response("s1", null, { success: false, error: "detail", code: "internal" }),
  });
});

test("stop_stream ends a stream with cancelled, and says so", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  const stream = await opened(client, "s1");
  say(client, "5", "stop_stream", { request_id: "s1" });
  const [last, reply] = await client.take(2);
  const { success, code, has_more } = (last ?? [])[4] as Record<string, unknown>;
  assert.deepEqual([success, code, has_more], [false, "cancelled", false]);
  assert.deepEqual(reply, replied("5", { status: "stopped" }));
  assert.ok(stream.signal.aborted);
  for (const payload of [{ request_id: "s1" }, { request_id: 7 }, {}, null, "s1"]) {
    say(client, "6", "stop_stream", payload);
    assert.deepEqual(await client.next(), replied("6", { reason: "unknown stream" }, "error"));
  }
});

test("an operator stops the streams of a request, whoever has them", async (t) => {
  const at = await stage(t);
  const clients = [await joined(await at.connect()), await joined(await at.connect())];
  const streams: OutgoingStream[] = [];
  for (const client of clients) streams.push(await opened(client, "same"));
  await opened(clients[0] as Client, "other");
  assert.equal(await at.acceptor.ask.stopStream("same"), 2);
  assert.equal(await at.acceptor.ask.stopStream("same"), 0);
  for (const client of clients) {
    const { code } = (await client.next())[4] as { code: string };
    assert.equal(code, "cancelled");
  }
  assert.ok(streams.every(({ signal }) => signal.aborted));
  assert.equal(fake.streams.get("other")?.signal.aborted, false);
});

for (const [how, act] of [
  ["leaves", (client: Client) => say(client, "9", "phx_leave", {})],
  ["joins again", (client: Client) => client.send(["4", "4", "api:lobby", "phx_join", {}])],
  ["disconnects", (client: Client) => client.ws.terminate()],
  ["has its session crash", (client: Client) => say(client, "9", "api", request("crash", "r9"))],
] as const) {
  test(`a client that ${how} stops its streams, and no other's`, async (t) => {
    const at = await stage(t);
    const [client, other] = [await joined(await at.connect()), await joined(await at.connect())];
    const stream = await opened(client, "s1");
    const others = await opened(other, "s1");
    const aborted = new Promise((resolve) => stream.signal.addEventListener("abort", resolve));
    act(client);
    await aborted;
    assert.equal(others.signal.aborted, false);
    others.push("on");
    others.end();
    assert.deepEqual((await other.next())[4], chunk("s1", "on"));
  });
}

test("a client that does not read holds its stream, and loses nothing once it does", async (t) => {
  const at = await stage(t);
  const client = await joined(await at.connect());
  const other = await joined(await at.connect());
  const to = 4_000;
  say(client, "4", "api", request("count", "big", { to, bytes: 10_000 }));
  await client.take(2);
  client.ws.pause();
  let before = -1;
  // What the kernel buffers is not ours; beyond it the generator stands still.
  while (fake.counted > before) {
    before = fake.counted;
    for (let i = 0; i < 50; i++) await other.heartbeat();
  }
  assert.ok(fake.counted < to / 2, `${fake.counted} of ${to} were made for nobody`);
  const { sockets } = await at.statistics();
  assert.equal(sockets, 2);
  client.ws.resume();
  const frames = await client.take(to + 1);
  const numbers = frames
    .slice(0, to)
    .map((frame) => (frame[4] as { result: { i: number } }).result.i);
  assert.deepEqual(
    numbers,
    Array.from({ length: to }, (_, i) => i + 1),
  );
});

test("a client that is slow to read a stream can stop it", async (t) => {
  const at = await stage(t);
  const client = await joined(await at.connect());
  const other = await joined(await at.connect());
  say(client, "4", "api", request("count", "big", { to: 1_000_000, bytes: 10_000 }));
  await client.take(2);
  client.ws.pause();
  const stream = fake.streams.get("big") as OutgoingStream;
  for (let i = 0; i < 100; i++) await other.heartbeat();
  say(client, "5", "stop_stream", { request_id: "big" });
  while (!stream.signal.aborted) await other.heartbeat();
  client.ws.resume();
  let frame = await client.next();
  while (frame[1] !== "5") frame = await client.next();
  assert.deepEqual(frame, replied("5", { status: "stopped" }));
});

test("streams of one client share the room there is", async (t) => {
  const at = await stage(t);
  const client = await joined(await at.connect());
  const ids = ["a", "b", "c"];
  for (const id of ids) {
    say(client, id, "api", request("count", id, { to: 500, bytes: 20_000 }));
  }
  const last = new Map(ids.map((id) => [id, 0]));
  let ended = 0;
  while (ended < ids.length) {
    const [, ref, , , payload] = await client.next();
    if (ref !== null) continue;
    const { request_id, result, has_more } = payload as Record<string, unknown>;
    if (!has_more) ended += 1;
    else if (result !== "init") {
      const { i } = result as { i: number };
      assert.equal(i, (last.get(String(request_id)) ?? 0) + 1);
      last.set(String(request_id), i);
      // Nobody is served to the end before the others begin.
      if (ended === 0) assert.ok(Math.min(...last.values()) > 0 || i < 400);
    }
  }
  assert.deepEqual([...last.values()], [500, 500, 500]);
});
