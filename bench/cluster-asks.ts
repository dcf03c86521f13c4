import { freePorts } from "#runtime/testing";
import { median, type Row, type Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";

/** Asks in flight, and how many times cheaper than the peer's an ask has to be. */
const loads = [
  { inFlight: 1, wanted: 1.3 },
  { inFlight: 50, wanted: 3 },
  { inFlight: 500, wanted: 4 },
];

/** Two processes of which one asks the other. */
export interface AskingPair {
  /** CPU time of both since their start, µs. */
  cpuUs(): Promise<number>;
  /** How many asks were answered. */
  ask(inFlight: number, durationMs: number): Promise<number>;
  stop(): Promise<void>;
}

/** Two nodes of Moleculer that have met. */
export async function startMoleculer(): Promise<AskingPair> {
  const [port] = await freePorts(1);
  const [echo, asker] = await Promise.all([
    ServerProcess.start("./cluster-moleculer.ts", [`${port}`, "echo"]),
    ServerProcess.start("./cluster-moleculer.ts", [`${port}`, "asker"]),
  ]);
  return {
    cpuUs: async () => (await echo.usage()).cpuUs + (await asker.usage()).cpuUs,
    ask: async (...load) => (await asker.call("ask", ...load)) as number,
    async stop() {
      await Promise.all([asker.stop(), echo.stop()]);
    },
  };
}

interface Figures {
  readonly costUs: number;
  readonly perSecond: number;
}

async function measureOnce(
  side: AskingPair,
  inFlight: number,
  durationMs: number,
): Promise<Figures> {
  const before = await side.cpuUs();
  const asks = await side.ask(inFlight, durationMs);
  const costUs = ((await side.cpuUs()) - before) / asks;
  return { costUs, perSecond: (asks * 1_000) / durationMs };
}

function medians(figures: readonly Figures[]): Figures {
  return {
    costUs: median(figures.map(({ costUs }) => costUs)),
    perSecond: median(figures.map(({ perSecond }) => perSecond)),
  };
}

function formatFigures({ costUs, perSecond }: Figures): string {
  return `${costUs.toFixed(1)} µs, ${Math.round(perSecond).toLocaleString("en")}/s`;
}

/** Asks between two nodes beside Moleculer's, by the CPU time of both processes. */
export async function measureAsks(
  own: AskingPair,
  moleculer: AskingPair,
  scale: Scale,
): Promise<Row[]> {
  const [durationMs, rounds] = scale === "full" ? [2_000, 5] : [100, 1];
  const rows: Row[] = [];
  for (const { inFlight, wanted } of loads) {
    const figures = { own: [] as Figures[], moleculer: [] as Figures[] };
    // In turns, so that a noisy moment hits both; the first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const theirs = await measureOnce(moleculer, inFlight, durationMs);
      const ours = await measureOnce(own, inFlight, durationMs);
      if (round === 0) continue;
      figures.moleculer.push(theirs);
      figures.own.push(ours);
    }
    const [ours, theirs] = [medians(figures.own), medians(figures.moleculer)];
    const ratio = theirs.costUs / ours.costUs;
    rows.push({
      what:
        `CPU of an ask from node to node, both processes, ${inFlight} in flight ` +
        `(Moleculer over TCP ${formatFigures(theirs)})`,
      wanted: `${wanted} ×`,
      measured: `${formatFigures(ours)}, ${ratio.toFixed(1)} ×`,
      met: ratio >= wanted,
    });
  }
  return rows;
}
