import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type WindowRule, WindowStore } from "../../../actors/limits/window-store.ts";
import { NaiveLog } from "./naive-log.ts";

const mebibyte = 1_048_576;

function storeOf(rules: readonly WindowRule[], capacityBytes = 64 * mebibyte): WindowStore {
  const store = new WindowStore(capacityBytes, 7);
  for (const rule of rules) store.setRule(rule);
  return store;
}

const narrow: WindowRule = { number: 1, maxRequests: 3, windowMs: 100 };

test("the window slides: room comes back with each request that leaves it, to the millisecond", () => {
  const store = storeOf([narrow]);
  const ask = (now: number): string => store.admit([1], ["ann"], now);
  assert.deepEqual(
    [ask(0), ask(10), ask(20), ask(30)],
    [...["admitted", "admitted", "admitted", "refused"]],
  );
  assert.deepEqual([store.refusedIndex, store.retryAfterMs], [0, 70]);
  assert.equal(ask(99), "refused");
  assert.equal(store.retryAfterMs, 1);
  assert.equal(ask(100), "admitted");
  assert.equal(ask(100), "refused");
  assert.equal(store.retryAfterMs, 10);
  assert.equal(store.admit([1], ["bob"], 100), "admitted", "another key has a window of its own");
  assert.deepEqual(store.usage(1, "ann", 105), { used: 3, resetMs: 95, retryAfterMs: 5 });
  assert.deepEqual(store.usage(1, "ann", 300), { used: 0, resetMs: 0, retryAfterMs: 0 });
});

const rules: readonly WindowRule[] = [
  narrow,
  { number: 2, maxRequests: 1, windowMs: 40 },
  { number: 3, maxRequests: 12, windowMs: 250 },
];
const texts = ["", "a", "b", "user-17", "Ünïcödé", "日本", "日本語日本語", "x".repeat(128)];

type Step =
  | {
      readonly what: "admit";
      readonly rules: readonly number[];
      readonly values: readonly number[];
    }
  | { readonly what: "giveBack" | "sweep" | "reset"; readonly of: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant("admit" as const),
      rules: fc.subarray([0, 1, 2], { minLength: 1 }),
      values: fc.array(fc.nat(texts.length - 1), { minLength: 3, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom("giveBack" as const, "sweep" as const, "reset" as const),
      of: fc.nat(1_000),
    }),
  },
);

test("it admits and refuses exactly as a naive log does, over any times, keys and rules", () => {
  // Quarters of a ms: sums of them are exact.
  const gap = fc.oneof(fc.constant(0), fc.nat(40), fc.nat(1_200)).map((quarters) => quarters / 4);
  const program = fc.array(fc.tuple(gap, step), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(program, (steps) => {
      const store = storeOf(rules);
      const naive = new NaiveLog();
      const admitted: { rules: WindowRule[]; values: string[]; at: number }[] = [];
      let now = 0;
      for (const [pause, action] of steps) {
        now += pause;
        if (action.what === "admit") {
          const chosen = action.rules.map((index) => rules[index] as WindowRule);
          const values = chosen.map((_, index) => texts[action.values[index] ?? 0] ?? "");
          const numbers = chosen.map(({ number }) => number);
          const expected = naive.admit(chosen, values, now);
          assert.equal(store.admit(numbers, values, now), expected.ok ? "admitted" : "refused");
          assert.equal(store.refusedIndex, expected.index);
          assert.equal(store.retryAfterMs, expected.retryAfterMs);
          if (expected.ok) admitted.push({ rules: chosen, values, at: now });
        } else if (action.what === "giveBack" && admitted.length > 0) {
          const [one] = admitted.splice(action.of % admitted.length, 1);
          if (one === undefined) continue;
          store.giveBack(
            one.rules.map(({ number }) => number),
            one.values,
            one.at,
          );
          naive.giveBack(one.rules, one.values, one.at);
        } else if (action.what === "sweep") store.sweep(now, action.of);
        else if (action.what === "reset") {
          const rule = rules[action.of % rules.length] as WindowRule;
          const value = texts[action.of % texts.length] ?? "";
          store.reset(rule.number, value);
          naive.forget(rule, value);
          // What was forgotten cannot be given back a second time.
          admitted.length = 0;
        }
        for (const rule of rules) {
          for (const value of texts) {
            const { used } = store.usage(rule.number, value, now);
            assert.equal(used, naive.inWindow(rule, value, now).length);
          }
        }
      }
      // The first call may end a round that has looked at some of them before.
      for (const _ of [1, 2]) store.sweep(now + 1_000, 100_000);
      assert.deepEqual([store.size, store.requests], [0, 0], "nothing stays of what has expired");
    }),
    { numRuns: 150 },
  );
});

