/** Admission: the function of the application that says who connects, or that they may not. */

import type { IncomingHttpHeaders } from "node:http";
import { type Clock, TroupeError, toErrorRecord } from "#runtime";
import type { Assigns } from "./assigns.ts";
import type { Claims } from "./jwt.ts";

/** What a connect handler gets to decide by. */
export interface ConnectRequest {
  /** The query of the URL, `vsn` included; of a repeated parameter the last. */
  readonly params: Readonly<Record<string, string>>;
  /** The parameter `token`, or the bearer token that phoenix.js sends in a header. */
  readonly token: string | null;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly ipAddress: string | null;
  /** What the token says, where `auth.jwt` has verified it; else null. */
  readonly claims: Claims | null;
}

/**
 * Admits a socket by returning its assigns, refuses it by returning null. A throw refuses as well,
 * and is logged; so does an answer that takes longer than 5 s.
 */
export type ConnectHandler = (request: ConnectRequest) => Assigns | null | Promise<Assigns | null>;

/** What a connect handler may take, ms. */
const connectTimeoutMs = 5_000;

/**
 * Imports a connect handler on this thread.
 * @throws TroupeError `load_failed` that names the module, and the export when it is not a function.
 */
export async function loadConnectHandler(target: {
  readonly module: string;
  readonly function: string;
}): Promise<ConnectHandler> {
  let exported: unknown;
  try {
    exported = (await import(target.module))[target.function];
  } catch (error) {
    const { message } = toErrorRecord(error);
    const what = `connect handler: cannot load ${target.module}: ${message}`;
    throw new TroupeError("load_failed", what, error);
  }
  if (typeof exported === "function") return exported as ConnectHandler;
  const what = `connect handler: ${target.module} has no function ${target.function}`;
  throw new TroupeError("load_failed", what);
}

/**
 * Runs a connect handler within its time.
 * @throws what the handler throws; TroupeError `timeout` when it takes too long.
 */
export function runConnectHandler(
  handler: ConnectHandler,
  request: ConnectRequest,
  clock: Clock,
): Promise<Assigns | null> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(connectTimeoutMs, () => {
      const message = `the connect handler took longer than ${connectTimeoutMs} ms`;
      reject(new TroupeError("timeout", message));
    });
    const run = async (): Promise<Assigns | null> => handler(request);
    run()
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
