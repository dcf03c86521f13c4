import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createSystem } from "#runtime";
import { LimiterShard, Limits, limitsName, parseLimitConfig } from "../actors/limits/index.ts";
import { WindowStore } from "../actors/limits/window-store.ts";
import { LimitAsker } from "./limit-asker.ts";
import { type BenchModule, median, millions, type Row, type Scale } from "./report.ts";

const child = fileURLToPath(new URL("./limits-child.ts", import.meta.url));
const users = 10_000;
const inFlight = 50;
const config = {
  globalLimits: [
    { key: "user_id", maxRequests: 100, windowMs: 1_000 },
    { key: "user_id", maxRequests: 1_000, windowMs: 60_000 },
  ],
  apiLimits: [
    { service: "users", requestType: "get", key: "user_id", maxRequests: 50, windowMs: 1_000 },
  ],
};

/** What the rate limiter costs: checks, memory, and the longest that it keeps its thread. */
export const limits: BenchModule = {
  name: "limits",
  async run(scale: Scale): Promise<Row[]> {
    return [...(await measureChecks(scale)), ...(await measureMemory(scale))];
  },
};

async function measureChecks(scale: Scale): Promise<Row[]> {
  const store = new WindowStore(268_435_456, 42);
  const numbers = [1];
  store.setRule({ number: 1, maxRequests: 100, windowMs: 1_000 });
  const values = Array.from({ length: users }, (_, user) => [`user-${user}`]);
  const system = await createSystem({ threads: 0 });
  const parsed = parseLimitConfig(config);
  if (!parsed.ok) throw new Error(parsed.faults.join("\n"));
  await system.spawn(LimiterShard, { name: "limiter-1" });
  await system.spawn(Limits, { name: limitsName, args: [parsed.config, 1] });
  const asker = await system.spawn(LimitAsker, { args: [users] });
  const patient = asker.askWith({ timeoutMs: 600_000 });
  // A few ms each: other work of the machine then falls between most of them.
  const rounds = scale === "full" ? 50 : 1;
  const each = scale === "full" ? 20_000 : 1_000;
  const asks = (requestType: string) => () => patient.check(requestType, inFlight, each / inFlight);
  const checkStore = async (): Promise<void> => {
    for (let check = 0; check < each; check += 1) {
      store.admit(numbers, values[(check * 7) % users] as string[], performance.now());
    }
  };
  const work = [checkStore, asks("list"), asks("get"), asks("")];
  const [inStoreUs, globalUs, apiUs, noneUs] = await measureCpuUs(work, each, rounds);
  await system.stop();
  const perSecond = (us = Number.NaN): number => 1e6 / us;
  const addedUs = (us = Number.NaN): string => `${(us - (noneUs ?? 0)).toFixed(2)} µs`;
  const shown = users.toLocaleString("en");
  return [
    {
      what: `rate limit checks in a thread, in the store, ${shown} users, by CPU time`,
      wanted: "1.5 M/s",
      measured: `${millions(perSecond(inStoreUs))}/s`,
      met: scale === "smoke" ? null : perSecond(inStoreUs) >= 1.5e6,
    },
    {
      what: "the same through the limiter actor of the thread, 3 rules a request",
      wanted: "",
      measured: `${millions(3 * perSecond(apiUs))}/s`,
      met: null,
    },
    {
      what: "CPU that 2 global limits add to a request, with an API limit more",
      wanted: "",
      measured: `${addedUs(globalUs)}, ${addedUs(apiUs)}`,
      met: null,
    },
  ];
}

/**
 * CPU of this thread for one of `operations`, µs, of each kind of work: the median of the rounds,
 * in which the kinds take turns. By CPU time, because the wanted rate is that of a thread that has
 * a core, whatever else the machine does.
 */
async function measureCpuUs(
  work: readonly (() => Promise<void>)[],
  operations: number,
  rounds: number,
): Promise<number[]> {
  const costs: number[][] = work.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, run] of work.entries()) {
      const before = process.threadCpuUsage();
      await run();
      const { user, system } = process.threadCpuUsage(before);
      costs[index]?.push((user + system) / operations);
    }
  }
  return costs.map(median);
}

type Part = "cpuMs" | "realMs" | "fillMs" | "expireMs";

interface Measured {
  readonly bytesOne: number;
  readonly bytesMany: number;
  readonly pauses: readonly Record<Part, number>[];
}

async function measureMemory(scale: Scale): Promise<Row[]> {
  const keys = scale === "full" ? 1_000_000 : 20_000;
  const rounds = scale === "full" ? 3 : 1;
  const options = ["--expose-gc", child, String(keys), String(rounds)];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  const { bytesOne, bytesMany, pauses }: Measured = JSON.parse(stdout);
  const of = (part: Part): number => median(pauses.map((round) => round[part]));
  const seconds = (part: Part): string => (of(part) / 1_000).toFixed(2);
  const shown = keys.toLocaleString("en");
  const some = (keys / 10).toLocaleString("en");
  const bytesRow = (bytes: number, requests: string): Row => ({
    what: `memory a key beside 8 B a request, ${some} keys, ${requests}`,
    wanted: "≤ 200 B",
    measured: `${Math.round(bytes)} B`,
    met: scale === "smoke" ? null : bytes <= 200,
  });
  return [
    bytesRow(bytesOne, "1 request each"),
    bytesRow(bytesMany, "20 requests each"),
    {
      what: `longest pause while ${shown} keys come (${seconds("fillMs")} s) and expire (${seconds("expireMs")} s)`,
      wanted: "≤ 10 ms",
      measured: `${of("cpuMs").toFixed(1)} ms, with the machine's other work ${of("realMs").toFixed(1)} ms`,
      met: scale === "smoke" ? null : of("cpuMs") <= 10,
    },
  ];
}
