import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../../actors/gateway/troupe.js", import.meta.url));

/** What a process said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `troupe` process, in a folder and with a socket of its own unless told otherwise. */
export class TroupeProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  #look: () => void = () => {};

  constructor(argv: readonly string[], folder: string, environment: Record<string, string> = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TROUPE_"));
    this.child = spawn(process.execPath, [bin, ...argv], {
      cwd: folder,
      env: {
        ...Object.fromEntries(inherited),
        XDG_RUNTIME_DIR: folder,
        ...environment,
      },
    });
    for (const name of ["stdout", "stderr"] as const) {
      this.child[name].setEncoding("utf8").on("data", (chunk: string) => {
        this[name] += chunk;
        this.#look();
      });
    }
    this.ended = once(this.child, "close").then(([code, signal]) => ({
      ...{ code, signal, stdout: this.stdout, stderr: this.stderr },
    }));
  }

  /** Resolves with the first match in what the process says; rejects when it ends without. */
  said(stream: "stdout" | "stderr", what: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const match = what.exec(this[stream]);
        if (match !== null) resolve(match);
      };
      this.#look();
      void this.ended.then(({ code, stderr }) =>
        reject(new Error(`ended with ${code}: ${stderr}`)),
      );
    });
  }
}

/** What has an end: a test, or the tests that share something. */
export interface Ending {
  after(end: () => void | Promise<void>): void;
}

/** A folder that goes with the test. */
export function temporaryFolder(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-gateway-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end. */
export function runTroupe(
  argv: readonly string[],
  folder: string,
  environment: Record<string, string> = {},
): Promise<Ended> {
  return new TroupeProcess(argv, folder, environment).ended;
}

/** A gateway that serves, on one thread and a free port; it is killed with the test. */
export async function startGatewayProcess(
  t: Ending,
  argv: readonly string[],
  folder: string,
): Promise<{ gateway: TroupeProcess; port: number }> {
  const gateway = new TroupeProcess(["--port", "0", "--threads", "1", ...argv], folder);
  t.after(async () => {
    gateway.child.kill("SIGKILL");
    await gateway.ended;
  });
  const match = await gateway.said(
    "stdout",
    /ws:\/\/127\.0\.0\.1:(\d+)\/socket[\s\S]*^operate .*$/m,
  );
  return { gateway, port: Number(match[1]) };
}
