import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, it } from "node:test";
import { describeSchedule, makeSchedule } from "./schedule.ts";
import { Simulation } from "./simulation.ts";

/**
 * `SCHEDULE_SEED=7 node --test …` runs the one schedule of that seed, and tells on failure what was
 * done and logged; with `SCHEDULE_COUNT=100` also those of the seeds that follow.
 */
const asked = process.env["SCHEDULE_SEED"];
const first = asked === undefined ? randomInt(2 ** 31) : Number(asked);
const count = Number(process.env["SCHEDULE_COUNT"] ?? (asked === undefined ? 1_000 : 1));
const perTest = 100;

/** Runs the schedule of a seed; what happened there, as one text, and how long the healing took. */
async function run(seed: number): Promise<{ story: string; convergedInMs: number }> {
  const schedule = makeSchedule(seed);
  const simulation = new Simulation(schedule);
  try {
    await simulation.run();
  } catch (error) {
    const details = `${describeSchedule(schedule)}\n${simulation.story()}`;
    const hint = `SCHEDULE_SEED=${seed} runs this one alone`;
    throw new Error(asked === undefined ? hint : `${hint}\n${details}`, { cause: error });
  }
  return { story: simulation.story(), convergedInMs: simulation.convergedInMs };
}

describe("nodes on a simulated network", () => {
  it("do the same again for the same seed", async () => {
    const { story } = await run(first);
    assert.equal((await run(first)).story, story);
    assert.notEqual((await run(first + 1)).story, story);
  });

  for (let from = first; from < first + count; from += perTest) {
    const until = Math.min(from + perTest, first + count);
    it(`stand random faults, of the seeds ${from} to ${until - 1}`, async (t) => {
      let slowestMs = 0;
      for (let seed = from; seed < until; seed += 1) {
        const { convergedInMs } = await run(seed);
        slowestMs = Math.max(slowestMs, convergedInMs);
      }
      t.diagnostic(`the slowest healing took ${Math.round(slowestMs)} ms`);
    });
  }
});
