import assert from "node:assert/strict";
import { test } from "node:test";
import { channelDefaults } from "../../../actors/channel/index.ts";
import { type Client, request, stage, type WireFrame } from "./client.ts";
import { fake } from "./fixtures/fake-acceptor.ts";

const response = (id: string, result: unknown) => ({
  error: null,
  async: false,
  success: true,
  result,
  request_id: id,
  can_retry: false,
  has_more: false,
});

const api = {
  ...channelDefaults,
  topic: "api:*",
  event: "api",
  requireVerifiedUserId: false,
};

function payloadOf(frame: WireFrame | undefined): Record<string, unknown> {
  return (frame ?? [])[4] as Record<string, unknown>;
}

/** A binary push: kind 0, the lengths, the fields, the data. */
function binaryPush(fields: readonly string[], data: string): Buffer {
  const lengths = fields.map((field) => field.length);
  return Buffer.concat([Buffer.from([0, ...lengths]), Buffer.from(fields.join("") + data)]);
}

/** A binary frame from the server: kind, fields, and the JSON of its data. */
function readBinary(frame: string | Buffer, fieldCount: number): [number, string[], unknown] {
  assert.ok(Buffer.isBuffer(frame));
  let offset = 1 + fieldCount;
  const fields = Array.from({ length: fieldCount }, (_, i) => {
    const length = frame[1 + i] ?? 0;
    offset += length;
    return frame.toString("utf8", offset - length, offset);
  });
  return [frame[0] ?? -1, fields, JSON.parse(frame.toString("utf8", offset))];
}

async function joined(client: Client, payload: unknown = {}): Promise<Client> {
  await client.join("api:lobby", "3", payload);
  return client;
}

test("the Response is pushed with a null ref, then the push is answered", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  client.send(["3", "4", "api:lobby", "api", request("echo", "r1", { message: "hëllo ✓" })]);
  assert.deepEqual(await client.take(2), [
    ["3", null, "api:lobby", "api", response("r1", "hëllo ✓")],
    ["3", "4", "api:lobby", "phx_reply", { status: "ok", response: "echo" }],
  ]);
});

test("a push without a ref is answered with a null ref", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  client.send(["3", null, "api:lobby", "api", request("echo", "r1", { message: 1 })]);
  assert.deepEqual((await client.take(2))[1], [
    ...["3", null, "api:lobby", "phx_reply"],
    { status: "ok", response: "echo" },
  ]);
});

test("a malformed request is answered with status error and the reason", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  const reason = "Missing required fields: request_type, request_id, service";
  for (const payload of [{ foo: 1 }, JSON.parse('{"__proto__":{"request_id":"x"}}')]) {
    client.send(["3", "4", "api:lobby", "api", payload]);
    const [push, reply] = await client.take(2);
    assert.equal(payloadOf(push)["request_id"], "unknown");
    assert.deepEqual(reply?.[4], { status: "error", response: reason });
  }
  for (const payload of [null, 7, "text", []]) {
    client.send(["3", "4", "api:lobby", "api", payload]);
    const reply = (await client.take(2)).at(-1);
    assert.equal(payloadOf(reply)["status"], "error");
  }
});

test("the inline form answers the push with the Response itself", async (t) => {
  const client = await joined(await (await stage(t)).connect(), { reply: "inline" });
  client.send(["3", "4", "api:lobby", "api", request("echo", "r1", { message: [1] })]);
  client.send(["3", "5", "api:lobby", "api", {}]);
  const [good, bad] = await client.take(2);
  const answer = { status: "ok", response: response("r1", [1]) };
  assert.deepEqual(good, ["3", "4", "api:lobby", "phx_reply", answer]);
  const refusal = payloadOf(bad) as { status: string; response: { code: string } };
  assert.deepEqual([refusal.status, refusal.response.code], ["error", "invalid_request"]);
});

