import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Few } from "../../../actors/relay/few.ts";

const key = fc.constantFrom("", "a", "b", "__proto__");
const step = fc.oneof(
  fc.record({ type: fc.constant("set" as const), key, value: fc.nat(3) }),
  fc.record({ type: fc.constant("delete" as const), key }),
);

test("it is what a map is, whatever is done to it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const few = new Few<string, number>();
      const map = new Map<string, number>();
      for (const done of steps) {
        if (done.type === "delete") assert.equal(few.delete(done.key), map.delete(done.key));
        else {
          few.set(done.key, done.value);
          map.set(done.key, done.value);
        }
        assert.equal(few.size, map.size);
        assert.deepEqual([...few], [...map]);
        assert.deepEqual([...few.keys()], [...map.keys()]);
        assert.deepEqual([...few.values()], [...map.values()]);
        for (const one of ["", "a", "b", "__proto__"]) {
          assert.equal(few.get(one), map.get(one));
          assert.equal(few.has(one), map.has(one));
        }
      }
      assert.deepEqual([...new Few(map)], [...map]);
    }),
  );
});
