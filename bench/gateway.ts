import { type BenchModule, median, type Row, type Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";
import { Load, type LoadProtocol } from "./ws-load.ts";

const connections = 50;
const request =
  '["1","7","api:lobby","api",{"service":"echo_service","request_type":"echo",' +
  '"request_id":"req_1","args":{"message":"hello"}}]';
const echo: LoadProtocol = { join: null, request, framesPerRequest: 1 };
/** A push with the Response and a reply, as every Phoenix client gets it. */
const call: LoadProtocol = {
  join: '["1","1","api:lobby","phx_join",{}]',
  request,
  framesPerRequest: 2,
};
const inlineCall: LoadProtocol = {
  join: '["1","1","api:lobby","phx_join",{"reply":"inline"}]',
  request,
  framesPerRequest: 1,
};

/** CPU time of the server per request, µs. */
async function cpuPerRequest(
  server: ServerProcess,
  load: Load,
  window: number,
  durationMs: number,
): Promise<number> {
  const before = await server.usage();
  const requests = await load.run(window, durationMs);
  return ((await server.usage()).cpuUs - before.cpuUs) / requests;
}

async function measureCalls(scale: Scale): Promise<Row[]> {
  const [durationMs, rounds] = scale === "full" ? [2_000, 5] : [100, 1];
  const bare = await ServerProcess.start("./ws-echo-server.ts");
  const gateway = await ServerProcess.start("./gateway-server.ts");
  const url = `ws://127.0.0.1:${gateway.port}/socket/websocket?vsn=2.0.0&user_id=bench`;
  const loads = {
    bare: await Load.connect(`ws://127.0.0.1:${bare.port}`, connections, echo),
    call: await Load.connect(url, connections, call),
    inline: await Load.connect(url, connections, inlineCall),
  };
  const rows: Row[] = [];
  try {
    for (const [window, limit] of [
      [1, 1.6],
      [16, 0.8],
    ] as const) {
      const costs = { bare: [] as number[], call: [] as number[], inline: [] as number[] };
      // In turns, so that a noisy moment hits all; the first round warms up.
      for (let round = 0; round <= rounds; round += 1) {
        const warm = round > 0;
        const cost = {
          bare: await cpuPerRequest(bare, loads.bare, window, durationMs),
          call: await cpuPerRequest(gateway, loads.call, window, durationMs),
          inline: await cpuPerRequest(gateway, loads.inline, window, durationMs),
        };
        if (!warm) continue;
        costs.bare.push(cost.bare);
        costs.call.push(cost.call);
        costs.inline.push(cost.inline);
      }
      const yardstick = median(costs.bare);
      const row = (what: string, measured: number, wanted: string): Row => {
        const ratio = measured / yardstick;
        const figures = `${measured.toFixed(1)} µs, ${ratio.toFixed(2)} ×`;
        return { what, wanted, measured: figures, met: wanted === "" ? null : ratio <= limit };
      };
      const load = `${connections} connections, ${window} in flight`;
      const against = `(bare \`ws\` echo ${yardstick.toFixed(1)} µs)`;
      rows.push(
        row(`CPU of a sync call, ${load} ${against}`, median(costs.call), `≤ ${limit} ×`),
        row(`the same with \`reply: "inline"\``, median(costs.inline), ""),
      );
    }
  } finally {
    for (const load of Object.values(loads)) load.close();
    await bare.stop();
    await gateway.stop();
  }
  return rows;
}

async function measureIdle(scale: Scale): Promise<Row[]> {
  const count = scale === "full" ? 5_000 : 100;
  const gateway = await ServerProcess.start("./gateway-server.ts");
  const url = `ws://127.0.0.1:${gateway.port}/socket/websocket?vsn=2.0.0&user_id=bench`;
  // Some beforehand, so that code and buffers that are there for good are not counted.
  const first = await Load.connect(url, 100, call);
  const before = await gateway.usage();
  const load = await Load.connect(url, count, call);
  const bytesEach = ((await gateway.usage()).rssBytes - before.rssBytes) / count;
  first.close();
  load.close();
  await gateway.stop();
  return [
    {
      what: `idle joined connection, memory of the process, ${count.toLocaleString("en")} of them`,
      wanted: "≤ 14 KiB",
      measured: `${(bytesEach / 1_024).toFixed(1)} KiB`,
      met: scale === "full" ? bytesEach <= 14 * 1_024 : null,
    },
  ];
}

/** Calls over WebSocket beside a bare `ws` echo, and what a client costs that only listens. */
export const gateway: BenchModule = {
  name: "gateway",
  async run(scale: Scale): Promise<Row[]> {
    return [...(await measureCalls(scale)), ...(await measureIdle(scale))];
  },
};
