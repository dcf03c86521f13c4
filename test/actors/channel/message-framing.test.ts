import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import {
  encodeAsciiMessages,
  encodeMessages,
  Framed,
  frameMessages,
  type Message,
} from "../../../actors/channel/message-framing.ts";

/** The client's side of ws, which its types leave out. */
const { Receiver } = createRequire(import.meta.url)("ws") as {
  readonly Receiver: new (options: { readonly isServer: boolean }) => Writable;
};

/** What a client makes of the bytes. */
async function read(bytes: Buffer): Promise<Message[]> {
  const receiver = new Receiver({ isServer: false });
  const messages: Message[] = [];
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    messages.push(isBinary ? data : data.toString());
  });
  receiver.end(bytes);
  await once(receiver, "finish");
  return messages;
}

test("a short text, byte by byte", () => {
  assert.equal(encodeMessages(["Hello"]).toString("hex"), "810548656c6c6f");
});

test("a binary message has its own opcode", () => {
  assert.equal(encodeMessages([Buffer.from([1, 2])]).toString("hex"), "82020102");
});

test("lengths of 126 and more take two bytes, of 65,536 and more eight", () => {
  assert.equal(
    encodeMessages(["x".repeat(125)])
      .subarray(0, 2)
      .toString("hex"),
    "817d",
  );
  assert.equal(
    encodeMessages(["x".repeat(126)])
      .subarray(0, 4)
      .toString("hex"),
    "817e007e",
  );
  assert.equal(
    encodeMessages(["x".repeat(65_535)])
      .subarray(0, 4)
      .toString("hex"),
    "817effff",
  );
  const long = encodeMessages(["x".repeat(65_536)])
    .subarray(0, 10)
    .toString("hex");
  assert.equal(long, "817f0000000000010000");
});

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(120, 126, 40_000, 70_000).map((n) => "é✓".repeat(n)),
);
const binary = fc.uint8Array().map((bytes) => Buffer.from(bytes));

test("a client reads what was written, in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, binary), { minLength: 1 }), async (messages) => {
      assert.deepEqual(await read(encodeMessages(messages)), messages);
    }),
  );
});

test("what is framed already is part of the rest, in order", async () => {
  const framed = fc.array(fc.oneof(text, binary), { minLength: 1 }).map(frameMessages);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, binary, framed), { minLength: 1 }), async (parts) => {
      const single = parts.map((part) =>
        part instanceof Framed ? part.bytes : encodeMessages([part]),
      );
      assert.deepEqual(encodeMessages(parts), Buffer.concat(single));
      const messages = await Promise.all(single.map(read));
      assert.deepEqual(await read(encodeMessages(parts)), messages.flat());
    }),
  );
});

const lengths = [0, 1, 125, 126, 127, 128, 255, 256, 383, 384, 15_000];
const ascii = fc.oneof(
  fc.string({ unit: "binary-ascii" }),
  fc.constantFrom(...lengths).map((n) => "x".repeat(n)),
);

test("an ASCII text of any length, as text of one byte a unit, is the same bytes", () => {
  for (const length of lengths) {
    const messages = ["x".repeat(length)];
    const encoded = encodeAsciiMessages(messages) ?? "";
    assert.deepEqual(Buffer.from(encoded, "latin1"), encodeMessages(messages));
  }
  assert.equal(encodeAsciiMessages(["x".repeat(20_000)]), null);
});

test("so are several; nothing else is such a text", () => {
  const framed = ascii.map((message) => frameMessages([message]));
  const isAscii = (message: string): boolean => Buffer.byteLength(message) === message.length;
  fc.assert(
    fc.property(fc.array(fc.oneof(ascii, text)), (messages) => {
      const length = messages.reduce((sum, message) => sum + message.length, 0);
      const encoded = encodeAsciiMessages(messages);
      if (encoded !== null)
        assert.deepEqual(Buffer.from(encoded, "latin1"), encodeMessages(messages));
      // So that their headers fit as well.
      if (length < 15_000) assert.equal(encoded !== null, messages.every(isAscii));
    }),
  );
  fc.assert(
    fc.property(fc.array(ascii), fc.oneof(binary, framed), (messages, other) => {
      assert.equal(encodeAsciiMessages([...messages, other]), null);
    }),
  );
});

test("framed messages are as long as their bytes", () => {
  assert.equal(frameMessages(["é", Buffer.from([1])]).length, 7);
});
