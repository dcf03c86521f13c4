import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { within } from "./deadline.ts";
import type { Scope } from "./gateway-process.ts";
import { TroupeProcess } from "./troupe-process.ts";

/** Ports that nobody has at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(probes.map((probe) => once(probe, "listening")));
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => once(probe.close(), "close")));
  return ports;
}

/**
 * Runs `troupe start` with two threads; resolves when it serves. It is stopped with `scope`, and
 * must then end as it should, unless it was killed before.
 */
export async function startNode(scope: Scope, flags: readonly string[]): Promise<TroupeProcess> {
  const node = new TroupeProcess(["--threads", "2", ...flags]);
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
