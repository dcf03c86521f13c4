import assert from "node:assert/strict";
import { test } from "node:test";
import { Actor } from "../../../runtime/actor/index.ts";
import { Inbound } from "../../../runtime/cluster/inbound.ts";
import {
  type NodeEnvelope,
  nodeKind,
  parseClusterOptions,
} from "../../../runtime/cluster/index.ts";
import { encodeBatchFrame } from "../../../runtime/cluster/node-codec.ts";
import { testKernel } from "../../../runtime/testing/index.ts";
import { PipedConnection } from "./piped-connection.ts";

const kib = 1_024;

/** Answers when it is told to. */
class Held extends Actor {
  readonly #waiting: (() => void)[] = [];

  async get(bytes: number): Promise<Buffer> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return Buffer.alloc(bytes);
  }

  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A peer that reads nothing; what waits for it may be 128 KiB, a message 256 KiB. */
async function deafPeer() {
  const test = testKernel({ nodeName: "one@127.0.0.1:9001", strictMessages: false });
  const { kernel } = test;
  const held = await test.spawn(Held, { concurrency: 1_000 });
  const [connection, otherSide] = PipedConnection.pair(test.clock);
  let readBytes = 0;
  otherSide.handle({
    data: (bytes) => {
      readBytes += bytes.length;
    },
    drained() {},
    closed() {},
  });
  connection.bytesPerMs = 0;
  const config = parseClusterOptions({
    ...{ name: "one@127.0.0.1:9001", cookie: "a secret" },
    ...{ maxBufferedBytes: 128 * kib, maxMessageBytes: 256 * kib },
  });
  const peer = {
    name: "two@127.0.0.1:9002",
    incarnation: 7,
    cluster: "troupe",
    roles: [],
    thread: 0,
  };
  let isOver = false;
  new Inbound(kernel, connection, { peer, version: 1, rest: [] }, config, () => {
    isOver = true;
  });
  await test.settle();
  return {
    ...{ test, held },
    isOver: () => isOver,
    /** The peer reads after all: how much there is. */
    async readAll(): Promise<number> {
      connection.bytesPerMs = 100 * kib;
      connection.write([Buffer.alloc(0)]);
      for (let ms = 0; ms < 60; ms += 1) {
        test.clock.advance(1);
        await test.settle();
      }
      return readBytes;
    },
    async receive(envelopes: readonly NodeEnvelope[]): Promise<void> {
      connection.receive(encodeBatchFrame(envelopes, kernel));
      await test.settle();
    },
  };
}

test("answers to asks that were taken while there was room are bounded by what waits", async () => {
  const { test, held, receive, isOver, readAll } = await deafPeer();
  const { thread, incarnation, id } = held;
  const asks = Array.from({ length: 100 }, (_, n): NodeEnvelope => {
    return [nodeKind.ask, thread, incarnation, id, "get", [60 * kib], n, 60_000];
  });
  await receive(asks);
  held.tell.release();
  await test.settle();
  assert.equal(isOver(), false, "a burst is no reason to part");
  const bytes = await readAll();
  assert.ok(bytes > 256 * kib && bytes < 900 * kib, `${bytes} bytes for 6,000 KiB of answers`);
});

test("who watches for ever and reads nothing has to go", async () => {
  const { test, receive, isOver } = await deafPeer();
  const { kernel } = test;
  const watcher = kernel.ref({ node: "two@127.0.0.1:9002", thread: 0, id: 1, incarnation: 7 });
  for (let n = 0; n < 100 && !isOver(); n += 1) {
    const watches = Array.from({ length: 250 }, (_, k): NodeEnvelope => {
      return [nodeKind.signal, 0, 1, 1_000 + n * 250 + k, { type: "watch", watcher }];
    });
    await receive(watches);
  }
  assert.equal(isOver(), true);
});
