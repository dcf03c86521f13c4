/**
 * The memory in which the acceptors of all threads count their connections. It cannot be sent in a
 * message; it is handed out over a channel of the platform, once for each acceptor that starts.
 */

import { randomUUID } from "node:crypto";
import { BroadcastChannel } from "node:worker_threads";
import { type Clock, TroupeError } from "#runtime";
import { makeConnectionMemory } from "./connection-ledger.ts";

/** Memory that acceptors of this process can have. */
export interface ConnectionMemoryOffer {
  /** What an acceptor asks for: `connectionMemory` of its configuration. */
  readonly name: string;
  /** Ends the offer; who has the memory keeps it. */
  close(): void;
}

/** Time that an acceptor waits for it. */
const fetchTimeoutMs = 10_000;

const wanted = "wanted";

/**
 * Offers memory for `acceptors` acceptors, from the thread that lives longest. The offer does not
 * keep the process alive.
 */
export function offerConnectionMemory(acceptors: number): ConnectionMemoryOffer {
  const memory = makeConnectionMemory(acceptors);
  const name = `troupe:connections:${randomUUID()}`;
  const channel = new BroadcastChannel(name);
  channel.onmessage = (message) => {
    if (dataOf(message) === wanted) channel.postMessage(memory);
  };
  channel.unref();
  return { name, close: () => channel.close() };
}

/**
 * The memory that is offered under `name`.
 * @throws TroupeError `unavailable` when nobody offers it, after 10 s.
 */
export function fetchConnectionMemory(name: string, clock: Clock): Promise<SharedArrayBuffer> {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(name);
    const limit = clock.after(fetchTimeoutMs, () => {
      channel.close();
      reject(new TroupeError("unavailable", "nobody offers the memory of the connections"));
    });
    channel.onmessage = (message) => {
      const data = dataOf(message);
      // The others' requests are heard as well.
      if (!(data instanceof SharedArrayBuffer)) return;
      limit.cancel();
      channel.close();
      resolve(data);
    };
    channel.postMessage(wanted);
  });
}

function dataOf(message: unknown): unknown {
  return (message as { readonly data?: unknown }).data;
}