test("a channel that wants a user refuses a socket without one", async (t) => {
  const client = await (await stage(t)).connect();
  await client.join("strict:lobby", "8");
  client.send(["8", "9", "strict:lobby", "api", request("echo", "r1")]);
  assert.deepEqual((await client.take(2))[1], [
    ...["8", "9", "strict:lobby", "phx_reply"],
    { status: "error", response: "Authentication required" },
  ]);
  assert.deepEqual(fake.executed, []);
});

test("requests of one channel run concurrently and are answered as they end", async (t) => {
  const client = await joined(await (await stage(t)).connect(), { reply: "inline" });
  client.send(["3", "4", "api:lobby", "api", request("hold", "slow")]);
  client.send(["3", "5", "api:lobby", "api", request("later", "quick")]);
  assert.equal((await client.next())[1], "5");
  fake.release("slow");
  assert.equal((await client.next())[1], "4");
});

test("an ordered channel runs them one at a time, in order", async (t) => {
  const at = await stage(t, { channels: [{ ...api, ordered: true }] });
  const client = await joined(await at.connect(), { reply: "inline" });
  client.send(["3", "4", "api:lobby", "api", request("hold", "r1")]);
  client.send(["3", "5", "api:lobby", "api", request("echo", "r2")]);
  client.send(["3", "6", "api:lobby", "api", request("later", "r3")]);
  await fake.count(1);
  await client.heartbeat();
  assert.deepEqual(fake.executed, ["r1"]);
  fake.release("r1");
  assert.deepEqual(
    (await client.take(3)).map(([, ref]) => ref),
    ["4", "5", "6"],
  );
});

test("past maxInFlight nothing more is executed, and the socket is not read", async (t) => {
  const at = await stage(t, { channels: [{ ...api, maxInFlight: 2 }] });
  const client = await joined(await at.connect(), { reply: "inline" });
  for (const id of ["r1", "r2", "r3"]) {
    client.send(["3", id, "api:lobby", "api", request("hold", id)]);
  }
  await fake.count(2);
  // Another client is served, and its answers come after the third request was read.
  const other = await joined(await at.connect(), { reply: "inline" });
  for (let i = 0; i < 5; i++) await other.heartbeat();
  client.send([null, "late", "phoenix", "heartbeat", {}]);
  for (let i = 0; i < 5; i++) await other.heartbeat();
  assert.deepEqual(fake.executed, ["r1", "r2"]);
  assert.equal((await at.statistics()).inFlight, 3);
  fake.release("r1");
  assert.equal((await client.next())[1], "r1");
  await fake.count(3);
  fake.release("r2");
  fake.release("r3");
  const refs = (await client.take(3)).map(([, ref]) => ref);
  assert.deepEqual(refs.sort(), ["late", "r2", "r3"]);
  assert.equal((await at.statistics()).inFlight, 0);
});

test("an executor that rejects gets its client an internal error", async (t) => {
  const at = await stage(t);
  const client = await joined(await at.connect(), { reply: "inline" });
  client.send(["3", "4", "api:lobby", "api", request("reject", "r1")]);
  const answer = (await client.next())[4] as { response: Record<string, unknown> };
  assert.equal(answer.response["code"], "internal");
  assert.equal(answer.response["request_id"], "r1");
  assert.ok(at.log.some(({ message }) => message === "executor rejected"));
});

test("a binary push is answered in binary, with the JSON that text would have", async (t) => {
  const client = await joined(await (await stage(t)).connect());
  const payload = JSON.stringify(request("echo", "r1", { message: "hi" }));
  client.send(binaryPush(["3", "4", "api:lobby", "api"], payload));
  const pushed = readBinary(await client.nextMessage(), 3);
  assert.deepEqual(pushed, [0, ["3", "api:lobby", "api"], response("r1", "hi")]);
  const reply = readBinary(await client.nextMessage(), 4);
  assert.deepEqual(reply, [1, ["3", "4", "api:lobby", "ok"], "echo"]);
  client.send(binaryPush(["3", "5", "api:lobby", "api"], "no json"));
  await client.nextMessage();
  const [, fields] = readBinary(await client.nextMessage(), 4);
  assert.deepEqual(fields, ["3", "5", "api:lobby", "error"]);
});

