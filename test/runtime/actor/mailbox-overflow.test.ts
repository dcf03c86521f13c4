import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import test from "node:test";
import fc from "fast-check";
import { testKernel } from "#runtime/testing";
import {
  Actor,
  type DeadLetter,
  deadLetterChannel,
  keptDeadLetters,
  type OverflowPolicy,
} from "../../../runtime/actor/index.ts";
import { Turnstile } from "./turnstile.ts";

class Sink extends Actor {
  readonly #got: number[];
  readonly #turnstile: Turnstile;

  constructor(got: number[], turnstile: Turnstile) {
    super();
    this.#got = got;
    this.#turnstile = turnstile;
  }

  put(value: number): number {
    this.#got.push(value);
    return value;
  }

  hold(): Promise<void> {
    return this.#turnstile.wait();
  }
}

async function sink(mailboxCapacity: number, overflow?: OverflowPolicy) {
  const t = testKernel();
  const got: number[] = [];
  const turnstile = new Turnstile();
  const options = overflow === undefined ? {} : { overflow };
  const ref = await t.spawn(Sink, { args: [got, turnstile], mailboxCapacity, ...options });
  ref.tell.hold();
  await t.settle();
  return { t, got, ref, turnstile };
}

const policies = [undefined, "fail", "drop_oldest", "drop_newest"] as const;

for (const policy of policies) {
  test(`a mailbox of policy ${policy} keeps what a bounded list would keep`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (capacity, asks) => {
          const { t, got, ref, turnstile } = await sink(capacity, policy);
          const kept: number[] = [];
          const refusedAsks: number[] = [];
          const expectedRefusals: number[] = [];
          const isAsk = (i: number) => asks[i] === true;
          let refused = 0;
          asks.forEach((ask, i) => {
            let taken = true;
            if (kept.length < capacity) kept.push(i);
            else {
              refused += 1;
              let loser = i;
              if (policy === "drop_oldest") {
                loser = kept.shift() as number;
                kept.push(i);
              } else taken = policy === "drop_newest";
              if (isAsk(loser)) expectedRefusals.push(loser);
            }
            if (!ask) assert.equal(ref.tell.put(i), taken);
            else {
              ref.ask.put(i).catch((error) => {
                assert.equal(error.code, "mailbox_full");
                refusedAsks.push(i);
              });
            }
          });
          assert.equal(t.kernel.find(ref.id)?.waiting, kept.length);
          turnstile.letOne();
          await t.settle();
          assert.deepEqual(got, kept);
          assert.deepEqual(
            refusedAsks.sort((a, b) => a - b),
            expectedRefusals.sort((a, b) => a - b),
          );
          const counts = t.kernel.deadLetters.counts();
          assert.deepEqual(counts, refused === 0 ? {} : { mailbox_full: refused });
          assert.equal(t.kernel.asks.pending, 0);
        },
      ),
    );
  });
}

test("the default capacity is 10,000", async () => {
  const t = testKernel({ strictMessages: false });
  const ref = await t.spawn(Sink, { args: [[], new Turnstile()] });
  ref.tell.hold();
  await t.settle();
  let taken = 0;
  for (let i = 0; i < 10_500; i += 1) if (ref.tell.put(i)) taken += 1;
  assert.equal(taken, 10_000);
  assert.equal(t.kernel.deadLetters.total, 500);
});

test("a flood of a million messages keeps the capacity and the last 1,000 dead letters", async () => {
  const { t, ref } = await sink(100);
  for (let i = 0; i < 1_000_000; i += 1) t.kernel.send(ref, "put", []);
  const { deadLetters } = t.kernel;
  assert.equal(t.kernel.find(ref.id)?.waiting, 100);
  assert.equal(deadLetters.total, 999_900);
  assert.deepEqual(deadLetters.counts(), { mailbox_full: 999_900 });
  assert.equal(deadLetters.list().length, keptDeadLetters);
});

test("dead letters are kept in order, the last 1,000, with method, reason and time", async () => {
  const t = testKernel();
  for (let i = 0; i < 1_500; i += 1) {
    t.clock.advance(1);
    t.kernel.deadLetter(`<0.0.${i}>`, `m${i}`, i % 2 === 0 ? "no_actor" : "unknown_method");
  }
  const list = t.kernel.deadLetters.list();
  assert.equal(keptDeadLetters, 1_000);
  assert.deepEqual(
    list.map((it) => it.method),
    Array.from({ length: 1_000 }, (_, i) => `m${i + 500}`),
  );
  const { at, ...first } = list[0] as DeadLetter;
  assert.deepEqual(first, { to: "<0.0.500>", method: "m500", reason: "no_actor" });
  assert.equal(at, t.clock.wallTime() - 999);
  assert.deepEqual(t.kernel.deadLetters.counts(), { no_actor: 750, unknown_method: 750 });
});

test("each dead letter is published on the diagnostics channel", async () => {
  const heard: DeadLetter[] = [];
  const hear = (letter: unknown) => heard.push(letter as DeadLetter);
  subscribe("troupe:runtime:dead_letter", hear);
  try {
    assert.equal(deadLetterChannel.name, "troupe:runtime:dead_letter");
    const { t, ref } = await sink(1);
    ref.tell.put(1);
    ref.tell.put(2);
    t.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "test" } });
    ref.tell.put(3);
    assert.deepEqual(
      heard.map((it) => [it.to, it.method, it.reason]),
      [
        [`${ref}`, "put", "mailbox_full"],
        [`${ref}`, "put", "actor_stopped"],
        [`${ref}`, "put", "actor_stopped"],
      ],
    );
    assert.deepEqual(t.kernel.deadLetters.list(), heard);
  } finally {
    unsubscribe("troupe:runtime:dead_letter", hear);
  }
});
