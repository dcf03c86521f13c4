import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { PermitQueue } from "../../../actors/breaker/permit-queue.ts";

interface Place {
  readonly holder: string;
  readonly ticket: number;
}

/** Two lists, and whoever is told. */
class PlainQueue {
  readonly told: string[] = [];
  inside: Place[] = [];
  waiting: Place[] = [];
  limits = { maxConcurrent: 1, maxQueue: 0 };

  enter(place: Place): string {
    if (this.inside.length < this.limits.maxConcurrent) {
      this.inside.push(place);
      return "held";
    }
    if (this.waiting.length >= this.limits.maxQueue) return "full";
    this.waiting.push(place);
    return "waiting";
  }

  remove(goes: (place: Place) => boolean): void {
    for (const { ticket } of this.waiting.filter(goes)) this.told.push(`${ticket} false`);
    this.waiting = this.waiting.filter((place) => !goes(place));
    this.inside = this.inside.filter((place) => !goes(place));
    this.letIn();
  }

  letIn(): void {
    while (this.inside.length < this.limits.maxConcurrent) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.inside.push(next);
      this.told.push(`${next.ticket} true`);
    }
  }
}

type Step =
  | { readonly what: "enter" | "drop" | "adopt"; readonly holder: string }
  | { readonly what: "leave"; readonly pick: number }
  | { readonly what: "resize"; readonly maxConcurrent: number; readonly maxQueue: number };

const holder = fc.constantFrom("one", "two", "three");
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant("enter" as const), holder }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant("leave" as const), pick: fc.nat(1_000) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom("drop", "adopt"), holder }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("resize" as const),
      maxConcurrent: fc.integer({ min: 1, max: 5 }),
      maxQueue: fc.nat(6),
    }),
  },
);

it("does what two lists do, in their order, and keeps nothing of who has left", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 200, size: "max" }), (list) => {
      const queue = new PermitQueue();
      const plain = new PlainQueue();
      const told: string[] = [];
      let ticket = 0;
      for (const step of list) {
        if (step.what === "enter") {
          ticket += 1;
          const mine = ticket;
          const entrance = queue.enter(step.holder, mine, (granted) =>
            told.push(`${mine} ${granted}`),
          );
          assert.equal(entrance, plain.enter({ holder: step.holder, ticket }));
        } else if (step.what === "leave") {
          const all = [...plain.inside, ...plain.waiting];
          const chosen = all[step.pick % Math.max(1, all.length)] ?? { holder: "one", ticket: 0 };
          queue.leave(chosen.holder, chosen.ticket);
          queue.leave(chosen.holder, chosen.ticket);
          plain.remove((place) => place === chosen);
        } else if (step.what === "drop") {
          queue.drop(step.holder);
          plain.remove((place) => place.holder === step.holder);
        } else if (step.what === "adopt") {
          ticket += 1;
          for (let twice = 0; twice < 2; twice += 1) queue.adopt(step.holder, ticket);
          plain.inside.push({ holder: step.holder, ticket });
        } else if (step.what === "resize") {
          queue.resize(step);
          plain.limits = step;
          plain.letIn();
        }
        assert.deepEqual(told, plain.told);
        assert.deepEqual([queue.held, queue.waiting], [plain.inside.length, plain.waiting.length]);
        const holders = new Set([...plain.inside, ...plain.waiting].map((place) => place.holder));
        assert.equal(queue.holders, holders.size);
      }
    }),
    { numRuns: 1_000 },
  );
});

it("takes as long for the last of 100,000 as for the first", () => {
  const queue = new PermitQueue();
  const count = 100_000;
  queue.resize({ maxConcurrent: 1, maxQueue: count });
  let last = 0;
  for (let ticket = 1; ticket <= count; ticket += 1) {
    queue.enter("one", ticket, (granted) => {
      assert.equal(granted, true);
      assert.equal(ticket, last + 1);
      last = ticket;
    });
  }
  last = 1;
  for (let ticket = 1; ticket <= count; ticket += 1) queue.leave("one", ticket);
  assert.equal(last, count);
  assert.deepEqual([queue.held, queue.waiting, queue.holders], [0, 0, 0]);
});
