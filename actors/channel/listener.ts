/**
 * One port for all acceptors. It is claimed once, before they start, so that a port in use is an
 * error; the kernel then spreads connections over everyone who listens with `reusePort`.
 */

import { once } from "node:events";
import { createServer, type ListenOptions, type Server } from "node:net";
import { TroupeError, toErrorRecord } from "#runtime";

/**
 * Makes sure that nobody else listens, and chooses a port where `port` is 0. Two processes of one
 * user that both listen with `reusePort` would share a port silently; an exclusive socket finds out.
 * @throws TroupeError `port_taken`, `cannot_listen`.
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const probe = createServer();
  const claimed = await listen(probe, { host, port });
  probe.close();
  await once(probe, "close");
  return claimed;
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
  return new Promise((resolve, reject) => {
    const onError = (error: unknown): void => reject(listenFailure(options, error));
    server.once("error", onError);
    server.listen(options, () => {
      server.removeListener("error", onError);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function listenFailure({ host, port }: ListenOptions, error: unknown): TroupeError {
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
