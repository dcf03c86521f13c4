import {
  call,
  connections,
  costRow,
  echo,
  gatewayUrl,
  inlineCall,
  measureCosts,
} from "./gateway-load.ts";
import type { BenchModule, Row, Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";
import { Load } from "./ws-load.ts";

async function measureCalls(scale: Scale): Promise<Row[]> {
  const [durationMs, rounds] = scale === "full" ? [2_000, 5] : [100, 1];
  const bare = await ServerProcess.start("./ws-echo-server.ts");
  const gateway = await ServerProcess.start("./gateway-server.ts");
  const url = gatewayUrl(gateway.port);
  const bareUrl = `ws://127.0.0.1:${bare.port}`;
  const sides = {
    bare: { servers: [bare], load: await Load.connect(bareUrl, connections, echo) },
    call: { servers: [gateway], load: await Load.connect(url, connections, call) },
    inline: { servers: [gateway], load: await Load.connect(url, connections, inlineCall) },
  };
  const rows: Row[] = [];
  try {
    for (const [window, limit] of [
      [1, 1.6],
      [16, 0.8],
    ] as const) {
      const costs = await measureCosts(sides, window, durationMs, rounds);
      const what =
        `CPU of a sync call, ${connections} connections, ${window} in flight ` +
        `(bare \`ws\` echo ${costs.bare.toFixed(1)} µs)`;
      rows.push(
        costRow(what, costs.call, costs.bare, limit),
        costRow('the same with `reply: "inline"`', costs.inline, costs.bare, null),
      );
    }
  } finally {
    for (const { load } of Object.values(sides)) load.close();
    await bare.stop();
    await gateway.stop();
  }
  return rows;
}

async function measureIdle(scale: Scale): Promise<Row[]> {
  const count = scale === "full" ? 5_000 : 100;
  const gateway = await ServerProcess.start("./gateway-server.ts");
  const url = gatewayUrl(gateway.port);
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
