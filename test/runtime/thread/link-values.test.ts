import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { type ActorRef, createSystem, ReplyError, type System, TroupeError } from "#runtime";
import { Receiver, Sender } from "../../fixtures/actors/messenger.ts";
import { eventually, LogRecord } from "../../fixtures/running-system.ts";

let system: System;
let receiver: ActorRef<Receiver>;
const log = new LogRecord();

before(async () => {
  system = await createSystem({ threads: 2, log: log.log, stallTimeoutMs: 60_000 });
  receiver = await system.spawn(Receiver, { thread: 1 });
});

after(() => system.stop());

/** What comes back of a value that went to another thread and back. */
async function travelled(value: unknown): Promise<unknown> {
  return receiver.ask.echo(value);
}

const values: Record<string, unknown> = {
  nothing: [undefined, null, { kept: undefined }],
  numbers: [0, 1, -1, 2 ** 31, 2 ** 40, 2 ** 53, -1.5, 1e300, NaN, Infinity, -Infinity],
  "big integers": [0n, 1n, -1n, 2n ** 62n, 2n ** 64n, -(2n ** 200n)],
  text: ["", "é😀", "a".repeat(100_000), "line\nfeed\0zero"],
  dates: [new Date(0), new Date(1_767_225_600_123), new Date(-5)],
  maps: new Map<unknown, unknown>([
    ["a", 1],
    [2, new Map([[true, null]])],
  ]),
  sets: new Set([1, "two", null]),
  bytes: [Buffer.from([1, 2, 255]), new Uint8Array(0).buffer],
  "typed arrays": [new Float64Array([0.1, -2]), new Int16Array([-3]), new BigInt64Array([5n])],
  patterns: [/a+b/gi],
  nested: { a: [{ b: [{ c: new Map([["d", new Set([1])]]) }] }] },
  "equal shapes": Array.from({ length: 500 }, (_, n) => ({
    id: n,
    name: `n${n}`,
    even: n % 2 === 0,
  })),
  "a key of its own each": Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, n])),
  "many shapes": Array.from({ length: 500 }, (_, n) => ({ [`key${n}`]: n })),
};

for (const [name, value] of Object.entries(values)) {
  test(`arrives as it left: ${name}`, async () => {
    assert.deepEqual(await travelled(value), value);
  });
}

test("bytes arrive as bytes", async () => {
  const bytes = new Uint8Array([7, 8, 9]);
  assert.deepEqual(new Uint8Array((await travelled(bytes)) as Uint8Array), bytes);
});

test("errors keep name, code, message, stack and cause; built-in classes and ReplyErrors theirs", async () => {
  const cause = Object.assign(new Error("below"), { code: "E_LOW" });
  const typeError = (await travelled(new TypeError("wrong", { cause }))) as TypeError;
  assert.ok(typeError instanceof TypeError);
  assert.equal(typeError.message, "wrong");
  assert.match(typeError.stack ?? "", /link-values\.test/);
  const below = typeError.cause as TroupeError;
  assert.deepEqual([below.name, below.code, below.message], ["Error", "E_LOW", "below"]);

  const reply = (await travelled(new ReplyError("gone", "not here"))) as ReplyError;
  assert.ok(reply instanceof ReplyError);
  assert.deepEqual([reply.code, reply.message], ["gone", "not here"]);
  assert.ok((await travelled(new TroupeError("x", "y"))) instanceof TroupeError);
  assert.ok((await travelled({ deep: [new Error("e")] })) instanceof Object);
});

test("a ref in a message is a ref there, to be told, asked and compared", async () => {
  const sender = await system.spawn(Sender, { thread: 2 });
  const target = await system.spawn(Receiver, { thread: 1 });
  assert.equal(await sender.ask.send(target, "s", 1, 10), 10);
  await eventually("ten messages", async () => (await target.ask.counts()).count === 10);
  const [back] = (await travelled([target])) as [ActorRef<Receiver>];
  assert.ok(back.equals(target));
  assert.equal(await back.ask.echo(1), 1);
  const inMap = (await travelled(new Map([["it", { ref: target }]]))) as Map<
    string,
    { ref: ActorRef }
  >;
  assert.ok(inMap.get("it")?.ref.equals(target));
});

const cycle: { self?: unknown } = {};
cycle.self = cycle;

/** What cannot leave its thread, and what the error says. */
const unsendable: Record<string, { value: unknown; why: RegExp }> = {
  "a function": { value: { handler: function onIt() {} }, why: /hold a function onIt/ },
  "a class": { value: [Receiver], why: /hold a function Receiver/ },
  "a cycle": { value: cycle, why: /call stack/ },
  "a symbol": { value: [Symbol("s")], why: /symbol/ },
  "a promise": { value: Promise.resolve(1), why: /hold a Promise/ },
  "a weak map": { value: new WeakMap(), why: /hold a WeakMap/ },
  "an abort signal": { value: new AbortController().signal, why: /hold a AbortSignal/ },
};

for (const [name, { value, why }] of Object.entries(unsendable)) {
  test(`${name}: its asker is told, a tell is a dead letter, batch mates are unharmed`, async () => {
    const letters = (await system.deadLetters()).length;
    const [before, asked, told, behind] = await Promise.all([
      receiver.ask.echo("before"),
      receiver.ask.echo(value).catch((error: TroupeError) => error),
      receiver.tell.echo(value),
      receiver.ask.echo("behind"),
    ]);
    assert.deepEqual([before, told, behind], ["before", true, "behind"]);
    assert.ok(asked instanceof TroupeError);
    assert.equal(asked.code, "not_serialisable");
    assert.match(asked.message, /^the message echo cannot leave its thread: /);
    assert.match(asked.message, why);
    const added = (await system.deadLetters()).slice(letters);
    assert.deepEqual(
      added.map(({ to, method, reason }) => [to, method, reason]),
      [
        [String(receiver), "echo", "not_serialisable"],
        [String(receiver), "echo", "not_serialisable"],
      ],
    );
  });
}

test("an answer that cannot be sent is an error for the asker, and no crash", async () => {
  await assert.rejects(receiver.ask.unsendable(), {
    code: "not_serialisable",
    message: /^the answer cannot leave its thread: .*function callback/,
  });
  assert.equal(await receiver.ask.echo("still here"), "still here");
});

test("ten megabytes go through, alone and among small ones", async () => {
  const bytes = Buffer.alloc(10 * 1024 * 1024, 7);
  const echo = (await travelled(bytes)) as Buffer;
  assert.ok(bytes.equals(echo));
  const sizes = await Promise.all([
    receiver.ask.echo("small"),
    receiver.ask.size(bytes),
    receiver.ask.echo("small"),
    receiver.ask.size(bytes),
  ]);
  assert.deepEqual(sizes, ["small", bytes.length, "small", bytes.length]);
});

test("a turn may send more than any one buffer should hold", async () => {
  const bytes = Buffer.alloc(30 * 1024 * 1024, 1);
  const ask = receiver.askWith({ timeoutMs: 60_000 });
  const size = (): Promise<number | string> => ask.size(bytes).catch(({ code }) => code);
  const sizes = await Promise.all(Array.from({ length: 10 }, size));
  // The link takes 64 MiB; there is room for more when the other thread has had its turn meanwhile.
  assert.deepEqual(sizes.slice(0, 3), new Array(3).fill(bytes.length));
  for (const outcome of sizes) assert.ok([bytes.length, "link_full"].includes(outcome));
  assert.equal(await ask.size(bytes), bytes.length);
});
