import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { freePorts } from "#runtime/testing";

const command = "redis-server";

/** Why there can be no Redis here; null when there can. */
export function whyNoRedis(): string | null {
  const { error } = spawnSync(command, ["--version"]);
  return error === undefined ? null : `${command} is not installed (${error.message})`;
}

/** A Redis of the test's own, that keeps nothing on disk. */
export class RedisServer {
  readonly port: number;
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
  }

  /** Starts one on a free port; it ends with the test. */
  static async start(t: TestContext): Promise<RedisServer> {
    const [port = 0] = await freePorts(1);
    const server = new RedisServer(port);
    t.after(() => server.stop());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const options = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
    const child = spawn(command, ["--port", String(this.port), ...options], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#process = child;
    const { stdout } = child;
    stdout.setEncoding("utf8");
    await new Promise<void>((resolve, reject) => {
      let output = "";
      stdout.on("data", (text) => {
        output += text;
        if (output.includes("Ready to accept connections")) resolve();
      });
      child.once("exit", () => reject(new Error(`${command} did not start:\n${output}`)));
    });
  }

  /** Kills it; resolves when it is gone. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Makes it silent, connected as it is; or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }
}
