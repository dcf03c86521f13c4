import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ended, TroupeCommand } from "../../fixtures/troupe-command.ts";

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
  return new TroupeCommand(argv, { folder, environment }).ended;
}

/** A gateway that serves, on one thread and a free port; it is killed with the test. */
export async function startGatewayProcess(
  t: Ending,
  argv: readonly string[],
  folder: string,
): Promise<{ gateway: TroupeCommand; port: number }> {
  const gateway = new TroupeCommand(["--port", "0", "--threads", "1", ...argv], { folder });
  t.after(async () => {
    gateway.kill("SIGKILL");
    await gateway.ended;
  });
  const match = await gateway.said(
    "stdout",
    /ws:\/\/127\.0\.0\.1:(\d+)\/socket[\s\S]*^operate .*$/m,
  );
  return { gateway, port: Number(match[1]) };
}
