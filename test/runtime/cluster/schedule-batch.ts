/** A thread that runs the schedules of some seeds: the test runner's hooks cost it nothing there. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { describeSchedule, makeSchedule } from "./schedule.ts";
import { Simulation } from "./simulation.ts";

/** The seeds from `from` to before `until`; `isTold`: a failure tells all that was done and logged. */
export interface Batch {
  readonly from: number;
  readonly until: number;
  readonly isTold: boolean;
}

export interface BatchResult {
  /** What happened, of each seed. */
  readonly stories: readonly string[];
  /** How long the slowest healing took, of virtual time. */
  readonly slowestMs: number;
}

async function run(seed: number, isTold: boolean): Promise<Simulation> {
  const schedule = makeSchedule(seed);
  const simulation = new Simulation(schedule);
  try {
    await simulation.run();
  } catch (error) {
    const details = isTold ? `\n${describeSchedule(schedule)}\n${simulation.story()}` : "";
    throw new Error(`SCHEDULE_SEED=${seed} runs this one alone${details}`, { cause: error });
  }
  return simulation;
}

async function runBatch({ from, until, isTold }: Batch): Promise<BatchResult> {
  const stories: string[] = [];
  let slowestMs = 0;
  for (let seed = from; seed < until; seed += 1) {
    const simulation = await run(seed, isTold);
    stories.push(simulation.story());
    slowestMs = Math.max(slowestMs, simulation.convergedInMs);
  }
  return { stories, slowestMs };
}

if (!isMainThread) parentPort?.postMessage(await runBatch(workerData as Batch));
