import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { within } from "../deadline.ts";
import { fixture, type Scope } from "../gateway-process.ts";
import { TroupeProcess } from "../troupe-process.ts";

/** How the process of a node is started. */
export interface NodeOptions {
  readonly alias: string;
  readonly role: "gateway" | "service";
  /** Names of modules in `fixtures/`. */
  readonly services?: readonly string[];
  /** The name of a configuration in `fixtures/`, or the whole path of another one. */
  readonly config?: string;
  readonly threads?: number;
}

/** Where a node is. */
export interface NodePlace {
  /** Where other nodes find it, `HOST:PORT`. */
  readonly address: string;
  /** Where it listens, `HOST:PORT`. */
  readonly listen: string;
  /** A command that runs the command behind it. */
  readonly wrapper?: readonly string[];
}

/**
 * A node of a cluster as processes that follow each other, one at a time: its name outlives them.
 */
export class ClusterNode {
  readonly alias: string;
  readonly name: string;
  readonly #options: NodeOptions;
  readonly #place: NodePlace;
  readonly #join: readonly string[];
  readonly #lives: TroupeProcess[] = [];
  #port = 0;

  /** `join` are names of nodes; it ends with `scope`, as it should if it was not made to end. */
  constructor(scope: Scope, options: NodeOptions, place: NodePlace, join: readonly string[]) {
    this.alias = options.alias;
    this.name = `${options.alias}@${place.address}`;
    this.#options = options;
    this.#place = place;
    this.#join = join;
    scope.after(() => this.#dispose());
  }

  /** The process of its present life. @throws Error when it was never started. */
  get process(): TroupeProcess {
    const process = this.#lives.at(-1);
    if (process === undefined) throw new Error(`${this.alias} was not started`);
    return process;
  }

  /** Where clients connect to a gateway. */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}/socket`;
  }

  /** Starts a process for it; resolves when it serves. */
  async start(): Promise<void> {
    const { role, services = [], config, threads = 1 } = this.#options;
    const { listen, wrapper = [] } = this.#place;
    const flags = [
      ...["--role", role, "--name", this.name, "--listen", listen],
      ...this.#join.flatMap((node) => ["--join", node]),
      ...["--threads", String(threads)],
      ...(role === "gateway" ? ["--port", String(this.#port), "--demo"] : []),
      ...services.flatMap((name) => ["--service", fixture(name)]),
      ...(config === undefined ? [] : ["--config", isAbsolute(config) ? config : fixture(config)]),
    ];
    const process = new TroupeProcess(flags, wrapper);
    this.#lives.push(process);
    await process.said("stdout", /^operate .*$/m);
    if (role !== "gateway") return;
    this.#port = Number(/ws:\/\/127\.0\.0\.1:(\d+)\/socket/.exec(process.stdout)?.[1]);
  }

  /** Ends the process at once, and waits for its end. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await within(this.process.ended, `${this.alias} is killed`);
  }

  /** Ends the process as an operator does: it finishes what it has, and says goodbye. */
  async stop(): Promise<void> {
    this.process.kill("SIGTERM");
    const { code, stderr } = await within(this.process.ended, `${this.alias} stops`, 30_000);
    assert.equal(code, 0, stderr);
  }

  /** Stops the process where it is; its sockets stay open. */
  freeze(): void {
    this.process.kill("SIGSTOP");
  }

  thaw(): void {
    this.process.kill("SIGCONT");
  }

  /** Open files and sockets of the process. */
  descriptors(): number {
    return readdirSync(`/proc/${this.process.pid}/fd`).length;
  }

  /** The lines of a file that the processes of all its lives have written into their folders. */
  lines(file: string): string[] {
    return this.#lives.flatMap(({ folder }) => {
      try {
        return readFileSync(join(folder, file), "utf8").split("\n").slice(0, -1);
      } catch {
        return [];
      }
    });
  }

  async #dispose(): Promise<void> {
    try {
      const process = this.#lives.at(-1);
      if (process?.isRunning) {
        process.kill("SIGCONT");
        await this.stop();
      }
      for (const { stderr } of this.#lives) {
        assert.doesNotMatch(stderr, /unhandled|executor rejected/i);
      }
    } finally {
      for (const life of this.#lives) await life.dispose();
    }
  }
}
