import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { Actor } from "../../../runtime/actor/index.ts";

interface Session {
  push(event: string, payload: { n: number }): void;
  close(): void;
}

class Mortal extends Actor {
  finish(): void {
    this.context.stop();
  }
}

test("a probe records what it is told, in order, with the types of its protocol", async () => {
  const t = testKernel();
  const { ref, record } = await t.probe<Session>(["push", "close"]);
  const second = record.message(2);
  ref.tell.push("joined", { n: 1 });
  ref.tell.close();
  const message = await t.until(second);
  assert.equal(message.method, "close");
  const first = record.expectMessage();
  assert.ok(first.method === "push");
  const [event, payload] = first.args;
  assert.equal(event, "joined");
  assert.equal(payload.n, 1);
  assert.equal(record.expectMessage().method, "close");
  record.expectNothing();
  assert.equal((await record.message(1)).method, "push");
});

test("without a protocol a probe takes notes; other messages are unknown to it", async () => {
  const t = testKernel();
  const { ref, record } = await t.probe();
  ref.tell.note({ any: "value" });
  t.kernel.send(ref, "push", []);
  await t.settle();
  assert.deepEqual(record.messages, [{ method: "note", args: [{ any: "value" }] }]);
  assert.deepEqual(t.kernel.deadLetters.counts(), { unknown_method: 1 });
});

test("a probe watches; a signal can be waited for", async () => {
  const t = testKernel();
  const { ref, record } = await t.probe();
  const mortal = await t.spawn(Mortal);
  ref.tell.watch(mortal);
  const signal = record.signal(1);
  mortal.tell.finish();
  assert.equal((await t.until(signal)).ref, mortal);
  assert.throws(() => record.expectNothing(), /received terminated/);
  assert.equal(record.expectSignal().type, "terminated");
  assert.throws(() => record.expectSignal(), /expected one more signal, received 0 messages/);
  assert.throws(() => record.expectMessage(), /expected one more message/);
  assert.throws(() => record.message(0), RangeError);
});
