import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { testKernel } from "#runtime/testing";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";

class Keeper extends Actor {
  #kept: unknown = null;
  readonly #inside: number[] = [1, 2];

  keep(value: unknown): void {
    this.#kept = value;
  }

  kept(): unknown {
    return this.#kept;
  }

  spoil(value: { list: number[] }): string {
    try {
      value.list.push(1);
      return "spoiled";
    } catch (error) {
      return (error as Error).name;
    }
  }

  same(ref: ActorRef): boolean {
    return ref === this.context.self;
  }

  inside(): number[] {
    return this.#inside;
  }
}

test("the receiver has a copy: what the sender changes afterwards changes nothing", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  const sent = { list: [1], map: new Map([["a", { b: 1 }]]), when: new Date(0) };
  ref.tell.keep(sent);
  sent.list.push(2);
  const inner = sent.map.get("a");
  if (inner) inner.b = 2;
  const got = (await t.until(ref.ask.kept())) as typeof sent;
  assert.deepEqual(got, { list: [1], map: new Map([["a", { b: 1 }]]), when: new Date(0) });
});

test("what a receiver gets is frozen throughout", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  assert.equal(await t.until(ref.ask.spoil({ list: [1] })), "TypeError");
  ref.tell.keep({ a: [{ b: {} }] });
  const got = (await t.until(ref.ask.kept())) as { a: [{ b: object }] };
  for (const part of [got, got.a, got.a[0], got.a[0].b]) assert.ok(Object.isFrozen(part));
});

test("an answer is a message too: who gets it cannot change the state of who gave it", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  const answer = await t.until(ref.ask.inside());
  assert.throws(() => answer.push(3), TypeError);
  assert.deepEqual(await t.until(ref.ask.inside()), [1, 2]);
});

test("a key named __proto__ stays a key and sets no prototype", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  ref.tell.keep(JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}'));
  const got = (await t.until(ref.ask.kept())) as Record<string, unknown>;
  assert.equal(Object.getPrototypeOf(got), Object.prototype);
  assert.deepEqual(Object.keys(got), ["__proto__", "constructor"]);
  assert.equal(got["admin"], undefined);
});

test("refs arrive as the same refs, shared and circular parts as shared and circular", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  assert.equal(await t.until(ref.ask.same(ref)), true);
  const shared = { n: 1 };
  const loop: Record<string, unknown> = { one: shared, two: shared };
  loop["self"] = loop;
  ref.tell.keep(loop);
  const got = (await t.until(ref.ask.kept())) as Record<string, unknown>;
  assert.notEqual(got, loop);
  assert.equal(got["one"], got["two"]);
  assert.equal(got["self"], got);
});

test("functions, symbols and promises are refused with their place; nothing is sent", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  const bad = [
    [{ a: [() => 1] }, /^keep argument\[0\]\.a\[0\]: a function cannot be sent$/],
    [{ s: Symbol("s") }, /^keep argument\[0\]\.s: a symbol cannot be sent$/],
    [Promise.resolve(), /^keep argument\[0\]: a Promise cannot be sent$/],
    [new Map([["k", () => 1]]), /a function cannot be sent$/],
    [new WeakMap(), /a WeakMap cannot be sent$/],
  ] as const;
  for (const [value, message] of bad) {
    assert.throws(() => ref.tell.keep(value), { code: "not_serialisable", message });
    await assert.rejects(ref.ask.keep(value), { code: "not_serialisable", message });
  }
  await t.settle();
  assert.equal(t.kernel.find(ref.id)?.handled, 0);
  assert.equal(t.kernel.asks.pending, 0);
});

test("the copy of plain data equals the original", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  await fc.assert(
    fc.asyncProperty(
      fc.anything({
        withDate: true,
        withMap: true,
        withSet: true,
        withBigInt: true,
        withTypedArray: true,
        withSparseArray: false,
        withNullPrototype: false,
      }),
      async (value) => {
        ref.tell.keep(value);
        assert.deepEqual(await t.until(ref.ask.kept()), value);
      },
    ),
    { numRuns: 200 },
  );
});

test("an array with holes is copied at its length", async () => {
  const t = testKernel();
  const ref = await t.spawn(Keeper);
  // biome-ignore lint/suspicious/noSparseArray: the holes are what is tested
  ref.tell.keep([1, , 3]);
  const got = (await t.until(ref.ask.kept())) as number[];
  assert.equal(got.length, 3);
  assert.equal(got[2], 3);
});

test("without strictMessages a message is passed as it is", async () => {
  const t = testKernel({ strictMessages: false });
  const ref = await t.spawn(Keeper);
  const sent = { f: () => 1 };
  ref.tell.keep(sent);
  assert.equal(await t.until(ref.ask.kept()), sent);
});
