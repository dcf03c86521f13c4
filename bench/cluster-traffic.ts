import { setTimeout as sleep } from "node:timers/promises";
import type { Flooded, Pings } from "./cluster-actors.ts";
import type { NodePair } from "./node-pair.ts";
import { median, type Row, type Scale } from "./report.ts";

const messageBytes = 64 * 1_024;
const bytesPerSecond = 100e6;
/** More than any connection takes. */
const noPace = 1e15;
const answerBytes = 50e6;
const mebibyte = 1_024 * 1_024;
/** What garbage that waits for its collection may make of difference. */
const slackBytes = 32 * mebibyte;

/** Memory of both processes, every so often until `until` resolves, bytes. */
async function sampleMemory(pair: NodePair, until: Promise<unknown>): Promise<number[][]> {
  const samples: number[][] = [];
  let isOver = false;
  const over = until.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    samples.push(await Promise.all([pair.asker.rss(), pair.peer.rss()]));
    await Promise.race([over, sleep(100)]);
  }
  return samples;
}

/** The highest of the first and of the second half of each process, without the first seconds. */
function selectPeaks(samples: readonly number[][]): { from: number; to: number }[] {
  const settled = samples.slice(Math.floor(samples.length / 5));
  const middle = Math.ceil(settled.length / 2);
  const peak = (part: readonly number[][], process: number): number =>
    Math.max(...part.map((sample) => sample[process] ?? 0));
  return [0, 1].map((process) => ({
    from: peak(settled.slice(0, middle), process),
    to: peak(settled.slice(middle), process),
  }));
}

async function flood(pair: NodePair, pace: number, durationMs: number): Promise<Flooded> {
  const args = [pair.peerName, messageBytes, pace, durationMs];
  return (await pair.asker.call("flood", ...args)) as Flooded;
}

/** 64 KiB messages at a steady pace, with the memory of both nodes, and as many as go through. */
export async function measureFlood(pair: NodePair, scale: Scale): Promise<Row[]> {
  const durationMs = scale === "full" ? 10_000 : 300;
  const before = await pair.cpuUs();
  const flooding = flood(pair, bytesPerSecond, durationMs);
  const samples = await sampleMemory(pair, flooding);
  const { sent, refused, tookMs } = await flooding;
  const cpu = ((await pair.cpuUs()) - before) / 1_000 / tookMs;
  const rate = (sent * messageBytes * 1_000) / tookMs;
  const peaks = selectPeaks(samples);
  const isFlat = peaks.every(({ from, to }) => to - from <= slackBytes);
  const memory = peaks.map(({ from, to }) => {
    return `${Math.round(from / mebibyte)} → ${Math.round(to / mebibyte)} MiB`;
  });
  const most = await flood(pair, noPace, durationMs / 3);
  const mostRate = (most.sent * messageBytes * 1_000) / most.tookMs;
  return [
    {
      what:
        "64 KiB messages from node to node for 10 s, memory of both processes (highest of the " +
        "first half → of the second)",
      wanted: "100 MB/s, flat",
      measured:
        `${Math.round(rate / 1e6)} MB/s, ${memory.join(", ")}, ${cpu.toFixed(2)} cores, ` +
        `${refused} refused`,
      met: rate >= bytesPerSecond * 0.98 && isFlat,
    },
    {
      what: "the same, as many as go through",
      wanted: "",
      measured: `${Math.round(mostRate / 1e6)} MB/s`,
      met: null,
    },
  ];
}

/** Pings on the connection that a large answer comes over. */
export async function measureLargeAnswer(pair: NodePair, scale: Scale): Promise<Row[]> {
  const rounds = scale === "full" ? 9 : 1;
  const alone: number[] = [];
  const beside: number[] = [];
  let refused = 0;
  for (let round = 0; round < rounds; round += 1) {
    const quiet = (await pair.asker.call("pingAlone", pair.peerName, 200)) as Pings;
    const pings = (await pair.asker.call("pingBeside", pair.peerName, answerBytes)) as Pings;
    alone.push(quiet.worstMs);
    beside.push(pings.worstMs);
    refused += pings.refused;
  }
  const middle = median(beside);
  const worst = `worst of all ${Math.max(...beside).toFixed(1)} ms`;
  return [
    {
      what:
        "worst ping beside an answer of 50 MB on the same connection, median of " +
        `${rounds} (alone ${median(alone).toFixed(1)} ms)`,
      wanted: "≤ 20 ms",
      measured: `${middle.toFixed(1)} ms, ${worst}${refused > 0 ? `, ${refused} refused` : ""}`,
      met: middle <= 20 && refused === 0,
    },
  ];
}
