import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

/** What a server of a bench answers to the process that measures it. */
export interface Usage {
  /** CPU time of all threads since the start, user and system, µs. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** What a server can be told to do beside that: plain values in, plain values out. */
export type Commands = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Request {
  readonly id: number;
  readonly command: string;
  readonly args: readonly unknown[];
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** A server under measurement, in a process of its own. */
export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #requests = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    child.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ("error" in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value);
    });
    child.once("exit", (code, signal) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`a server of the bench ended with ${code ?? signal}`));
      }
      this.#waiting.clear();
    });
  }

  /** Starts a module of this folder that calls {@link serveMeasurement}. */
  static async start(module: string, args: readonly string[] = []): Promise<ServerProcess> {
    const path = fileURLToPath(new URL(module, import.meta.url));
    const child = fork(path, args, {
      execArgv: ["--expose-gc"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const failed = once(child, "exit").then(([code, signal]) => {
      throw new Error(`${module} did not start: it ended with ${code ?? signal}`);
    });
    const [message] = await Promise.race([once(child, "message"), failed]);
    failed.catch(() => {});
    return new ServerProcess(child, message.port);
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** Collects garbage first, so that memory is what is held. */
  async usage(): Promise<Usage> {
    return (await this.call("usage")) as Usage;
  }

  /** CPU time as in {@link Usage}; collects no garbage, whose price would count as that of requests. */
  async cpuUs(): Promise<number> {
    return (await this.call("cpu")) as number;
  }

  /** Memory of the process as it is, garbage and all, bytes. */
  async rss(): Promise<number> {
    return (await this.call("rss")) as number;
  }

  /** Runs one of the server's commands. Rejects when it throws, and when the server ends. */
  call(command: string, ...args: unknown[]): Promise<unknown> {
    this.#requests += 1;
    const request: Request = { id: this.#requests, command, args };
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(request.id, answer);
    this.#child.send(request);
    return answer.promise;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    // It may have ended already without this process having heard of it.
    this.#child.send({ id: 0, command: "stop", args: [] } satisfies Request, () => {});
    await exited;
  }
}

/** The other side: tells the port, and does what the measuring process asks for. */
export function serveMeasurement(
  port: number,
  stop: () => Promise<void>,
  commands: Commands = {},
): void {
  const cpu = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const known: Commands = {
    usage: (): Usage => {
      globalThis.gc?.();
      return { cpuUs: cpu(), rssBytes: process.memoryUsage.rss() };
    },
    cpu,
    rss: () => process.memoryUsage.rss(),
    stop: () => stop().then(() => process.exit(0)),
    ...commands,
  };
  process.on("message", async ({ id, command, args }: Request) => {
    let answer: Answer;
    try {
      answer = { id, value: await known[command]?.(...(args as never[])) };
    } catch (error) {
      answer = { id, error: inspect(error) };
    }
    process.send?.(answer);
  });
  // Whoever measured has gone without a word.
  process.once("disconnect", () => process.exit(1));
  process.send?.({ port });
}
