import type { ActorRef } from "#runtime";
import type { Bulkhead } from "./bulkhead.ts";

/** The registered name of the Bulkheads. */
export const bulkheadsName = "bulkheads";

/** What a thread asks the Bulkheads; see `Bulkheads.open`. */
export interface BulkheadDirectory {
  open(key: string, thread: number, stale: ActorRef | null): Promise<BulkheadAddress>;
}

/** What a gate tells the porter of its thread; see `BulkheadPorter.follow`. */
interface BulkheadFollower {
  follow(bulkhead: ActorRef): void;
}

/** Whom a thread has to do with: the bulkhead of a key, and its own porter. */
export interface BulkheadAddress {
  readonly bulkhead: ActorRef<Bulkhead>;
  readonly porter: ActorRef<BulkheadFollower>;
}