test("no window of any length ever holds one too many, whatever the fractions of the times", () => {
  const times = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 200 });
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 9 }), (unordered, maxRequests) => {
      const store = storeOf([{ number: 0, maxRequests, windowMs: 60 }]);
      const sorted = unordered.sort((one, other) => one - other);
      const passed = sorted.filter((now) => store.admit([0], ["k"], now) === "admitted");
      for (let index = maxRequests; index < passed.length; index += 1) {
        const span = (passed[index] ?? 0) - (passed[index - maxRequests] ?? 0);
        // Admitted when the oldest has left: a span of the whole window, but for the last bit.
        assert.ok(span >= 60 - 1e-9, `${maxRequests + 1} within ${span} ms`);
      }
    }),
  );
});

test("a long log grows, wraps and shrinks as a short one does", () => {
  const long: WindowRule = { number: 1, maxRequests: 2_000, windowMs: 10_000 };
  const store = storeOf([long]);
  const naive = new NaiveLog();
  for (let now = 0; now < 40_000; now += now % 20_000 < 12_000 ? 3 : 900) {
    const expected = naive.admit([long], ["k"], now);
    assert.equal(store.admit([1], ["k"], now), expected.ok ? "admitted" : "refused");
    assert.equal(store.retryAfterMs, expected.retryAfterMs);
    assert.equal(store.requests, naive.inWindow(long, "k", now).length);
  }
  assert.equal(store.sweep(60_000, 10_000).removed, 1);
});

test("a ring that has wrapped is grown and shrunk in order", () => {
  const rule: WindowRule = { number: 1, maxRequests: 120, windowMs: 100 };
  const gap = fc.oneof({ weight: 9, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(90) });
  const steps = fc.array(fc.tuple(gap, fc.boolean()), { minLength: 100, maxLength: 600 });
  fc.assert(
    fc.property(steps, (list) => {
      const store = storeOf([rule]);
      const naive = new NaiveLog();
      let now = 0;
      for (const [pause, isSwept] of list) {
        now += pause;
        const expected = naive.admit([rule], ["k"], now);
        assert.equal(store.admit([1], ["k"], now), expected.ok ? "admitted" : "refused");
        assert.equal(store.retryAfterMs, expected.retryAfterMs);
        if (isSwept) store.sweep(now, 10);
        assert.equal(store.requests, naive.inWindow(rule, "k", now).length);
      }
    }),
    { numRuns: 50 },
  );
});

test("of several rules without room the one that has room last is told", () => {
  const slow: WindowRule = { number: 2, maxRequests: 1, windowMs: 5_000 };
  const store = storeOf([{ ...narrow, maxRequests: 1 }, slow]);
  for (const numbers of [
    [1, 2],
    [2, 1],
  ]) {
    const values = numbers.map(String);
    store.admit(numbers, values, 0);
    assert.equal(store.admit(numbers, values, 10), "refused");
    assert.deepEqual([numbers[store.refusedIndex], store.retryAfterMs], [2, 4_990]);
  }
});

