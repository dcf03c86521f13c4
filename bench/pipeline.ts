import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { WebSocket } from "ws";
import { telemetry } from "../actors/diagnostics/index.ts";
import { type BenchModule, median, type Row, type Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";
import { Load } from "./ws-load.ts";

const join = '["1","1","api:lobby","phx_join",{"reply":"inline"}]';
const args = JSON.stringify({
  id: "0b5a3f6e-7a8c-4d0e-9a55-1c8f6b1f2d3e",
  name: "Ada Lovelace",
  count: 17,
  active: true,
  tags: ["mathematics", "engines", "poetry"],
});

/** A call of a function of the pipeline's service; its Response is the reply. */
function call(requestType: string): string {
  return (
    `["1","7","api:lobby","api",{"service":"pipeline_service","request_type":"${requestType}",` +
    `"request_id":"req_1","args":${args}}]`
  );
}

interface Side {
  readonly server: ServerProcess;
  readonly load: Load;
  readonly costs: number[];
}

async function open(mode: string, requestType: string): Promise<Side> {
  const server = await ServerProcess.start("./gateway-server.ts", [mode]);
  const url = `ws://127.0.0.1:${server.port}/socket/websocket?vsn=2.0.0`;
  const protocol = { join, request: call(requestType), framesPerRequest: 1 };
  return { server, load: await Load.connect(url, 50, protocol), costs: [] };
}

/** What the checks of a request cost: the same function with all of them, and with none. */
async function measureChecks(scale: Scale): Promise<Row[]> {
  const [durationMs, rounds] = scale === "full" ? [2_000, 7] : [100, 1];
  const sides = {
    bare: await open("bare", "unchecked"),
    full: await open("limited", "checked"),
    heard: await open("heard", "unchecked"),
  };
  try {
    for (let round = 0; round <= rounds; round += 1) {
      for (const { server, load, costs } of Object.values(sides)) {
        const before = await server.usage();
        const requests = await load.run(4, durationMs);
        const cost = ((await server.usage()).cpuUs - before.cpuUs) / requests;
        // The first round warms up.
        if (round > 0) costs.push(cost);
      }
    }
  } finally {
    for (const { server, load } of Object.values(sides)) {
      load.close();
      await server.stop();
    }
  }
  const [bare, full, heard] = [sides.bare, sides.full, sides.heard].map(({ costs }) =>
    median(costs),
  ) as [number, number, number];
  const what =
    "CPU that role, 2 global limits and 1 of the API, 5 typed arguments and the breaker add to a " +
    `sync call (${bare.toFixed(1)} µs without)`;
  return [
    {
      what,
      wanted: "≤ 4 µs",
      measured: `${(full - bare).toFixed(1)} µs`,
      met: scale === "full" ? full - bare <= 4 : null,
    },
    {
      what: "CPU that a listener to telemetry adds",
      wanted: "",
      measured: `${(heard - bare).toFixed(1)} µs`,
      met: null,
    },
  ];
}

/** What a request pays for its events when nobody listens: three looks at their channels. */
function measureSilence(scale: Scale): Row[] {
  const rounds = scale === "full" ? 50_000_000 : 100_000;
  const { executorRequestStart, executorRequestStop, executorRequestException } = telemetry;
  let heard = 0;
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    if (executorRequestStart.hasSubscribers) heard += 1;
    if (executorRequestStop.hasSubscribers || executorRequestException.hasSubscribers) heard += 1;
  }
  const nanoseconds = ((performance.now() - startedAt) * 1e6) / rounds;
  if (heard > 0) throw new Error("somebody listens");
  const measured = `${nanoseconds.toFixed(1)} ns`;
  return [{ what: "telemetry of a request that nobody hears", wanted: "", measured, met: null }];
}

/** Streams of 1,000 chunks, one after the other, on one connection. */
async function measureStream(scale: Scale): Promise<Row[]> {
  const durationMs = scale === "full" ? 3_000 : 100;
  const server = await ServerProcess.start("./gateway-server.ts");
  const url = `ws://127.0.0.1:${server.port}/socket/websocket?vsn=2.0.0`;
  const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
  await once(socket, "open");
  socket.send(join);
  await once(socket, "message");
  const request = call("chunks").replace(args, "{}");
  let chunks = 0;
  let startedAt = 0;
  const rates: number[] = [];
  const endsAt = performance.now() + durationMs;
  await new Promise<void>((resolve, reject) => {
    socket.on("close", (code) => reject(new Error(`closed with ${code} under load`)));
    socket.on("message", (data: Buffer) => {
      // The acknowledgement, and the end.
      if (data.includes('"result":"init"')) return;
      if (data.includes('"has_more":true')) {
        chunks += 1;
        return;
      }
      rates.push((chunks * 1_000) / (performance.now() - startedAt));
      if (chunks !== 1_000) reject(new Error(`a stream of ${chunks} chunks: ${data}`));
      else if (performance.now() < endsAt) begin();
      else resolve();
    });
    const begin = (): void => {
      chunks = 0;
      startedAt = performance.now();
      socket.send(request);
    };
    begin();
  });
  socket.terminate();
  await server.stop();
  const rate = median(rates.slice(Math.floor(rates.length / 4)));
  return [
    {
      what: "chunks of a stream of 1,000, on one connection",
      wanted: "150,000/s",
      measured: `${Math.round(rate / 1_000)},000/s`,
      met: scale === "full" ? rate >= 150_000 : null,
    },
  ];
}

/** What the whole request pipeline costs beside a call without it, and how fast streams are. */
export const pipeline: BenchModule = {
  name: "pipeline",
  async run(scale: Scale): Promise<Row[]> {
    const checks = await measureChecks(scale);
    return [...checks, ...measureSilence(scale), ...(await measureStream(scale))];
  },
};
