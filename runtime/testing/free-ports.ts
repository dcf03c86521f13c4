import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to whoever asks for any port, or connects from one. */
const range = { from: 10_000, to: 32_000 };

/**
 * Ports that nobody listens on now: a node's name has its port in it, so it is chosen beforehand. They
 * are of those that no system gives away by itself, so that nobody takes one before it is used: each
 * connection that is opened meanwhile, by whatever process, has a port of its own, too.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(range.from, range.to);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen({ port, host: "127.0.0.1", exclusive: true });
  try {
    await once(probe, "listening");
  } catch {
    return false;
  }
  await once(probe.close(), "close");
  return true;
}
