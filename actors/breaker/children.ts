import { type ChildSpec, type ChildStart, childOf } from "#runtime";
import { breakersName } from "./breaker-record.ts";
import { Breakers } from "./breakers.ts";
import { bulkheadsName } from "./bulkhead-address.ts";
import { Bulkheads } from "./bulkheads.ts";
import type { BreakerSettings } from "./settings.ts";

/** What of a gateway's configuration concerns circuits. */
export interface BreakerConfig {
  readonly breaker: BreakerSettings;
}

/** Asks that may wait for an answer at once; each waits for a neighbour alone. */
const concurrency = 100_000;
const mailboxCapacity = 1_000_000;

/**
 * The children of a gateway that circuits and bulkheads need, in the order of their start. Without
 * Breakers, where the settings are not `enabled`, every target counts as closed.
 */
export function breakerChildren({ breaker }: BreakerConfig): ChildSpec<ChildStart>[] {
  const limits = { concurrency, mailboxCapacity };
  const breakers = childOf(Breakers, {
    args: [breaker],
    options: { name: breakersName, thread: "any", ...limits },
  });
  // On the main thread, for it outlives those whose permits it knows of.
  const bulkheads = childOf(Bulkheads, { options: { name: bulkheadsName, thread: 0, ...limits } });
  return breaker.enabled ? [breakers, bulkheads] : [bulkheads];
}
