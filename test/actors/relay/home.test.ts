import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type HomeNode, selectHome, selectShard } from "../../../actors/relay/home.ts";

const keys: readonly string[] = Array.from({ length: 20_000 }, (_, n) => `group-${n}`);

function nodesOf(count: number, shards = 4): HomeNode[] {
  return Array.from({ length: count }, (_, n) => ({ name: `gate${n}@10.0.0.${n}:9100`, shards }));
}

function countHomes(nodes: readonly HomeNode[]): number[] {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const home = selectHome(key, nodes);
    assert.ok(home);
    const place = `${home.node} ${home.shard}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return [...counts.values()];
}

describe("the home of a key", () => {
  it("is nowhere where there is no node", () => {
    assert.equal(selectHome("a", []), null);
  });

  it("is the same whatever the order of the nodes", () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1 });
    fc.assert(
      fc.property(names, fc.string(), fc.nat(), (all, key, turn) => {
        const nodes = all.map((name, n) => ({ name, shards: (n % 3) + 1 }));
        const at = turn % nodes.length;
        const turned = [...nodes.slice(at), ...nodes.slice(0, at)].reverse();
        assert.deepEqual(selectHome(key, turned), selectHome(key, nodes));
      }),
    );
  });

  it("is on a shard that its node has", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, shards) => {
        const home = selectHome(key, [{ name: "one", shards }]);
        assert.deepEqual(home, { node: "one", shard: selectShard(key, shards) });
        assert.ok(Number.isInteger(home?.shard) && Number(home?.shard) >= 1);
        assert.ok(Number(home?.shard) <= shards);
      }),
    );
  });

  it("spreads keys evenly over all shards of all nodes", () => {
    for (const count of [1, 2, 3, 5, 8]) {
      const nodes = nodesOf(count);
      const homes = countHomes(nodes);
      const mean = keys.length / (count * 4);
      assert.equal(homes.length, count * 4);
      for (const homed of homes) {
        assert.ok(Math.abs(homed - mean) < 6 * Math.sqrt(mean), `${homed} of ${mean}`);
      }
    }
  });

  it("changes for those alone that a new node gets, or a lost one had", () => {
    const many = nodesOf(6);
    const fewer = many.slice(0, 5);
    const added = many[5] as HomeNode;
    let moved = 0;
    for (const key of keys) {
      const before = selectHome(key, fewer);
      const after = selectHome(key, many);
      if (after?.node === added.name) moved += 1;
      else assert.deepEqual(after, before);
    }
    const mean = keys.length / 6;
    assert.ok(Math.abs(moved - mean) < 6 * Math.sqrt(mean), `${moved} of ${mean}`);
  });

  it("changes on its own node alone where that has more shards", () => {
    const [first, second] = nodesOf(2) as [HomeNode, HomeNode];
    for (const key of keys.slice(0, 2_000)) {
      const before = selectHome(key, [first, second]);
      const after = selectHome(key, [first, { ...second, shards: 7 }]);
      assert.equal(after?.node, before?.node);
      if (after?.node === first.name) assert.equal(after.shard, before?.shard);
    }
  });
});
