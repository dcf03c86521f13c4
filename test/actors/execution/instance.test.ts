import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ActorRef } from "#runtime";
import { selectInstance } from "../../../actors/execution/instance.ts";

const member = (thread: number, id: number): ActorRef => ({ thread, id }) as ActorRef;

test("an instance on the own thread, else any; each of the equals is reached", () => {
  const members = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 12 });
  fc.assert(
    fc.property(members, (threads) => {
      const all = threads.map((thread, id) => member(thread, id));
      const local = all.filter(({ thread }) => thread === 1);
      const candidates = local.length > 0 ? local : all;
      const found = new Set<ActorRef | undefined>();
      for (let step = 0; step < 120; step++) found.add(selectInstance(all, 1, () => step / 120));
      assert.deepEqual(found, new Set(all.length === 0 ? [undefined] : candidates));
    }),
  );
});
