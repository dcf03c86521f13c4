import assert from "node:assert/strict";
import test from "node:test";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { type TestKernel, testKernel } from "#runtime/testing";
import { Link, linkMemoryBytes } from "../../../runtime/thread/index.ts";

/** Two kernels of one process with a link between them; nothing is received by itself. */
async function linked(t: { after(fn: () => void): void }): Promise<{
  near: TestKernel;
  far: TestKernel;
  toFar: Link;
  toNear: Link;
}> {
  const near = testKernel({ thread: 0 });
  const far = testKernel({ thread: 1, clock: near.clock, steps: near.steps });
  const { port1, port2 } = new MessageChannel();
  const memory = new SharedArrayBuffer(linkMemoryBytes);
  const common = { incarnation: 1, dedicated: false, memory };
  const toFar = new Link(near.kernel, { ...common, thread: 1, side: 0, port: port1 });
  const toNear = new Link(far.kernel, { ...common, thread: 0, side: 1, port: port2 });
  t.after(() => {
    port1.close();
    port2.close();
  });
  for (const link of [toFar, toNear]) link.open();
  near.steps.settle();
  await Promise.all([toFar.greeting, toNear.greeting]);
  await near.settle();
  return { near, far, toFar, toNear };
}

test("what a thread said before it died is heard before its death", async (t) => {
  const { near, far, toFar } = await linked(t);
  const { ref, record } = await near.probe();
  const { thread, id, incarnation } = ref;
  const fromFar = far.kernel.ref({ node: "0", thread, id, incarnation });
  assert.equal(far.kernel.send(fromFar, "note", ["last words"]), true);
  while (far.steps.step());
  assert.deepEqual(record.messages, []);
  // It is in the port now, unread, when word of the death comes another way.
  toFar.close("thread 1 died");
  near.kernel.routes.threadDown(1, "thread 1 died", []);
  await near.settle();
  assert.deepEqual(record.messages, [{ method: "note", args: ["last words"] }]);
});

test("closing fails the asks under way, and makes dead letters of what had not left", async (t) => {
  const { near, far, toFar } = await linked(t);
  const target = near.kernel.ref((await far.probe()).ref);
  const told = near.kernel.send(target, "note", [1]);
  const asked = near.kernel.request(target, "note", [2], {});
  const rejected = assert.rejects(asked, { code: "thread_down", message: "thread 1 died" });
  assert.equal(told, true);
  assert.deepEqual(toFar.load, { asking: 1, serving: 0 });
  toFar.close("thread 1 died");
  await rejected;
  assert.deepEqual(toFar.load, { asking: 0, serving: 0 });
  assert.equal(near.kernel.asks.pending, 0);
  assert.deepEqual(near.kernel.deadLetters.counts(), { thread_down: 1 });
  toFar.close("again");
  assert.deepEqual(near.kernel.deadLetters.counts(), { thread_down: 1 });
});

test("the envelopes of one turn leave in one batch", async (t) => {
  const near = testKernel({ thread: 0 });
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const memory = new SharedArrayBuffer(linkMemoryBytes);
  const end = {
    thread: 1,
    incarnation: 1,
    dedicated: false,
    side: 0,
    memory,
    port: port1,
  } as const;
  const link = new Link(near.kernel, end);
  const target = near.kernel.ref({ node: "0", thread: 1, id: 16, incarnation: 1 });
  for (let n = 0; n < 100; n += 1) link.tell(target, "note", [n]);
  assert.equal(receiveMessageOnPort(port2), undefined);
  await near.settle();
  assert.notEqual(receiveMessageOnPort(port2), undefined);
  assert.equal(receiveMessageOnPort(port2), undefined);
  // A large argument does not wait for the end of the turn: it has to be counted.
  link.tell(target, "note", [Buffer.alloc(100_000)]);
  assert.notEqual(receiveMessageOnPort(port2), undefined);
});

test("a table value that cannot be sent is missing elsewhere; later changes arrive", async (t) => {
  const { near, far } = await linked(t);
  const writer = near.kernel.tables.write<unknown>("values");
  const replica = far.kernel.tables.open<unknown>("values");
  const arrived = (key: string): Promise<void> =>
    new Promise((resolve) => {
      const stop = replica.onChange((change) => {
        if (change.op !== "set" || change.key !== key) return;
        stop();
        resolve();
      });
    });
  const first = arrived("c");
  writer.set("a", 1);
  writer.set("a", () => 2);
  writer.set("b", 1);
  writer.set("c", 1);
  await near.settle();
  await first;
  assert.deepEqual(
    [...replica.entries()],
    [
      ["b", 1],
      ["c", 1],
    ],
  );
  assert.match(near.logLines.at(-1) ?? "", /a value of the table values cannot leave its thread/);
  assert.deepEqual(replica.position, writer.position);
});

test("a second writer's snapshot leaves out what cannot be sent", async (t) => {
  const { near, far } = await linked(t);
  near.kernel.tables.open<unknown>("values");
  const writer = near.kernel.tables.write<unknown>("values");
  writer.set("good", 1);
  writer.set("bad", Symbol("s"));
  near.kernel.tables.write<unknown>("values");
  const replica = far.kernel.tables.open<unknown>("values");
  const arrived = new Promise<void>((resolve) => replica.onChange(() => resolve()));
  await near.settle();
  await arrived;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...replica.entries()], [["good", 1]]);
  assert.deepEqual(replica.position, { epoch: 2, version: 0 });
});
