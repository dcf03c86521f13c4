import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "#runtime/testing";
import { StickyReplicas } from "../../../actors/replicas/sticky-replicas.ts";
import { fakeReplica, fakeReplicas } from "./fake-replicas.ts";

const minuteMs = 60_000;

/** A text whose replica is another one once `joined` is there. */
function findMover(
  before: readonly ReturnType<typeof fakeReplica>[],
  after: typeof before,
): string {
  for (let index = 0; ; index++) {
    const text = `user_${index}`;
    const choose = (all: typeof before) =>
      new StickyReplicas(new ManualClock()).select(all, "g", text);
    if (choose(before) !== choose(after)) return text;
  }
}

test("threads that know nothing of each other begin with the same replica", () => {
  const all = fakeReplicas(5);
  const [one, other] = [
    new StickyReplicas(new ManualClock()),
    new StickyReplicas(new ManualClock()),
  ];
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(one.select(all, "g", text), other.select([...all].reverse(), "g", text));
    }),
  );
});

test("a key stays when a replica joins, and moves when its own is gone", () => {
  const sticky = new StickyReplicas(new ManualClock());
  const before = fakeReplicas(3);
  const after = [...before, fakeReplica(99)];
  const text = findMover(before, after);
  const first = sticky.select(before, "g", text);
  assert.ok(first !== undefined);
  assert.equal(sticky.select(after, "g", text), first);
  const without = after.filter((replica) => replica !== first);
  const second = sticky.select(without, "g", text);
  assert.ok(second !== undefined && second !== first);
  // The first is back, as it happens on a thread that learns of things late: the key stays.
  assert.equal(sticky.select(after, "g", text), second);
  assert.equal(sticky.select([], "g", text), undefined);
  assert.equal(sticky.size, 0);
});

test("an entry lives for ten minutes after its last use", () => {
  const clock = new ManualClock();
  const sticky = new StickyReplicas(clock);
  const before = fakeReplicas(3);
  const after = [...before, fakeReplica(99)];
  const text = findMover(before, after);
  const first = sticky.select(before, "g", text);
  clock.advance(10 * minuteMs - 1);
  assert.equal(sticky.select(after, "g", text), first);
  clock.advance(10 * minuteMs - 1);
  assert.equal(sticky.select(after, "g", text), first);
  clock.advance(10 * minuteMs);
  assert.equal(sticky.select(after, "g", text)?.ref.id, 99);
});

test("services do not share keys", () => {
  const sticky = new StickyReplicas(new ManualClock());
  sticky.select(fakeReplicas(1), "one", "k");
  sticky.select(fakeReplicas(1), "other", "k");
  assert.equal(sticky.size, 2);
});

test("entries are bounded: the one unused for longest goes; overdue ones go by and by", () => {
  const clock = new ManualClock();
  const sticky = new StickyReplicas(clock, { capacity: 100, ttlMs: 1_000 });
  const before = fakeReplicas(3);
  const after = [...before, fakeReplica(99)];
  const text = findMover(before, after);
  const first = sticky.select(before, "g", text);
  for (let index = 0; index < 1_000; index++) {
    sticky.select(before, "g", `other_${index}`);
    assert.ok(sticky.size <= 100);
    assert.equal(sticky.select(after, "g", text), first, "what is used stays");
  }
  assert.equal(sticky.size, 100);
  clock.advance(1_000);
  for (let index = 0; index < 60; index++) sticky.select(before, "g", `late_${index}`);
  assert.equal(sticky.size, 60);
});
