/**
 * One port for all acceptors. It is claimed once, before they start, so that a port in use is an
 * error; the kernel then spreads connections over everyone who listens with `reusePort`.
 */

import type { ListenOptions, Server } from "node:net";
import { claimPort as claim, listenOn, TroupeError, toErrorRecord } from "#runtime";

/** Claims the port of the gateway; 0 chooses one. @throws TroupeError `port_taken`, `cannot_listen`. */
export function claimPort(host: string, port: number): Promise<number> {
  return claim(host, port, explain);
}

/**
 * Listens beside the others on a port that was claimed.
 * @returns false where the platform cannot share a port: then one acceptor alone listens.
 * @throws TroupeError `port_taken`, `cannot_listen`.
 */
export async function listenShared(server: Server, host: string, port: number): Promise<boolean> {
  try {
    await listen(server, { host, port, reusePort: true });
    return true;
  } catch (error) {
    if (isUnsupported(error)) return false;
    throw error;
  }
}

/**
 * Listens; resolves with the port.
 * @throws TroupeError `port_taken`, `cannot_listen`.
 */
export function listen(server: Server, options: ListenOptions): Promise<number> {
  return listenOn(server, options, explain);
}

function explain({ host, port }: ListenOptions, error: unknown): TroupeError {
  const { code, message } = toErrorRecord(error);
  if (code === "EADDRINUSE") {
    return new TroupeError("port_taken", `port ${port} on ${host} is taken`, error);
  }
  const why = code === "EACCES" ? "this user may not use the port" : message;
  return new TroupeError("cannot_listen", `cannot listen on ${host}:${port}: ${why}`, error);
}

function isUnsupported(error: unknown): boolean {
  const code = toErrorRecord(error).cause?.code;
  return code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOPROTOOPT";
}
