/** A port: claimed once for the process, then shared by its threads. */

import { once } from "node:events";
import { createServer, type ListenOptions, type Server } from "node:net";
import { TroupeError, toErrorRecord } from "../core/index.ts";
import { formatHostPort } from "./node-name.ts";

/** What is told of a port that cannot be listened on. */
export type ExplainListen = (options: ListenOptions, error: unknown) => TroupeError;

/**
 * Makes sure that nobody else listens, and chooses a port where `port` is 0. Two processes of one
 * user that both listen with `reusePort` would share a port silently; an exclusive socket finds out.
 * @throws TroupeError `port_taken`, `cannot_listen`; what `explain` says, where it is given.
 */
export async function claimPort(
  host: string,
  port: number,
  explain: ExplainListen = listenFailure,
): Promise<number> {
  const probe = createServer();
  const claimed = await listenOn(probe, { host, port, exclusive: true }, explain);
  probe.close();
  await once(probe, "close");
  return claimed;
}

/**
 * Lets the server listen; resolves with the port.
 * @throws TroupeError `port_taken`, `cannot_listen`, `cannot_share_port`; what `explain` says, where
 *   it is given.
 */
export function listenOn(
  server: Server,
  options: ListenOptions,
  explain: ExplainListen = listenFailure,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown): void => reject(explain(options, error));
    server.once("error", onError);
    server.listen(options, () => {
      server.removeListener("error", onError);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function listenFailure({ host, port }: ListenOptions, error: unknown): TroupeError {
  const place = formatHostPort(host ?? "", port ?? 0);
  const { code, message } = toErrorRecord(error);
  switch (code) {
    case "EADDRINUSE":
      return new TroupeError("port_taken", `${place} is taken`, error);
    case "EACCES":
      return new TroupeError("cannot_listen", `${place}: this user may not use the port`, error);
    case "EADDRNOTAVAIL":
      return new TroupeError("cannot_listen", `${place}: not an address of this machine`, error);
    case "ENOTSUP":
    case "EOPNOTSUPP":
    case "ENOPROTOOPT":
      return new TroupeError("cannot_share_port", `${place}: only one thread can listen`, error);
    default:
      return new TroupeError("cannot_listen", `cannot listen on ${place}: ${message}`, error);
  }
}
