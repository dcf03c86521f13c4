import assert from "node:assert/strict";
import { test } from "node:test";
import { createSystem } from "#runtime";
import { Mortal, MortalCaller } from "../hooks/fixtures/call-actors.ts";

for (const idempotent of [false, true]) {
  test(`a thread that dies with a call, idempotent: ${idempotent}`, async (t) => {
    const system = await createSystem({ threads: 3, intensity: 100, stallTimeoutMs: 60_000 });
    t.after(() => system.stop());
    const [home, one, other] = system.schedulers as [number, number, number];
    const caller = await system.spawn(MortalCaller, { thread: home });
    for (const thread of [one, other]) await system.spawn(Mortal, { thread });
    // Thread one learns of other threads' groups when they have said so.
    while ((await caller.ask.threads()).length < 2);
    const end = await caller.askWith({ timeoutMs: 60_000 }).call(one, idempotent);
    assert.equal(end, idempotent ? `thread ${other}` : "outcome_unknown");
  });
}
