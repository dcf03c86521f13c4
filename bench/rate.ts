import { Bench } from "tinybench";
import type { Scale } from "./report.ts";

/** A thing to measure: `operations` of it happen in each call of `run`. */
export interface Candidate {
  readonly name: string;
  readonly operations: number;
  run(): Promise<void>;
}

/**
 * Operations per second of each candidate, measured in turns within one run. The median of the
 * calls is taken: the machine's other work makes single calls slow, never fast.
 */
export async function measureRates(
  candidates: readonly Candidate[],
  scale: Scale,
): Promise<Map<string, number>> {
  const smoke = scale === "smoke";
  const bench = new Bench({
    time: smoke ? 0 : 1_500,
    iterations: smoke ? 1 : 10,
    warmupTime: 0,
    warmupIterations: smoke ? 1 : 5,
  });
  for (const { name, run } of candidates) bench.add(name, run, { async: true });
  await bench.run();
  const rates = new Map<string, number>();
  for (const { name, operations } of candidates) {
    const result = bench.getTask(name)?.result;
    if (result?.state !== "completed") throw new Error(`${name} did not complete`);
    rates.set(name, (operations * 1_000) / result.latency.p50);
  }
  return rates;
}
