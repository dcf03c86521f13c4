import type { Losses } from "./cluster-actors.ts";
import type { NodePair } from "./node-pair.ts";
import type { Row, Scale } from "./report.ts";

/** Asks and monitors that are pending at each kill. */
const pending = 100;

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function row(what: string, values: readonly number[]): Row {
  const [p50, p99] = [percentile(values, 0.5), percentile(values, 0.99)];
  return {
    what,
    wanted: "p99 ≤ 50 ms",
    measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    met: p99 <= 50,
  };
}

/** How long after a kill -9 of a node those hear of it who wait for something there. */
export async function measureLoss(pair: NodePair, scale: Scale): Promise<Row[]> {
  const kills = scale === "full" ? 20 : 1;
  const asks: number[] = [];
  const watches: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    if (kill > 0) await pair.restartPeer();
    const losses = await pair.asker.call("lose", pair.peerName, pair.peer.pid, pending);
    asks.push(...(losses as Losses).asks);
    watches.push(...(losses as Losses).watches);
  }
  const when = `after a kill -9 of the node, ${kills} kills, ${pending} at each`;
  return [row(`pending asks fail ${when}`, asks), row(`monitors fire ${when}`, watches)];
}
