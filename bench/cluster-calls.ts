import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { freePorts } from "#runtime/testing";
import {
  call,
  connections,
  costRow,
  echo,
  gatewayUrl,
  inlineCall,
  measureCosts,
} from "./gateway-load.ts";
import type { Row, Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";
import { Load } from "./ws-load.ts";

/** Waits until the gateway knows what the service node offers. */
async function untilServed(url: string): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  socket.send(inlineCall.join ?? "");
  await once(socket, "message");
  for (let answer = ""; !answer.includes('"hello"'); ) {
    socket.send(inlineCall.request);
    const [data] = await once(socket, "message");
    answer = String(data);
    if (!answer.includes('"hello"')) await sleep(20);
  }
  socket.terminate();
}

/** Calls of a function on a service node, by the CPU time of both, beside a bare `ws` echo. */
export async function measureCalls(scale: Scale): Promise<Row[]> {
  const [durationMs, rounds] = scale === "full" ? [2_000, 5] : [100, 1];
  const [gatewayPort, servicePort] = await freePorts(2);
  const gatewayName = `gateway@127.0.0.1:${gatewayPort}`;
  const serviceName = `users@127.0.0.1:${servicePort}`;
  const [bare, gateway, service] = await Promise.all([
    ServerProcess.start("./ws-echo-server.ts"),
    ServerProcess.start("./cluster-gateway-node.ts", ["gateway", gatewayName]),
    ServerProcess.start("./cluster-gateway-node.ts", ["service", serviceName, gatewayName]),
  ]);
  const loads: Load[] = [];
  const connect = async (...args: Parameters<typeof Load.connect>): Promise<Load> => {
    const load = await Load.connect(...args);
    loads.push(load);
    return load;
  };
  const rows: Row[] = [];
  try {
    const url = gatewayUrl(gateway.port);
    await untilServed(url);
    const bareUrl = `ws://127.0.0.1:${bare.port}`;
    const nodes = [gateway, service];
    const sides = {
      bare: { servers: [bare], load: await connect(bareUrl, connections, echo) },
      call: { servers: nodes, load: await connect(url, connections, call) },
      inline: { servers: nodes, load: await connect(url, connections, inlineCall) },
    };
    for (const [window, limit] of [
      [1, 3.5],
      [16, 1.2],
    ] as const) {
      const costs = await measureCosts(sides, window, durationMs, rounds);
      const what =
        `CPU of a sync call of a service node, gateway and service node together, ${connections} ` +
        `connections, ${window} in flight (bare \`ws\` echo ${costs.bare.toFixed(1)} µs)`;
      rows.push(
        costRow(what, costs.call, costs.bare, limit),
        costRow('the same with `reply: "inline"`', costs.inline, costs.bare, null),
      );
    }
  } finally {
    for (const load of loads) load.close();
    await Promise.all([bare.stop(), service.stop(), gateway.stop()]);
  }
  return rows;
}
