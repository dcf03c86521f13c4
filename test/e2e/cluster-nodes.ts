import { within } from "./deadline.ts";
import type { Scope } from "./gateway-process.ts";
import { TroupeProcess } from "./troupe-process.ts";

/**
 * Runs `troupe start`; resolves when it serves. It is stopped with `scope`, and must then end as it
 * should, unless it was killed before.
 */
export async function startNode(
  scope: Scope,
  flags: readonly string[],
  threads = 2,
): Promise<TroupeProcess> {
  const node = new TroupeProcess(["--threads", String(threads), ...flags]);
  scope.after(async () => {
    try {
      if (node.isRunning) node.kill("SIGTERM");
      const { code, signal, stderr } = await within(node.ended, "the node stops");
      if (code !== 0 && signal === null) throw new Error(`ended with ${code}: ${stderr}`);
    } finally {
      await node.dispose();
    }
  });
  await node.said("stdout", /^operate .*$/m);
  return node;
}
