import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { within } from "./deadline.ts";

const bin = fileURLToPath(new URL("../../actors/gateway/troupe.js", import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What ends when a test does (its TestContext), or with all tests of a file. */
export interface Scope {
  after(done: () => Promise<void> | void): void;
}

/** The scope of a test file. What a scope holds ends in reverse order, whatever of it fails. */
export function fileScope(): Scope {
  return scopeOf((end) => after(end));
}

/** The scope of one test, for what must end in reverse order. */
export function testScope(t: Scope): Scope {
  return scopeOf((end) => t.after(end));
}

function scopeOf(register: (end: () => Promise<void>) => void): Scope {
  const ends: (() => Promise<void> | void)[] = [];
  register(async () => {
    const faults: unknown[] = [];
    for (const end of ends.reverse()) {
      try {
        await end();
      } catch (fault) {
        faults.push(fault);
      }
    }
    if (faults.length > 0) throw faults[0];
  });
  return { after: (end) => void ends.push(end) };
}

/** How a gateway is started, beside the free port and the socket of its own. */
export interface StartOptions {
  readonly threads?: number;
  /** Names of modules in `fixtures/`. */
  readonly services?: readonly string[];
  readonly demo?: boolean;
  /** The path of a configuration. */
  readonly config?: string;
}

/** The path of a module in `fixtures/`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/**
 * A `troupe start` as a user runs it: a child process with a folder, a port and an operators'
 * socket of its own.
 */
export class GatewayProcess {
  readonly folder: string = mkdtempSync(join(tmpdir(), "troupe-e2e-"));
  readonly socketPath: string = join(this.folder, "troupe.sock");
  readonly ended: Promise<Ended>;
  port = 0;
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;
  readonly #looks = new Set<() => void>();

  private constructor(argv: readonly string[]) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
    const flags = ["start", "--port", "0", "--socket", this.socketPath, ...argv];
    this.#child = spawn(process.execPath, [bin, ...flags], {
      cwd: this.folder,
      env: Object.fromEntries(inherited),
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const name of ["stdout", "stderr"] as const) {
      this.#child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
        this[name] += chunk;
        for (const look of this.#looks) look();
      });
    }
    this.ended = once(this.#child, "close").then(([code, signal]) => ({
      ...{ code, signal, stdout: this.stdout, stderr: this.stderr },
    }));
  }

  /** Resolves when it serves; it is stopped with `scope`, and must then end as it should. */
  static async start(scope: Scope, options: StartOptions = {}): Promise<GatewayProcess> {
    const { threads = 2, services = [], demo = true, config } = options;
    const gateway = new GatewayProcess([
      ...["--threads", String(threads), ...(demo ? ["--demo"] : [])],
      ...(config === undefined ? [] : ["--config", config]),
      ...services.flatMap((name) => ["--service", fixture(name)]),
    ]);
    scope.after(() => gateway.#close());
    const start = await gateway.said(
      "stdout",
      /ws:\/\/127\.0\.0\.1:(\d+)\/socket[\s\S]*^operate .*$/m,
    );
    gateway.port = Number(start[1]);
    return gateway;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with the first match in what it says; rejects when it ends without. */
  said(stream: "stdout" | "stderr", what: RegExp): Promise<RegExpExecArray> {
    const heard = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = what.exec(this[stream]);
        if (match === null) return;
        this.#looks.delete(look);
        resolve(match);
      };
      this.#looks.add(look);
      look();
      void this.ended.then(({ code, stderr }) =>
        reject(new Error(`ended with ${code}: ${stderr}`)),
      );
    });
    return within(heard, `${stream} matches ${what}`);
  }

  /** Sends the process itself a signal. */
  kill(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): void {
    this.#child.kill(signal);
  }

  /** Runs `npx troupe …` in the gateway's folder. */
  async run(...argv: string[]): Promise<Ended> {
    const child = spawn(process.execPath, [bin, ...argv, "--socket", this.socketPath], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    try {
      const [stdout, stderr, [code, signal]] = await within(ended, `troupe ${argv.join(" ")}`);
      return { code, signal, stdout, stderr };
    } finally {
      child.kill("SIGKILL");
    }
  }

  /** Has it carry out a command over the operators' socket, as `npx troupe NAME --json` does. */
  async command<T = unknown>(name: string, ...args: unknown[]): Promise<T> {
    const socket = connect(this.socketPath);
    socket.write(`${JSON.stringify({ mode: "command", name, args })}\n`);
    try {
      const answer = JSON.parse(await within(text(socket), `the command ${name}`));
      if (!answer.ok) throw new Error(`${name}: ${answer.error}`);
      return answer.value as T;
    } finally {
      socket.destroy();
    }
  }

  /** Types lines at a prompt of the operators' socket; what it printed. */
  async prompt(...lines: string[]): Promise<string> {
    const socket = connect(this.socketPath);
    const opening = { mode: "repl", terminal: false, columns: 80 };
    socket.end([JSON.stringify(opening), ...lines, ""].join("\n"));
    try {
      return await within(text(socket), "the end of the prompt");
    } finally {
      socket.destroy();
    }
  }

  /** Writes a file into its folder. */
  write(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Resident memory of the whole process, bytes. */
  async rssBytes(): Promise<number> {
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(this.pid)]);
    return Number(stdout) * 1_024;
  }

  async #close(): Promise<void> {
    const isRunning = this.#child.exitCode === null && this.#child.signalCode === null;
    try {
      if (isRunning && this.port !== 0) {
        this.kill("SIGTERM");
        const { code } = await within(this.ended, "the gateway stops");
        assert.equal(code, 0, this.stderr);
      }
      assert.doesNotMatch(this.stderr, /unhandled|executor rejected/i);
    } finally {
      this.kill("SIGKILL");
      await this.ended;
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
