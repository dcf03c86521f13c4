import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Few, FewBy } from "../../../actors/relay/few.ts";

interface Item {
  readonly key: string;
  readonly value: number;
}

const byKey = new FewBy(({ key }: Item) => key);
const key = fc.constantFrom("", "a", "b", "__proto__");
const step = fc.oneof(
  fc.record({ type: fc.constant("set" as const), key, value: fc.nat(3) }),
  fc.record({ type: fc.constant("delete" as const), key }),
);

test("they are what a map has, whatever is done to them", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let few: Few<string, Item> = null;
      const map = new Map<string, Item>();
      for (const done of steps) {
        if (done.type === "delete") {
          few = byKey.delete(few, done.key);
          map.delete(done.key);
        } else {
          const item = { key: done.key, value: done.value };
          few = byKey.set(few, item);
          map.set(done.key, item);
        }
        assert.equal(byKey.size(few), map.size);
        assert.deepEqual([...byKey.values(few)], [...map.values()]);
        for (const one of ["", "a", "b", "__proto__"]) {
          assert.equal(byKey.get(few, one), map.get(one));
        }
        assert.equal(few === null, map.size === 0, "none need nothing");
      }
    }),
  );
});
