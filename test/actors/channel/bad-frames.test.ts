import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { type Client, request, type Stage, stage } from "./client.ts";

const fault = (reason: string, ref: string | null = null, topic = "phoenix") => [
  ...[null, ref, topic, "phx_error"],
  { reason },
];

async function isServed(at: Stage, client: Client): Promise<void> {
  assert.equal((await client.heartbeat())[3], "phx_reply");
  const other = await at.connect();
  assert.equal((await other.heartbeat())[3], "phx_reply");
  other.ws.terminate();
}

test("a bad frame is answered with what was expected, and the socket stays", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  const wrongArity = "expected [join_ref, ref, topic, event, payload]";
  const long = "x".repeat(256);
  const cases: [string | Buffer, unknown[]][] = [
    ["not json", fault("not JSON")],
    ["{}", fault(wrongArity)],
    ['["1","2","api:lobby","api"]', fault(wrongArity, "2", "api:lobby")],
    ['["1","2",7,"api",{}]', fault("topic must be a non-empty string", "2")],
    ['["1","2","t",{},{}]', fault("event must be a non-empty string", "2", "t")],
    ['["1",2,"t","e",{}]', fault("ref must be a string or null", null, "t")],
    [`["1","2","${long}","e",{}]`, fault("topic is longer than 255 bytes", "2")],
    [Buffer.from([9, 9]), fault("binary frame is truncated")],
    ["[".repeat(100_000) + "]".repeat(100_000), fault("nested deeper than 512 levels")],
    ['{"a":'.repeat(100_000), fault("not JSON")],
    ['{"__proto__":1}', fault(wrongArity)],
  ];
  for (const [frame, expected] of cases) {
    client.send(frame);
    assert.deepEqual(await client.next(), expected);
    await isServed(at, client);
  }
});

test("a join whose topic is refused is answered on that topic, in both serializations", async (t) => {
  const at = await stage(t);
  const reasons: [topic: string, reason: string][] = [
    [`api:${"x".repeat(252)}`, "topic is longer than 255 bytes"],
    ["api:\ud800", "topic is not valid Unicode"],
  ];
  for (const [topic, reason] of reasons) {
    const payload = { status: "error", response: { reason, code: "invalid_request" } };
    const client = await at.connect();
    assert.deepEqual(await client.join(topic, "7"), [null, "7", topic, "phx_reply", payload]);
    const old = await at.connect("vsn=1.0.0");
    old.send(JSON.stringify({ topic, event: "phx_join", payload: {}, ref: "7" }));
    assert.deepEqual(await old.next(), { topic, event: "phx_reply", payload, ref: "7" });
    await isServed(at, client);
  }
  const client = await at.connect();
  const longer = await client.join("x".repeat(1_000_000), "7");
  assert.deepEqual(longer, fault("topic is longer than 255 bytes", "7"));
});

test("ten bad frames in a row close the socket with 1008; nine and a good one do not", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  for (let i = 0; i < 9; i++) client.send("bad");
  await client.take(9);
  await client.heartbeat();
  for (let i = 0; i < 5; i++) {
    client.send("bad");
    client.send(["1", "2", "x".repeat(256), "phx_join", {}]);
  }
  assert.equal((await client.take(10)).length, 10);
  assert.equal(await client.closed, 1008);
  await at.quiet();
  assert.ok(at.log.some(({ fields }) => String(fields?.["fault"]).includes("10 bad frames")));
});

test("a frame over the limit closes the socket with 1009", async (t) => {
  const at = await stage(t);
  const other = await at.connect();
  const client = await at.connect();
  client.send("x".repeat(10_000_000));
  assert.equal(await client.closed, 1009);
  await isServed(at, other);
});

test("a payload of 100,000 brackets in a request is refused, not executed", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  await client.join("api:lobby", "3", { reply: "inline" });
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  client.send(`["3","4","api:lobby","api",{"args":{"message":${deep}}}]`);
  assert.deepEqual(await client.next(), fault("nested deeper than 512 levels"));
});

test("__proto__ keys change nothing for anybody", async (t) => {
  const client = await (await stage(t)).connect();
  await client.join("api:lobby", "3", { reply: "inline" });
  const args = '{"__proto__":{"polluted":1},"message":{"__proto__":{"polluted":2}}}';
  client.send(
    `["3","4","api:lobby","api",{"service":"s","request_type":"echo","request_id":"r","args":${args}}]`,
  );
  const text = String(await client.nextMessage());
  assert.ok(text.includes('"result":{"__proto__":{"polluted":2}}'), text);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("bytes that are no WebSocket frame close that socket with 1002", async (t) => {
  const at = await stage(t);
  const other = await at.connect();
  const raw = await upgrade(at);
  raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  const [reply] = (await once(raw, "data")) as [Buffer];
  assert.deepEqual([...reply.subarray(0, 4)], [0x88, 2, 1002 >> 8, 1002 & 0xff]);
  raw.destroy();
  await isServed(at, other);
});

test("a client that hangs up in the middle of a frame leaves nothing behind", async (t) => {
  const at = await stage(t);
  const raw = await upgrade(at);
  raw.write(Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5]));
  raw.end();
  await once(raw, "close");
  await at.quiet();
});

test("garbage of any kind is survived", async (t) => {
  const at = await stage(t);
  const witness = await at.connect();
  await witness.join("api:lobby", "1", { reply: "inline" });
  const anything = fc.oneof(
    fc.json(),
    fc.string(),
    fc.array(fc.jsonValue(), { minLength: 5, maxLength: 5 }).map((frame) => JSON.stringify(frame)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { maxLength: 20 }), async (frames) => {
      const client = await at.connect();
      for (const frame of frames) client.send(frame);
      client.ws.close();
      await client.closed;
      witness.send(["1", "2", "api:lobby", "api", request("echo", "r1")]);
      assert.equal((await witness.next())[1], "2");
    }),
    { numRuns: 50 },
  );
  assert.ok(!at.log.some(({ level }) => level === "error"));
});

/** A raw TCP connection that has become a WebSocket. */
async function upgrade(at: Stage) {
  const raw = connect(at.port, "127.0.0.1");
  raw.on("error", () => {});
  raw.write(
    "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  await once(raw, "data");
  return raw;
}
