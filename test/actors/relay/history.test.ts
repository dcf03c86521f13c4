import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { History, type HistoryEntry } from "../../../actors/relay/history.ts";

const text = (offset: number): string => `message ${offset}`;
const offsetsOf = (entries: readonly HistoryEntry[]): number[] => entries.map((one) => one.offset);

const kept = (offset: number, at = 0): HistoryEntry => ({ offset, at, text: text(offset) });

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("append" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.nat(60) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("recover" as const),
      since: fc.integer({ min: -2, max: 50 }),
      epoch: fc.constantFrom("e1", "e1", "e1", "e0", null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("page" as const),
      before: fc.option(fc.integer({ min: -1, max: 50 })),
      limit: fc.integer({ min: 0, max: 12 }),
    }),
  },
);

test("it answers as a list of all messages would of which the old ones are crossed out", () => {
  const start = fc.record({
    maxMessages: fc.integer({ min: 0, max: 12 }),
    maxAgeMs: fc.option(fc.integer({ min: 0, max: 100 })),
    offset: fc.nat(20),
    held: fc.uniqueArray(fc.integer({ min: 1, max: 20 })),
  });
  const steps = fc.array(step, { maxLength: 100, size: "max" });
  fc.assert(
    fc.property(start, steps, ({ maxMessages, maxAgeMs, offset, held }, all) => {
      const restored = held.filter((one) => one <= offset).sort((a, b) => a - b);
      let list = restored.map((one) => kept(one));
      let last = offset;
      let now = 0;
      const history = new History({ maxMessages, maxAgeMs }, "e1", offset, list);
      const remaining = (): HistoryEntry[] => {
        list = list.filter(({ at }) => maxAgeMs === null || at >= now - maxAgeMs);
        return list.filter((_, index) => index >= list.length - maxMessages);
      };
      for (const one of all) {
        if (one.type === "append") {
          last += 1;
          const entry = { offset: last, at: now, text: text(last) };
          assert.deepEqual(history.append(now, text), entry);
          list.push(entry);
          assert.deepEqual(history.entries(), remaining());
        } else if (one.type === "wait") {
          now += one.ms;
        } else if (one.type === "recover") {
          const { since, epoch } = one;
          const wanted: number[] = [];
          for (let number = since + 1; number <= last; number += 1) wanted.push(number);
          const missed = remaining().filter((entry) => entry.offset > since);
          const isKnown = epoch === "e1" || (epoch === null && since === 0);
          const hasAll = since <= last && wanted.every((no) => offsetsOf(missed).includes(no));
          assert.deepEqual(
            history.recover(since, epoch, now),
            isKnown && hasAll ? { recovered: true, missed } : { recovered: false },
          );
        } else {
          const { before, limit } = one;
          const older = remaining().filter((entry) => before === null || entry.offset < before);
          assert.deepEqual(history.page(before, limit, now), {
            entries: limit === 0 ? [] : older.slice(-limit),
            hasMore: older.length > limit,
          });
        }
        assert.equal(history.offset, last);
      }
    }),
    { numRuns: 500 },
  );
});

test("what was missed is recovered to the last kept message, and not one further back", () => {
  const history = new History({ maxMessages: 3, maxAgeMs: null }, "e1");
  for (let i = 0; i < 5; i += 1) history.append(0, text);
  assert.deepEqual(history.recover(5, "e1", 0), { recovered: true, missed: [] });
  assert.deepEqual(history.recover(2, "e1", 0), {
    recovered: true,
    missed: [kept(3), kept(4), kept(5)],
  });
  assert.deepEqual(history.recover(1, "e1", 0), { recovered: false });
  assert.deepEqual(history.recover(6, "e1", 0), { recovered: false });
  assert.deepEqual(history.recover(5, "e0", 0), { recovered: false });
  assert.deepEqual(history.recover(5, null, 0), { recovered: false });
  assert.deepEqual(history.recover(Number.NaN, "e1", 0), { recovered: false });
  assert.deepEqual(history.recover(4.5, "e1", 0), { recovered: false });
});

test("one who has seen nothing gets all from the first on, whatever the epoch was called", () => {
  const history = new History({ maxMessages: 3, maxAgeMs: null }, "e1");
  assert.deepEqual(history.recover(0, null, 0), { recovered: true, missed: [] });
  history.append(0, text);
  assert.deepEqual(history.recover(0, null, 0), { recovered: true, missed: [kept(1)] });
});

test("a restored history with a hole recovers what lies behind the hole only", () => {
  const entries = [kept(1), kept(2), kept(4), kept(5)];
  const history = new History({ maxMessages: 10, maxAgeMs: null }, "e1", 5, entries);
  assert.equal(history.recover(3, "e1", 0).recovered, true);
  assert.equal(history.recover(2, "e1", 0).recovered, false);
  assert.equal(history.recover(1, "e1", 0).recovered, false);
  assert.deepEqual(offsetsOf(history.page(null, 10, 0).entries), [1, 2, 4, 5]);
});

test("a history that was lost goes on counting and recovers nothing of before", () => {
  const history = new History({ maxMessages: 10, maxAgeMs: null }, "e2", 7);
  assert.equal(history.append(0, text).offset, 8);
  assert.equal(history.recover(6, "e2", 0).recovered, false);
  assert.deepEqual(history.recover(7, "e2", 0), { recovered: true, missed: [kept(8)] });
});

test("pages lead back to the first kept message", () => {
  const history = new History({ maxMessages: 10, maxAgeMs: null }, "e1");
  for (let i = 0; i < 13; i += 1) history.append(0, text);
  const pages: number[][] = [];
  let before: number | null = null;
  for (let hasMore = true; hasMore && pages.length < 10; ) {
    const page = history.page(before, 4, 0);
    pages.push(offsetsOf(page.entries));
    before = page.entries[0]?.offset ?? null;
    hasMore = page.hasMore;
  }
  assert.deepEqual(pages, [
    [10, 11, 12, 13],
    [6, 7, 8, 9],
    [4, 5],
  ]);
});

test("a message whose text cannot be made was never there", () => {
  const history = new History({ maxMessages: 10, maxAgeMs: null }, "e1");
  history.append(0, text);
  const fails = (): string => {
    throw new Error("no text");
  };
  assert.throws(() => history.append(0, fails), /no text/);
  assert.equal(history.offset, 1);
  assert.equal(history.append(0, text).offset, 2);
});

test("what it gives does not change later, and what it was given is not changed", () => {
  const given = [kept(1), kept(2)];
  const history = new History({ maxMessages: 2, maxAgeMs: null }, "e1", 2, given);
  const before = history.entries();
  history.append(0, text);
  assert.deepEqual(offsetsOf(given), [1, 2]);
  assert.deepEqual(offsetsOf(before), [1, 2]);
  assert.deepEqual(offsetsOf(history.entries()), [2, 3]);
});

test("entries that are out of order or beyond the offset are refused", () => {
  const limits = { maxMessages: 10, maxAgeMs: null };
  const fault = (offset: number, offsets: number[]): void => {
    const entries = offsets.map((one) => kept(one));
    assert.throws(() => new History(limits, "e1", offset, entries), RangeError);
  };
  fault(3, [1, 4]);
  fault(3, [2, 1]);
  fault(3, [2, 2]);
  fault(3, [0, 1]);
  fault(3, [Number.NaN]);
});
