import assert from "node:assert/strict";
import type { Socket as NetSocket } from "node:net";
import { test } from "node:test";
import type { WebSocket } from "ws";
import {
  encodeMessages,
  frameMessages,
  type Message,
} from "../../../actors/channel/message-framing.ts";
import { Outbox } from "../../../actors/channel/outbox.ts";
import { Writer } from "../../../actors/channel/writer.ts";

/** A connection that keeps what it is to write until it is drained. */
class FakeNet {
  readonly written: Buffer[] = [];
  writableLength = 0;
  #onDrain: (() => void)[] = [];

  write(data: Buffer | string, encoding?: BufferEncoding): boolean {
    this.written.push(typeof data === "string" ? Buffer.from(data, encoding) : data);
    this.writableLength += data.length;
    return this.writableLength < 65_536;
  }

  once(_event: "drain", listener: () => void): void {
    this.#onDrain.push(listener);
  }

  drain(): void {
    this.writableLength = 0;
    for (const listener of this.#onDrain.splice(0)) listener();
  }
}

class Owner {
  readonly heard: string[] = [];
  onFull(): void {
    this.heard.push("full");
  }
  onEmptied(): void {
    this.heard.push("emptied");
  }
  onRoom(): void {
    this.heard.push("room");
  }
  onTooSlow(unreadBytes: number): void {
    this.heard.push(`too slow: ${unreadBytes}`);
  }
}

function writers(count: number): { writers: Writer[]; nets: FakeNet[]; owner: Owner } {
  const outbox = new Outbox();
  const owner = new Owner();
  const ws = { OPEN: 1, readyState: 1 } as unknown as WebSocket;
  const nets = Array.from({ length: count }, () => new FakeNet());
  const made = nets.map((net) => new Writer(owner, outbox, ws, net as unknown as NetSocket));
  return { writers: made, nets, owner };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what many sockets are sent is one buffer and one write for each", async () => {
  const all = writers(100);
  const frames = frameMessages(["a message", "and another"]);
  for (const writer of all.writers) writer.send(frames);
  await turn();
  for (const { written } of all.nets) {
    assert.equal(written.length, 1);
    assert.equal(written[0], frames.bytes);
  }
});

test("all that a turn sends leaves in one write, in order", async () => {
  const { writers: made, nets } = writers(1);
  const [writer] = made as [Writer];
  const [net] = nets as [FakeNet];
  const shared: Message[] = ["b", Buffer.from([1, 2]), "c".repeat(300)];
  writer.send("a");
  writer.send(frameMessages(shared));
  writer.send(frameMessages(["d"]));
  writer.send("e");
  await turn();
  assert.deepEqual(net.written, [encodeMessages(["a", ...shared, "d", "e"])]);
  writer.send("f");
  await turn();
  assert.deepEqual(net.written[1], encodeMessages(["f"]));
  writer.send("g".repeat(200));
  writer.send("é");
  await turn();
  assert.deepEqual(net.written[2], encodeMessages(["g".repeat(200), "é"]));
});

test("unread is what has not been written yet, and what has not been taken", async () => {
  const { writers: made, nets } = writers(1);
  const [writer] = made as [Writer];
  const [net] = nets as [FakeNet];
  const frames = frameMessages(["x".repeat(1_000)]);
  writer.send(frames);
  assert.equal(writer.unreadBytes, frames.length);
  await turn();
  writer.send(frames);
  assert.equal(writer.unreadBytes, 2 * frames.length);
  await turn();
  assert.equal(writer.unreadBytes, 2 * frames.length);
  net.drain();
  assert.equal(writer.unreadBytes, 0);
});

test("framed messages fill a writer as others do, and there is room once they are taken", async () => {
  const { writers: made, nets, owner } = writers(1);
  const [writer] = made as [Writer];
  const [net] = nets as [FakeNet];
  const frames = frameMessages(["x".repeat(400_000)]);
  assert.equal(writer.hasRoom(), true);
  writer.send(frames);
  assert.equal(writer.hasRoom(), false);
  await turn();
  assert.deepEqual(owner.heard, []);
  for (let i = 0; i < 2; i++) writer.send(frames);
  await turn();
  assert.deepEqual(owner.heard, ["full"]);
  net.drain();
  assert.deepEqual(owner.heard, ["full", "emptied", "room"]);
  for (let i = 0; i < 50; i++) {
    writer.send(frames);
    await turn();
  }
  assert.equal(owner.heard.at(-1), `too slow: ${42 * frames.length}`);
});
