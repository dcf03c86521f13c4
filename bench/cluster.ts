import { measureAsks, startMoleculer } from "./cluster-asks.ts";
import { measureCalls } from "./cluster-calls.ts";
import { measureLoss } from "./cluster-loss.ts";
import { measureFlood, measureLargeAnswer } from "./cluster-traffic.ts";
import { NodePair } from "./node-pair.ts";
import type { BenchModule, Row, Scale } from "./report.ts";

async function measureNodes(scale: Scale): Promise<Row[]> {
  const [pair, moleculer] = await Promise.all([NodePair.start(), startMoleculer()]);
  try {
    const asks = await measureAsks(pair, moleculer, scale);
    await moleculer.stop();
    return [
      ...asks,
      ...(await measureFlood(pair, scale)),
      ...(await measureLargeAnswer(pair, scale)),
      ...(await measureLoss(pair, scale)),
    ];
  } finally {
    await Promise.all([pair.stop(), moleculer.stop()]);
  }
}

/** Nodes in processes of their own: asks, calls through a gateway, bulk, and what a loss costs. */
export const cluster: BenchModule = {
  name: "cluster",
  async run(scale: Scale): Promise<Row[]> {
    return [...(await measureNodes(scale)), ...(await measureCalls(scale))];
  },
};
