import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { type Ended, TroupeCommand } from "../fixtures/troupe-command.ts";
import { within } from "./deadline.ts";

/** A `troupe start` as a user runs it, with a folder and an operators' socket of its own. */
export class TroupeProcess extends TroupeCommand {
  readonly folder: string;
  readonly socketPath: string;

  /** Runs `troupe start` with the flags; `wrapper` is a command that runs the command behind it. */
  constructor(flags: readonly string[], wrapper: readonly string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), "troupe-e2e-"));
    const socketPath = join(folder, "troupe.sock");
    super(["start", "--socket", socketPath, ...flags], { folder, wrapper });
    this.folder = folder;
    this.socketPath = socketPath;
    this.child.stdin.end();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Runs `npx troupe …` in the gateway's folder. */
  async run(...argv: string[]): Promise<Ended> {
    const command = new TroupeCommand([...argv, "--socket", this.socketPath], {
      folder: this.folder,
    });
    command.child.stdin.end();
    try {
      return await within(command.ended, `troupe ${argv.join(" ")}`);
    } finally {
      command.kill("SIGKILL");
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
