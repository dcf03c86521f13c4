import assert from "node:assert/strict";
import { test } from "node:test";
import { type ActorRef, childOf, Supervisor, type System } from "#runtime";
import {
  type LimiterShard,
  type Limits,
  limitChildren,
  limitsName,
} from "../../../actors/limits/index.ts";
import { nextHolder, startSystem } from "../../fixtures/running-system.ts";
import { Checker } from "./fixtures/checker.ts";
import { configOf, textFor } from "./limit-kit.ts";

const minute = 60_000;

/** Limiters under a supervisor, and a checker on each of two threads. */
async function start(
  system: System,
  input: unknown,
): Promise<{ limits: ActorRef<Limits>; checkers: readonly ActorRef<Checker>[] }> {
  const children = limitChildren(system.schedulers, configOf(input));
  const spec = childOf(Supervisor, {
    args: [{ intensity: 100 }, children],
    type: "supervisor",
    options: { name: "limiters", thread: 0 },
  });
  await system.startChild(spec);
  const limits = system.resolve(limitsName) as ActorRef<Limits>;
  const checkers = await Promise.all(
    system.schedulers.map((thread) => system.spawn(Checker, { thread, concurrency: 1_000 })),
  );
  // What the rules are reaches a thread before what is sent to it later by the same way.
  await limits.ask.config();
  for (const checker of checkers) {
    while (await checker.ask.isSynchronous({ userId: "probe", deviceId: "probe" }));
  }
  return { limits, checkers };
}

test("one user is counted in one place, whatever thread his requests come in on", async (t) => {
  const { system, log } = await startSystem(t);
  const { limits, checkers } = await start(system, {
    // On a busy machine a shard may be silent for 250 ms; nobody is to pass uncounted for that.
    failOpen: false,
    globalLimits: [
      { key: "user_id", maxRequests: 100, windowMs: minute },
      { key: "device_id", maxRequests: 70, windowMs: minute },
    ],
  });
  for (const userId of ["ann", "bob", "cid", "dee"]) {
    const bursts = await Promise.all(checkers.map(({ ask }) => ask.burst(userId, 300)));
    const passed = bursts.reduce((sum, count) => sum + count, 0);
    assert.ok(passed <= 70, `${passed} passed`);
    // Refusals may overlap with what is about to be given back; afterwards there is the rest.
    const [checker] = checkers;
    let late = 0;
    while ((await checker?.ask.burst(userId, 1)) === 1) late += 1;
    assert.ok(passed + late <= 70, `${passed} and ${late} passed`);
    const used = (await limits.ask.status(userId))[0]?.used;
    // Whoever was not told in time has been counted all the same.
    if (log.all("rate limiter does not answer").length > 0) break;
    assert.equal(passed + late, 70);
    assert.equal(used, 70, "what the other shard refused was given back");
  }
});

test("a shard that dies is started anew, and begins to count anew", async (t) => {
  const { system, log } = await startSystem(t);
  const { limits, checkers } = await start(system, {
    failOpen: false,
    globalLimits: [{ key: "user_id", maxRequests: 5, windowMs: minute }],
  });
  const [checker] = checkers;
  assert.ok(checker);
  const userId = textFor(1, 2, "user");
  assert.equal(await checker.ask.burst(userId, 9), 5);
  const old = system.resolve("limiter-2") as ActorRef<LimiterShard>;
  // A list that is none: a defect that takes the shard down.
  await assert.rejects(old.ask.usage(null as never, userId), { code: "actor_crashed" });
  await nextHolder(system, "limiter-2", old);
  while ((await checker.ask.burst(userId, 1)) === 0);
  assert.equal(await checker.ask.burst(userId, 9), 4);
  assert.equal((await limits.ask.status(userId))[0]?.used, 5);
  assert.ok(log.all("rate limiter does not answer").length <= 1);
});
