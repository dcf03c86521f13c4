import { fork } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import type { BenchModule, Row, Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";

const call =
  '["1","7","api:lobby","api",{"service":"echo_service","request_type":"echo",' +
  '"request_id":"req_1","args":{"message":"hello"}}]';

/** A client that calls a function a thousand times a second or so, and takes the times. */
class Caller {
  readonly #socket: WebSocket;
  #times: number[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(url: string): Promise<Caller> {
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    await once(socket, "open");
    socket.send('["1","1","api:lobby","phx_join",{"reply":"inline"}]');
    await once(socket, "message");
    return new Caller(socket);
  }

  /** Calls until `until` resolves; the 99th percentile, ms. */
  async p99(until: Promise<unknown>): Promise<number> {
    let isOver = false;
    void until.then(() => {
      isOver = true;
    });
    this.#times = [];
    while (!isOver) {
      const startedAt = performance.now();
      this.#socket.send(call);
      await once(this.#socket, "message");
      this.#times.push(performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    this.#times.sort((a, b) => a - b);
    return this.#times[Math.floor(this.#times.length * 0.99)] ?? Number.NaN;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** What a hundred thousand calls of a slow function do to the calls of another one. */
export const overload: BenchModule = {
  name: "overload",
  async run(scale: Scale): Promise<Row[]> {
    const [calls, quietMs] = scale === "full" ? [100_000, 3_000] : [12_000, 100];
    const server = await ServerProcess.start("./gateway-server.ts");
    const url = `ws://127.0.0.1:${server.port}/socket/websocket?vsn=2.0.0`;
    const caller = await Caller.connect(url);
    const quiet = new Promise((resolve) => setTimeout(resolve, quietMs));
    const alone = await caller.p99(quiet);
    const flood = fork(fileURLToPath(new URL("./flood-child.ts", import.meta.url)), [
      url,
      String(calls),
    ]);
    const startedAt = performance.now();
    const told = once(flood, "message");
    const beside = await caller.p99(told);
    const [{ refused }] = await told;
    const seconds = (performance.now() - startedAt) / 1_000;
    caller.close();
    await server.stop();
    return [
      {
        what:
          `p99 of a call while ${calls.toLocaleString("en")} calls of a function of 1 s come at ` +
          `once (${refused.toLocaleString("en")} refused within ${seconds.toFixed(1)} s; alone ` +
          `${alone.toFixed(2)} ms)`,
        wanted: "≤ 2 ×",
        measured: `${beside.toFixed(2)} ms, ${(beside / alone).toFixed(1)} ×`,
        met: scale === "full" ? beside <= 2 * alone : null,
      },
    ];
  },
};