test("a rule with other numbers counts on; one that is removed has no say and leaves nothing", () => {
  const store = storeOf([narrow]);
  for (const now of [0, 10, 20]) assert.equal(store.admit([1], ["ann"], now), "admitted");
  store.setRule({ ...narrow, maxRequests: 1 });
  assert.equal(store.admit([1], ["ann"], 30), "refused");
  assert.equal(store.retryAfterMs, 90, "room comes when the last of the three has left");
  store.setRule({ ...narrow, maxRequests: 5 });
  assert.equal(store.admit([1], ["ann"], 30), "admitted");
  store.removeRule(1);
  for (let asked = 0; asked < 10; asked += 1) {
    assert.equal(store.admit([1], ["ann"], 31), "admitted");
  }
  assert.deepEqual(store.sweep(31, 100), { removed: 1, isRoundOver: true });
  assert.deepEqual([store.size, store.requests], [0, 0]);
});

test("memory: at most 200 bytes a key and 8 for each request, and all of it comes back", () => {
  const perKey = 200;
  for (const each of [1, 3, 20, 100]) {
    const store = storeOf([{ number: 1, maxRequests: 1_000, windowMs: 1_000 }], 512 * mebibyte);
    const empty = store.bytes;
    const keys = 20_000;
    for (let request = 0; request < each; request += 1) {
      for (let key = 0; key < keys; key += 1) {
        // A third of the keys is in the middle of its growth.
        if (key % 3 === 0 && request > each / 2) continue;
        store.admit([1], [`user-${key}-of-some-length`], 0);
      }
    }
    const overhead = (store.bytes - empty - store.requests * 8) / store.size;
    assert.equal(store.size, keys);
    assert.ok(overhead <= perKey, `${overhead} bytes a key with ${each} requests each`);
    while (!store.sweep(2_000, 1_024).isRoundOver);
    assert.deepEqual([store.size, store.requests], [0, 0]);
    assert.ok(store.bytes < mebibyte, `${store.bytes} bytes are left`);
  }
});

test("memory is bounded: without any left a request is not counted, and nothing is half done", () => {
  const store = storeOf([narrow, { number: 2, maxRequests: 3, windowMs: 100 }], 300_000);
  let key = 0;
  while (store.admit([1, 2], [`a${key}`, `b${key}`], 0) === "admitted") key += 1;
  assert.ok(key > 1_000, `only ${key} keys`);
  assert.ok(store.bytes <= 300_000);
  assert.equal(store.requests, key * 2);
  assert.equal(store.usage(1, `a${key}`, 0).used, 0);
  assert.equal(store.admit([1], ["a0"], 1), "full", "a longer ring has no room either");
  store.reset(1, "a1");
  const before = store.requests;
  assert.equal(store.admit([1, 2], ["a1", "x".repeat(100)], 1), "full", "room for one of the two");
  assert.equal(store.usage(1, "a1", 1).used, 0);
  assert.equal(store.requests, before);
  assert.equal(store.usage(1, "a0", 1).used, 1);
  while (!store.sweep(200, 100).isRoundOver);
  assert.equal(store.admit([1, 2], ["a", "b"], 200), "admitted");
  assert.throws(() => new WindowStore(1_000, 1), /capacityBytes: expected at least 16384/);
});

test("a step of clean-up looks at no more keys than it is told to, and a round at all of them", () => {
  const store = storeOf([narrow]);
  for (let key = 0; key < 5_000; key += 1) store.admit([1], [`k${key}`], key < 4_000 ? 0 : 90);
  const steps = [];
  for (;;) {
    const outcome = store.sweep(150, 300);
    steps.push(outcome.removed);
    if (outcome.isRoundOver) break;
  }
  assert.ok(steps.every((removed) => removed <= 300));
  assert.equal(
    steps.reduce((sum, removed) => sum + removed),
    4_000,
  );
  assert.equal(store.size, 1_000);
  assert.equal(store.usage(1, "k4500", 150).used, 1);
});

test("a clock that goes back changes nothing, and a text that is too long is a mistake", () => {
  const store = storeOf([narrow]);
  store.admit([1], ["a"], 1_000);
  assert.equal(store.admit([1], ["a"], 5), "admitted");
  assert.deepEqual(store.usage(1, "a", 0), { used: 2, resetMs: 100, retryAfterMs: 0 });
  assert.throws(() => store.admit([1], ["x".repeat(2_000)], 0), RangeError);
});
