import assert from "node:assert/strict";
import test from "node:test";
import { History, type HistoryEntry } from "../../../actors/relay/history.ts";
import { mergeMessages } from "../../../actors/relay/merge-messages.ts";

const limits = { maxMessages: 100, maxAgeMs: null };
const entry = (offset: number, message: string = `message ${offset}`): HistoryEntry => ({
  ...{ offset, at: 0, text: JSON.stringify({ result: { message, offset }, request_id: "r" }) },
});
const copy = (epoch: string, entries: HistoryEntry[], offset?: number): History =>
  new History(limits, epoch, offset ?? entries.at(-1)?.offset ?? 0, entries);
const state = (history: History): Parameters<typeof mergeMessages>[1] => ({
  ...{ epoch: history.epoch, offset: history.offset, messages: history.entries() },
});
const merge = (
  own: History,
  other: History,
): { offsets: number[]; offset: number; isSplit: boolean } => {
  const { entries, ...rest } = mergeMessages(own, state(other));
  return { offsets: entries.map((one) => one.offset), ...rest };
};

test("a copy of the same epoch that has gone on is followed", () => {
  const own = copy("e", [entry(1), entry(2)]);
  const other = copy("e", [entry(2), entry(3), entry(4)]);
  assert.deepEqual(merge(own, other), { offsets: [1, 2, 3, 4], offset: 4, isSplit: false });
});

test("a copy that stopped earlier brings what is not kept here", () => {
  const own = copy("e", [entry(3), entry(4)]);
  const other = copy("e", [entry(1), entry(2), entry(3)]);
  assert.deepEqual(merge(own, other), { offsets: [1, 2, 3, 4], offset: 4, isSplit: false });
});

test("two that have gone on each by itself are a split, and nothing of either is lost", () => {
  const own = copy("e", [entry(1), entry(2, "here")]);
  const other = copy("e", [entry(1), entry(2, "there"), entry(3, "there too")]);
  const { entries, offset, isSplit } = mergeMessages(own, state(other));
  const places = [entry(1), entry(2, "here"), entry(3, "there"), entry(4, "there too")];
  assert.deepEqual([entries, offset, isSplit], [places, 4, true]);
  const anew = copy("new", [...entries]);
  const again = mergeMessages(anew, state(other));
  assert.deepEqual([again.entries, again.offset, again.isSplit], [places, 4, false]);
});

test("a copy that has gone on, of which a part is not kept, is a split", () => {
  const own = copy("e", [entry(1)]);
  const other = copy("e", [entry(3)]);
  assert.deepEqual(merge(own, other), { offsets: [1, 3], offset: 3, isSplit: true });
});

test("a new epoch keeps what another one has from before, and what that one has had since", () => {
  const own = copy("new", [entry(6)]);
  const other = copy("old", [entry(4), entry(5), entry(6, "also"), entry(7, "also")]);
  assert.deepEqual(merge(own, other), { offsets: [4, 5, 6, 7, 8], offset: 8, isSplit: false });
});

test("nobody's count goes back, however little the other copy keeps", () => {
  const own = copy("old", [entry(4), entry(5)]);
  const other = copy("new", [entry(5, "also"), entry(9, "also")], 10);
  assert.deepEqual(merge(own, other), { offsets: [4, 5, 9, 10], offset: 10, isSplit: false });
});

test("a new epoch in which nothing was sent goes on behind the old one", () => {
  const own = copy("new", [], 5);
  const other = copy("old", [entry(5), entry(6)]);
  assert.deepEqual(merge(own, other), { offsets: [5, 6], offset: 6, isSplit: false });
});

test("a copy that was built anew, and went on where this one ended, is followed", () => {
  const own = copy("old", [entry(4), entry(5)]);
  assert.deepEqual(merge(own, copy("new", [entry(6), entry(7)])), {
    ...{ offsets: [4, 5, 6, 7], offset: 7, isSplit: false },
  });
  assert.deepEqual(merge(own, copy("new", [entry(5), entry(6)])), {
    ...{ offsets: [4, 5, 6], offset: 6, isSplit: false },
  });
});

test("a copy of another epoch may have gone on for longer than it keeps", () => {
  const own = copy("old", [entry(4), entry(5)]);
  assert.deepEqual(merge(own, copy("new", [entry(8), entry(9)])), {
    ...{ offsets: [4, 5, 8, 9], offset: 9, isSplit: false },
  });
});
