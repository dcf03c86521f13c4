import assert from "node:assert/strict";
import { test } from "node:test";
import { request, stage } from "./client.ts";
import { fake } from "./fixtures/fake-acceptor.ts";

const ok = { status: "ok", response: {} };
const unmatched = { status: "error", response: { reason: "unmatched topic" } };

test("a join is answered with its own join_ref", async (t) => {
  const client = await (await stage(t)).connect();
  assert.deepEqual(await client.join("api:lobby", "3"), ["3", "3", "api:lobby", "phx_reply", ok]);
});

test("a heartbeat is answered at once, without a join", async (t) => {
  const client = await (await stage(t)).connect();
  client.send([null, "1", "phoenix", "heartbeat", {}]);
  assert.deepEqual(await client.next(), [null, "1", "phoenix", "phx_reply", ok]);
});

test("a join without a matching channel is refused", async (t) => {
  const client = await (await stage(t)).connect();
  client.send(["12", "12", "nothing:here", "phx_join", {}]);
  assert.deepEqual(await client.next(), [null, "12", "nothing:here", "phx_reply", unmatched]);
});

test("a message on a topic that was not joined is refused, a leave is answered", async (t) => {
  const client = await (await stage(t)).connect();
  client.send(["1", "2", "api:lobby", "api", request("echo", "r1")]);
  assert.deepEqual(await client.next(), [null, "2", "api:lobby", "phx_reply", unmatched]);
  client.send([null, "3", "phoenix", "api", {}]);
  assert.deepEqual(await client.next(), [null, "3", "phoenix", "phx_reply", unmatched]);
  client.send(["1", "4", "api:lobby", "phx_leave", {}]);
  assert.deepEqual(await client.next(), ["1", "4", "api:lobby", "phx_reply", ok]);
});

test("a leave is answered, then the channel closes, then it is unmatched", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  await client.join("api:lobby", "3");
  client.send(["3", "4", "api:lobby", "phx_leave", {}]);
  client.send(["3", "5", "api:lobby", "api", request("echo", "r1")]);
  const frames = await client.take(3);
  assert.deepEqual(
    frames.filter(([, ref]) => ref !== "5"),
    [
      ["3", "4", "api:lobby", "phx_reply", ok],
      ["3", "3", "api:lobby", "phx_close", {}],
    ],
  );
  assert.deepEqual(
    frames.find(([, ref]) => ref === "5"),
    [null, "5", "api:lobby", "phx_reply", unmatched],
  );
  assert.equal((await at.statistics()).sessions, 0);
});

test("what was pushed before the leave is executed and answered", async (t) => {
  const client = await (await stage(t)).connect();
  await client.join("api:lobby", "3", { reply: "inline" });
  client.send(["3", "4", "api:lobby", "api", request("echo", "r1", { message: "hi" })]);
  client.send(["3", "5", "api:lobby", "phx_leave", {}]);
  const refs = (await client.take(3)).map(([, ref]) => ref);
  assert.deepEqual(refs, ["4", "5", "3"]);
  assert.deepEqual(fake.executed, ["r1"]);
});

test("a second join replaces the first, which is told to have closed", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  await client.join("api:lobby", "3");
  client.send(["5", "5", "api:lobby", "phx_join", {}]);
  assert.deepEqual(await client.take(2), [
    ["5", "5", "api:lobby", "phx_reply", ok],
    ["3", "3", "api:lobby", "phx_close", {}],
  ]);
  assert.equal((await at.statistics()).sessions, 1);
});

test("two joins at once end with the second", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  client.send(["3", "3", "api:lobby", "phx_join", {}]);
  client.send(["5", "5", "api:lobby", "phx_join", {}]);
  client.send(["5", "6", "api:lobby", "api", request("echo", "r1", { message: 1 })]);
  const frames = await client.take(5);
  assert.deepEqual(
    frames.map(([joinRef, ref, , event]) => [joinRef, ref, event]),
    [
      ["3", "3", "phx_reply"],
      ["5", "5", "phx_reply"],
      ["3", "3", "phx_close"],
      ["5", null, "api"],
      ["5", "6", "phx_reply"],
    ],
  );
  assert.equal((await at.statistics()).sessions, 1);
});

test("results of a replaced channel are dropped", async (t) => {
  const at = await stage(t);
  const client = await at.connect();
  await client.join("api:lobby", "3");
  client.send(["3", "4", "api:lobby", "api", request("hold", "r1")]);
  await fake.count(1);
  client.send(["5", "5", "api:lobby", "phx_join", {}]);
  await client.take(2);
  assert.equal((await at.statistics()).inFlight, 0);
  fake.release("r1");
  assert.deepEqual((await client.heartbeat())[3], "phx_reply");
});

test("a frame with an old join_ref is dropped, one without any is for the channel", async (t) => {
  const client = await (await stage(t)).connect();
  await client.join("api:lobby", "3", { reply: "inline" });
  client.send(["2", "4", "api:lobby", "api", request("echo", "old")]);
  client.send(["2", "5", "api:lobby", "phx_leave", {}]);
  client.send(["2", "6", "api:lobby", "nonsense", {}]);
  client.send([null, "7", "api:lobby", "api", request("echo", "new")]);
  const [joinRef, ref] = await client.next();
  assert.deepEqual([joinRef, ref], ["3", "7"]);
  assert.deepEqual(fake.executed, ["new"]);
});

test("an unknown event is refused and the channel stays joined", async (t) => {
  const client = await (await stage(t)).connect();
  await client.join("api:lobby", "3", { reply: "inline" });
  for (const event of ["nonsense", "phx_reply", "phx_close", "heartbeat", "__proto__"]) {
    client.send(["3", "4", "api:lobby", event, { x: 1 }]);
    const answer = { status: "error", response: { reason: "unknown event" } };
    assert.deepEqual(await client.next(), ["3", "4", "api:lobby", "phx_reply", answer]);
  }
  client.send(["3", "5", "api:lobby", "api", request("echo", "r1")]);
  assert.equal((await client.next())[1], "5");
});

test("a socket has 100 channels at most; a replaced one does not count", async (t) => {
  const client = await (await stage(t)).connect();
  for (let i = 0; i < 100; i++) {
    assert.deepEqual((await client.join(`api:${i}`, `${i}`))[4], ok);
  }
  const refusal = { status: "error", response: { reason: "too many channels" } };
  assert.deepEqual(await client.join("api:100", "100"), [
    null,
    "100",
    "api:100",
    "phx_reply",
    refusal,
  ]);
  client.send(["101", "101", "api:7", "phx_join", {}]);
  assert.deepEqual((await client.take(2))[0]?.[4], ok);
  client.send(["101", "102", "api:7", "phx_leave", {}]);
  await client.take(2);
  assert.deepEqual((await client.join("api:100", "103"))[4], ok);
});

test("a join without a join_ref is one that any frame belongs to", async (t) => {
  const client = await (await stage(t)).connect();
  client.send([null, "1", "api:lobby", "phx_join", { reply: "inline" }]);
  assert.deepEqual(await client.next(), [null, "1", "api:lobby", "phx_reply", ok]);
  client.send([null, "2", "api:lobby", "api", request("echo", "r1")]);
  assert.equal((await client.next())[1], "2");
});
