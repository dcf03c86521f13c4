import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What a server of a bench answers to the process that measures it. */
export interface Usage {
  /** CPU time of all threads since the start, user and system, µs. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** A server under measurement, in a process of its own. */
export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts a module of this folder that calls {@link serveMeasurement}. */
  static async start(module: string, args: readonly string[] = []): Promise<ServerProcess> {
    const path = fileURLToPath(new URL(module, import.meta.url));
    const child = fork(path, args, {
      execArgv: ["--expose-gc"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const [message] = await once(child, "message");
    return new ServerProcess(child, message.port);
  }

  async usage(): Promise<Usage> {
    this.#child.send("usage");
    const [message] = await once(this.#child, "message");
    return message;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.send("stop");
    await exited;
  }
}

/** The other side: tells the port, and answers what the measuring process asks. */
export function serveMeasurement(port: number, stop: () => Promise<void>): void {
  process.on("message", (request) => {
    if (request === "usage") {
      globalThis.gc?.();
      const { user, system } = process.cpuUsage();
      const usage: Usage = { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
      process.send?.(usage);
    } else if (request === "stop") {
      void stop().then(() => process.exit(0));
    }
  });
  process.send?.({ port });
}
