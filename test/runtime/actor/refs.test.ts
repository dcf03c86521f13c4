import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ActorRef } from "../../../runtime/actor/ref.ts";
import { addRef, hasRef, listRefs, type Refs, removeRef } from "../../../runtime/actor/refs.ts";
import { HERE } from "../../../runtime/core/index.ts";

const sender = {
  ...{ thread: 1, incarnation: 1, send: () => false },
  request: () => Promise.reject(new Error("nobody is there")),
};

/** A ref of its own each time: of this thread, of another one, or of the thread before this one. */
function refOf(which: number): ActorRef {
  const [thread, incarnation] = [which === 1 ? 2 : 1, which === 2 ? 0 : 1];
  return new ActorRef(sender, { node: HERE, thread, id: which === 3 ? 7 : 5, incarnation }, null);
}

const step = fc.record({ adds: fc.boolean(), which: fc.nat(3) });

test("actors are in it once, in the order in which they came, however many there are", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let refs: Refs = null;
      let naive: number[] = [];
      for (const { adds, which } of steps) {
        refs = adds ? addRef(refs, refOf(which)) : removeRef(refs, refOf(which));
        if (!adds) naive = naive.filter((other) => other !== which);
        else if (!naive.includes(which)) naive.push(which);
        assert.deepEqual(
          listRefs(refs).map((ref) => ref.key),
          naive.map((one) => refOf(one).key),
        );
        for (const one of [0, 1, 2, 3]) assert.equal(hasRef(refs, refOf(one)), naive.includes(one));
        assert.equal(refs === null, naive.length === 0, "none need nothing");
      }
    }),
  );
});
