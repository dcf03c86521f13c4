import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ActorRef } from "../../../runtime/actor/ref.ts";
import { addRef, hasRef, listRefs, type Refs, removeRef } from "../../../runtime/actor/refs.ts";
import { HERE } from "../../../runtime/core/index.ts";

const sender = { send: () => false, request: () => Promise.reject(new Error("nobody is there")) };

/** A ref of its own each time, as of an actor on another thread. */
function refOf(id: number): ActorRef {
  return new ActorRef(sender, { node: HERE, thread: 1, id, incarnation: 1 }, null);
}

const step = fc.record({ adds: fc.boolean(), id: fc.nat(3) });

test("actors are in it once, in the order in which they came, however many there are", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let refs: Refs = null;
      let naive: number[] = [];
      for (const { adds, id } of steps) {
        refs = adds ? addRef(refs, refOf(id)) : removeRef(refs, refOf(id));
        if (!adds) naive = naive.filter((other) => other !== id);
        else if (!naive.includes(id)) naive.push(id);
        assert.deepEqual(
          listRefs(refs).map((ref) => ref.id),
          naive,
        );
        for (const one of [0, 1, 2, 3]) assert.equal(hasRef(refs, refOf(one)), naive.includes(one));
        assert.equal(refs === null, naive.length === 0, "none need nothing");
      }
    }),
  );
});