test("control messages may be binary too", async (t) => {
  const client = await (await stage(t)).connect();
  client.send(binaryPush(["", "1", "phoenix", "heartbeat"], ""));
  assert.deepEqual(readBinary(await client.nextMessage(), 4)[1], ["", "1", "phoenix", "ok"]);
  client.send(binaryPush(["3", "3", "api:lobby", "phx_join"], '{"reply":"inline"}'));
  assert.deepEqual(readBinary(await client.nextMessage(), 4)[1], ["3", "3", "api:lobby", "ok"]);
  client.send(binaryPush(["3", "4", "api:lobby", "nonsense"], ""));
  const [, , reason] = readBinary(await client.nextMessage(), 4);
  assert.deepEqual(reason, { reason: "unknown event" });
  client.send(["3", "5", "api:lobby", "api", request("echo", "r1", { message: 1 })]);
  assert.deepEqual((await client.next())[4], { status: "ok", response: response("r1", 1) });
  client.send(binaryPush(["3", "6", "api:lobby", "phx_leave"], ""));
  assert.deepEqual(readBinary(await client.nextMessage(), 4)[1], ["3", "6", "api:lobby", "ok"]);
  assert.deepEqual(await client.next(), ["3", "3", "api:lobby", "phx_close", {}]);
});

test("serialization 1.0.0 speaks objects", async (t) => {
  const at = await stage(t);
  for (const query of ["vsn=1.0.0", ""]) {
    const client = await at.connect(query);
    const say = (event: string, ref: string, payload: unknown): void =>
      client.send(JSON.stringify({ topic: "api:lobby", event, payload, ref }));
    const hear = async (): Promise<unknown> => JSON.parse(String(await client.nextMessage()));
    say("phx_join", "1", {});
    assert.deepEqual(await hear(), {
      topic: "api:lobby",
      event: "phx_reply",
      payload: { status: "ok", response: {} },
      ref: "1",
    });
    say("api", "2", request("echo", "r1", { message: "hi" }));
    const push = { topic: "api:lobby", event: "api", payload: response("r1", "hi"), ref: null };
    assert.deepEqual(await hear(), push);
    assert.equal(((await hear()) as { ref: string }).ref, "2");
  }
});

test("a session that crashes costs its channel alone, which can be joined again", async (t) => {
  const at = await stage(t);
  const client = await joined(await at.connect(), { reply: "inline" });
  await client.join("api:other", "5", { reply: "inline" });
  client.send(["3", "6", "api:lobby", "api", request("hold", "r0")]);
  client.send(["3", "7", "api:lobby", "api", request("crash", "r1")]);
  assert.deepEqual(await client.next(), ["3", "3", "api:lobby", "phx_error", {}]);
  fake.release("r0");
  client.send(["5", "8", "api:other", "api", request("echo", "r2")]);
  assert.equal((await client.next())[1], "8");
  assert.equal(((await client.join("api:lobby", "9"))[4] as { status: string }).status, "ok");
  const { inFlight, sessions } = await at.statistics();
  assert.deepEqual({ inFlight, sessions }, { inFlight: 0, sessions: 2 });
});

test("a session that an operator stops closes its channel", async (t) => {
  const at = await stage(t);
  const client = await joined(await at.connect());
  const { actors } = await at.system.inspect();
  const session = actors.find((actor) => actor.class === "Session");
  const ref = at.system.resolve(session?.pid ?? "");
  assert.ok(ref);
  at.system.stopActor(ref);
  assert.deepEqual(await client.next(), ["3", "3", "api:lobby", "phx_close", {}]);
});
