import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import type { Batch, BatchResult } from "./schedule-batch.ts";

/**
 * `SCHEDULE_SEED=7 node --test …` runs the one schedule of that seed, and tells on failure what was
 * done and logged; with `SCHEDULE_COUNT=100` also those of the seeds that follow.
 */
const asked = process.env["SCHEDULE_SEED"];
const first = asked === undefined ? randomInt(2 ** 31) : Number(asked);
const count = Number(process.env["SCHEDULE_COUNT"] ?? (asked === undefined ? 1_000 : 1));
const perTest = 100;

async function run(from: number, until: number): Promise<BatchResult> {
  const workerData: Batch = { from, until, isTold: asked !== undefined };
  const worker = new Worker(new URL("./schedule-batch.ts", import.meta.url), { workerData });
  const [result] = (await once(worker, "message")) as [BatchResult];
  return result;
}

describe("nodes on a simulated network", () => {
  it("do the same again for the same seed", async () => {
    const [story, next] = (await run(first, first + 2)).stories;
    assert.deepEqual((await run(first, first + 1)).stories, [story]);
    assert.notEqual(next, story);
  });

  for (let from = first; from < first + count; from += perTest) {
    const until = Math.min(from + perTest, first + count);
    it(`stand random faults, of the seeds ${from} to ${until - 1}`, async (t) => {
      const { slowestMs } = await run(from, until);
      t.diagnostic(`the slowest healing took ${Math.round(slowestMs)} ms`);
    });
  }
});
