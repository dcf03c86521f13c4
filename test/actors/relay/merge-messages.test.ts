import assert from "node:assert/strict";
import test from "node:test";
import { History, type HistoryEntry } from "../../../actors/relay/history.ts";
import { mergeMessages } from "../../../actors/relay/merge-messages.ts";

const limits = { maxMessages: 100, maxAgeMs: null };
const entry = (offset: number, text: string = `message ${offset}`): HistoryEntry => ({
  ...{ offset, at: 0, text },
});
const copy = (epoch: string, entries: HistoryEntry[], offset?: number): History =>
  new History(limits, epoch, offset ?? entries.at(-1)?.offset ?? 0, entries);
const merge = (
  own: History,
  other: History,
): { offsets: number[]; offset: number; isSplit: boolean } => {
  const { epoch, offset } = other;
  const merged = mergeMessages(own, { epoch, offset, messages: other.entries() });
  const { entries, ...rest } = merged;
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

test("two that have gone on each by itself are a split", () => {
  const own = copy("e", [entry(1), entry(2, "here")]);
  const other = copy("e", [entry(1), entry(2, "there"), entry(3)]);
  assert.deepEqual(merge(own, other), { offsets: [1, 2], offset: 3, isSplit: true });
});

test("a copy that has gone on, of which a part is not kept, is a split", () => {
  const own = copy("e", [entry(1)]);
  const other = copy("e", [entry(3)]);
  assert.deepEqual(merge(own, other), { offsets: [1], offset: 3, isSplit: true });
});

test("a new epoch keeps what another one has from before", () => {
  const own = copy("new", [entry(6)]);
  const other = copy("old", [entry(4), entry(5), entry(6, "lost"), entry(7, "lost")]);
  assert.deepEqual(merge(own, other), { offsets: [4, 5, 6], offset: 6, isSplit: false });
});

test("a new epoch in which nothing was sent goes on behind the old one", () => {
  const own = copy("new", [], 5);
  const other = copy("old", [entry(5), entry(6)]);
  assert.deepEqual(merge(own, other), { offsets: [5, 6], offset: 6, isSplit: false });
});
