import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
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

/** A `troupe` as a user runs it: a child process with a folder and an operators' socket of its own. */
export class TroupeProcess {
  readonly folder: string = mkdtempSync(join(tmpdir(), "troupe-e2e-"));
  readonly socketPath: string = join(this.folder, "troupe.sock");
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  readonly #child: ChildProcess;
  readonly #looks = new Set<() => void>();

  /** Runs `troupe start` with the flags; `wrapper` is a command that runs the command behind it. */
  constructor(flags: readonly string[], wrapper: readonly string[] = []) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
    const start = [process.execPath, bin, "start", "--socket", this.socketPath, ...flags];
    const [command = "", ...argv] = [...wrapper, ...start];
    this.#child = spawn(command, argv, {
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

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
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
  kill(signal: NodeJS.Signals): void {
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

  /** Ends it, however it is, and removes its folder. */
  async dispose(): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
