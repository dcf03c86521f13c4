import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Behaviour, type CallOptions, startCallKit } from "./call-kit.ts";

test("whatever happens: one end, nothing twice that may not be, and everything given back", async () => {
  const behaviour = fc.constantFrom<Behaviour>(
    "ok",
    "broken",
    "crash",
    "refuse",
    "hang",
    "no_room",
  );
  const workers = fc.array(
    fc.record({
      behaviours: fc.array(behaviour, { minLength: 1, maxLength: 4 }),
      node: fc.constantFrom("local", "b"),
      isDead: fc.boolean(),
    }),
    { maxLength: 4 },
  );
  const rules = fc.record({
    retry: fc.constantFrom(null, { allNodes: 2 }, { sameNode: 2 }, { allNodes: 10 }),
    idempotent: fc.boolean(),
    chooseNodeMode: fc.constantFrom("random", "hash", "round_robin", "least_loaded"),
    timeoutMs: fc.constantFrom(100, 700, 3_000),
  });
  const breaker = fc.constantFrom<"closed" | "open" | "probe" | "refused">(
    ...(["closed", "open", "probe", "refused"] as const),
  );
  await fc.assert(
    fc.asyncProperty(
      workers,
      fc.array(rules, { minLength: 1, maxLength: 5 }),
      breaker,
      fc.nat(9_999),
      async (list, calls, state, seed) => {
        const kit = await startCallKit(null, seed);
        for (const { behaviours, node, isDead } of list) {
          const worker = await kit.worker([...behaviours], { node });
          if (isDead) kit.kill(worker);
        }
        await kit.kernel.settle();
        const refusal = { retryAfterMs: 100 };
        if (state === "open") kit.breakers.refusals.set("local/users/get", refusal);
        if (state === "probe")
          kit.breakers.refusals.set("local/users/get", () => Promise.resolve(null));
        if (state === "refused") {
          kit.breakers.refusals.set("b/users", () => Promise.resolve(refusal));
        }
        for (const options of calls as CallOptions[]) {
          const before = kit.begun;
          const startedAt = kit.context.clock.now();
          const seen = kit.call(options);
          await kit.ended(seen);
          const begun = kit.begun - before;
          const { retry = null, idempotent = false, timeoutMs = 0 } = options;
          const repeats =
            retry === null ? 0 : "allNodes" in retry ? retry.allNodes : retry.sameNode;
          if (retry === null && !idempotent) assert.ok(begun <= 1, `${begun} times`);
          if (retry !== null) assert.ok(begun <= repeats + 1, `${begun} times`);
          if (seen.end === "ok") assert.ok(begun >= 1);
          if (["unavailable", "circuit_open"].includes(seen.end ?? "")) assert.equal(begun, 0);
          assert.ok(seen.endedAt - startedAt <= timeoutMs + 20);
        }
        assert.equal(kit.shared.budget.calls, 0);
        assert.equal(kit.shared.budget.retries, 0);
        for (const replica of kit.replicas) assert.equal(replica.inFlight, 0);
        assert.equal(kit.breakers.settlements.length, kit.breakers.admitted);
      },
    ),
    { numRuns: 60 },
  );
});
