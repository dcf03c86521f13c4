import { type ChildSpec, type ChildStart, childOf } from "#runtime";
import { asyncPoolName, Pool, streamPoolName } from "./pool.ts";
import type { PoolSettings } from "./pool-settings.ts";

/** Grants and stops must never find the mailbox full, whatever calls come at once. */
const mailboxCapacity = 1_000_000;
/** Time for streams to end, and for the threads. */
const marginMs = 2_000;

/** Both pools, as children of the gateway. `drainMs` is the time for calls to end, and streams. */
export function poolChildren(settings: PoolSettings, drainMs = 15_000): ChildSpec<ChildStart>[] {
  const pools = [
    [asyncPoolName, settings.async],
    [streamPoolName, settings.stream],
  ] as const;
  return pools.map(([name, options]) =>
    childOf(Pool, {
      args: [name, options, drainMs],
      shutdown: drainMs + marginMs,
      options: {
        ...{ name, thread: "any", mailboxCapacity, concurrency: Number.POSITIVE_INFINITY },
      },
    }),
  );
}
