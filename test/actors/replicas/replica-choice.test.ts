import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Replica } from "../../../actors/replicas/replica.ts";
import {
  selectByHash,
  selectLeastLoaded,
  selectNearest,
} from "../../../actors/replicas/replica-choice.ts";
import { hashText } from "../../../actors/replicas/text-hash.ts";
import { fakeReplica, fakeReplicas } from "./fake-replicas.ts";

const threads = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 12 });

describe("the nearest replica", () => {
  it("is on the own thread, else anywhere; each of the equals is reached", () => {
    fc.assert(
      fc.property(threads, (list) => {
        const all = list.map((thread, id) => fakeReplica(id, thread));
        const near = all.filter(({ ref }) => ref.thread === 1);
        const candidates = near.length > 0 ? near : all;
        const found = new Set<Replica | undefined>();
        for (let step = 0; step < 120; step++) found.add(selectNearest(all, 1, () => step / 120));
        assert.deepEqual(found, new Set(all.length === 0 ? [undefined] : candidates));
      }),
    );
  });

  it("is not on the thread of that number of another node", () => {
    const all = [fakeReplica(1, 1, "far@host"), fakeReplica(2, 1)];
    for (let step = 0; step < 10; step++) {
      assert.equal(
        selectNearest(all, 1, () => step / 10),
        all[1],
      );
    }
  });
});

describe("the least loaded replica", () => {
  it("has the fewest calls in flight; among equals one on the own thread; each is reached", () => {
    const loads = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(3)), { maxLength: 10 });
    fc.assert(
      fc.property(loads, (list) => {
        const all = list.map(([thread, inFlight], id) =>
          Object.assign(fakeReplica(id, thread), { inFlight }),
        );
        const fewest = Math.min(...all.map(({ inFlight }) => inFlight));
        const least = all.filter(({ inFlight }) => inFlight === fewest);
        const near = least.filter(({ ref }) => ref.thread === 1);
        const candidates = near.length > 0 ? near : least;
        let state = 1;
        const random = (): number => {
          state = (state * 48_271) % 2_147_483_647;
          return state / 2_147_483_647;
        };
        const found = new Set<Replica | undefined>();
        for (let step = 0; step < 400; step++) found.add(selectLeastLoaded(all, 1, random));
        assert.deepEqual(found, new Set(all.length === 0 ? [undefined] : candidates));
      }),
    );
  });

  it("fills replicas evenly", () => {
    const all = fakeReplicas(5);
    for (let call = 0; call < 50; call++) {
      const chosen = selectLeastLoaded(all, 1, () => 0.5);
      if (chosen !== undefined) chosen.inFlight += 1;
    }
    assert.deepEqual(
      all.map(({ inFlight }) => inFlight),
      [10, 10, 10, 10, 10],
    );
  });
});

describe("the replica of a key", () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `user_${index}`);
  const owners = (replicas: readonly Replica[]): (Replica | undefined)[] =>
    keys.map((key) => selectByHash(replicas, hashText(key)));

  it("spreads 10,000 keys over 10 replicas, none over 1.15 of the mean", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (first) => {
        const counts = new Map<Replica | undefined, number>();
        for (const owner of owners(fakeReplicas(10, first))) {
          counts.set(owner, (counts.get(owner) ?? 0) + 1);
        }
        assert.equal(counts.size, 10);
        // Five standard deviations of a fair draw.
        for (const count of counts.values()) assert.ok(count > 850 && count < 1_150, `${count}`);
      }),
      { numRuns: 30 },
    );
  });

  it("moves 1/n of the keys when one joins, and none between the others", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(1_000_000), (count, first) => {
        const before = fakeReplicas(count, first);
        const joined = fakeReplica(first + count, 1);
        const old = owners(before);
        let moved = 0;
        owners([...before, joined]).forEach((owner, index) => {
          if (owner === old[index]) return;
          assert.equal(owner, joined);
          moved += 1;
        });
        const share = keys.length / (count + 1);
        assert.ok(Math.abs(moved - share) < 6 * Math.sqrt(share), `${moved} moved, not ${share}`);
      }),
      { numRuns: 30 },
    );
  });

  it("is the same in whatever order the replicas stand", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.shuffledSubarray(fakeReplicas(8), { minLength: 1 }),
        (key, all) => {
          const sorted = [...all].sort((one, other) => one.ref.id - other.ref.id);
          assert.equal(selectByHash(all, hashText(key)), selectByHash(sorted, hashText(key)));
        },
      ),
    );
  });

  it("is decided by name where the hashes are equal", () => {
    const [one, other] = fakeReplicas(2) as [Replica, Replica];
    const twin = Object.assign(Object.create(Object.getPrototypeOf(other)), other, {
      hash: one.hash,
    }) as Replica;
    assert.equal(selectByHash([one, twin], 7), one);
    assert.equal(selectByHash([twin, one], 7), one);
  });

  it("is none without replicas", () => {
    assert.equal(selectByHash([], 1), undefined);
  });
});
