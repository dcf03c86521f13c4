import { performance } from "node:perf_hooks";
import { setImmediate as nextLoop } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type ActorRef, createSystem } from "#runtime";
import { Sink } from "./link-actor.ts";
import { measureRates } from "./rate.ts";
import { type BenchModule, median, millions, type Row, type Scale } from "./report.ts";

/** Messages that a sender sends before it lets its thread breathe, as any real program would. */
const burst = 256;

async function sendInBursts(count: number, send: (i: number) => boolean): Promise<void> {
  for (let i = 0; i < count; ) {
    const end = Math.min(count, i + burst);
    // A refused message is sent again: the link is full until the other side has caught up.
    while (i < end && send(i)) i += 1;
    await nextLoop();
  }
}

function reply(worker: Worker): Promise<unknown> {
  return new Promise((resolve) => worker.once("message", resolve));
}

async function roundTrips(count: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    await call(i);
    times.push(performance.now() - startedAt);
  }
  return median(times) * 1_000;
}

async function measureTells(sink: ActorRef<Sink>, worker: Worker, scale: Scale): Promise<Row[]> {
  const messages = scale === "full" ? 200_000 : 1_000;
  const rates = await measureRates(
    [
      {
        name: "troupe",
        operations: messages,
        run: async () => {
          const all = sink.askWith({ timeoutMs: 60_000 }).expect(messages);
          await sendInBursts(messages, (i) => sink.tell.take(i));
          await all;
        },
      },
      {
        name: "bare",
        operations: messages,
        run: async () => {
          const all = reply(worker);
          worker.postMessage(["expect", messages]);
          await sendInBursts(messages, (i) => {
            worker.postMessage(["take", i]);
            return true;
          });
          await all;
        },
      },
    ],
    scale,
  );
  const own = rates.get("troupe") ?? Number.NaN;
  const bare = rates.get("bare") ?? Number.NaN;
  const ratio = own / bare;
  return [
    {
      what: "`tell` across threads",
      wanted: "0.8 M msg/s",
      measured: `${millions(own)} msg/s`,
      met: own >= 0.8e6,
    },
    {
      what: `the same against one \`postMessage\` per message (${millions(bare)} msg/s)`,
      wanted: "4 ×",
      measured: `${ratio.toFixed(1)} ×`,
      met: ratio >= 4,
    },
  ];
}

async function measureAsks(sink: ActorRef<Sink>, worker: Worker, scale: Scale): Promise<Row[]> {
  const count = scale === "full" ? 10_000 : 100;
  const bareCall = (i: number): Promise<unknown> => {
    const answer = reply(worker);
    worker.postMessage(["ping", i]);
    return answer;
  };
  const own: number[] = [];
  const bare: number[] = [];
  // In turns, so that a noisy moment hits both.
  for (let round = 0; round < (scale === "full" ? 5 : 1); round += 1) {
    bare.push(await roundTrips(count, bareCall));
    own.push(await roundTrips(count, (i) => sink.ask.ping(i)));
  }
  const ratio = median(own) / median(bare);
  return [
    {
      what: `\`ask\` across threads, one in flight, p50 (bare ping-pong ${median(bare).toFixed(1)} µs)`,
      wanted: "≤ 1.5 ×",
      measured: `${median(own).toFixed(1)} µs, ${ratio.toFixed(2)} ×`,
      met: ratio <= 1.5,
    },
  ];
}

/** Messages between two threads, beside a bare MessagePort in the same run. */
export const link: BenchModule = {
  name: "link",
  async run(scale: Scale): Promise<Row[]> {
    const system = await createSystem({ threads: 1 });
    const sink = await system.spawn(Sink, {
      thread: 1,
      mailboxCapacity: 1_000_000,
      concurrency: 2,
    });
    const worker = new Worker(new URL("./link-peer.ts", import.meta.url));
    try {
      return [
        ...(await measureTells(sink, worker, scale)),
        ...(await measureAsks(sink, worker, scale)),
      ];
    } finally {
      await worker.terminate();
      await system.stop();
    }
  },
};
