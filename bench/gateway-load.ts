import { median, type Row } from "./report.ts";
import type { ServerProcess } from "./server-process.ts";
import type { Load, LoadProtocol } from "./ws-load.ts";

/** Connections of each load. */
export const connections = 50;

const request =
  '["1","7","api:lobby","api",{"service":"echo_service","request_type":"echo",' +
  '"request_id":"req_1","args":{"message":"hello"}}]';

/** The yardstick: the same bytes, sent back. */
export const echo: LoadProtocol = { join: null, request, framesPerRequest: 1 };

/** A push with the Response and a reply, as every Phoenix client gets it. */
export const call: LoadProtocol = {
  join: '["1","1","api:lobby","phx_join",{}]',
  request,
  framesPerRequest: 2,
};

/** The Response is the reply. */
export const inlineCall: LoadProtocol = {
  join: '["1","1","api:lobby","phx_join",{"reply":"inline"}]',
  request,
  framesPerRequest: 1,
};

/** Where clients of a gateway of the bench connect. */
export function gatewayUrl(port: number): string {
  return `ws://127.0.0.1:${port}/socket/websocket?vsn=2.0.0&user_id=bench`;
}

/** A load, and the processes whose work it is. */
export interface LoadedServers {
  readonly servers: readonly ServerProcess[];
  readonly load: Pick<Load, "run">;
}

/** CPU time of the servers per request, µs: the medians of `rounds`, the sides measured in turns. */
export async function measureCosts<Name extends string>(
  sides: Readonly<Record<Name, LoadedServers>>,
  window: number,
  durationMs: number,
  rounds: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(sides) as Name[];
  const costs = new Map(names.map((name) => [name, [] as number[]]));
  // In turns, so that a noisy moment hits all; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const { servers, load } = sides[name];
      const before = await cpuUs(servers);
      const requests = await load.run(window, durationMs);
      const cost = ((await cpuUs(servers)) - before) / requests;
      if (round > 0) costs.get(name)?.push(cost);
    }
  }
  const medians = names.map((name) => [name, median(costs.get(name) ?? [])]);
  return Object.fromEntries(medians) as Record<Name, number>;
}

/** A cost beside that of the yardstick. `limit` is null for a figure for comparison. */
export function costRow(
  what: string,
  costUs: number,
  yardstickUs: number,
  limit: number | null,
): Row {
  const ratio = costUs / yardstickUs;
  return {
    what,
    wanted: limit === null ? "" : `≤ ${limit} ×`,
    measured: `${costUs.toFixed(1)} µs, ${ratio.toFixed(2)} ×`,
    met: limit === null ? null : ratio <= limit,
  };
}

async function cpuUs(servers: readonly ServerProcess[]): Promise<number> {
  const times = await Promise.all(servers.map((server) => server.cpuUs()));
  return times.reduce((sum, cpuUs) => sum + cpuUs, 0);
}
