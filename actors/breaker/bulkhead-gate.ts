import {
  type ActorContext,
  type ActorRef,
  type AskOptions,
  type Clock,
  TroupeError,
  toErrorRecord,
} from "#runtime";
import { breakersTable } from "./breaker-record.ts";
import { type BulkheadAddress, type BulkheadDirectory, bulkheadsName } from "./bulkhead-address.ts";
import { Doorway, type DoorwayPort } from "./doorway.ts";
import type { BulkheadLimits } from "./permit-queue.ts";

/** Why one was not let in: nothing has begun, and nothing is kept. */
type BulkheadRefusal = "queue_full" | "timeout" | "cancelled" | "unavailable";

/** Inside, until `leave` is called (once or more often); or not. */
export type BulkheadOutcome =
  | { readonly ok: true; readonly leave: () => void }
  | { readonly ok: false; readonly code: BulkheadRefusal };

/** An outcome, or a bulkhead that was lost before there was one. */
type Attempt = BulkheadOutcome | { readonly lost: ActorRef | null };

/** So many bulkheads may be lost under one who waits. */
const maxAttempts = 5;

/** The codes of asks whose bulkhead is gone: the next one is asked. */
const lossCodes = new Set([
  "no_actor",
  "actor_stopped",
  "actor_crashed",
  "abandoned",
  "thread_down",
]);

const refusals: Readonly<Partial<Record<string, BulkheadRefusal>>> = {
  ask_timeout: "timeout",
  cancelled: "cancelled",
  mailbox_full: "queue_full",
  link_full: "queue_full",
};

const gates = new WeakMap<object, BulkheadGate>();

/**
 * One thread's way into all bulkheads. At most `maxConcurrent` are inside a key at once, over all
 * threads of the node, whichever of them dies; those who wait come in in the order in which the
 * bulkhead heard of them.
 */
export class BulkheadGate {
  readonly #context: ActorContext;
  readonly #clock: Clock;
  readonly #doorways = new Map<string, Doorway>();
  readonly #port: DoorwayPort;
  #lastTicket = 0;

  /** The gate of the thread of `context`: all contexts of a thread share one. */
  static of(context: ActorContext): BulkheadGate {
    // Any replica stands for its thread.
    const thread = context.table(breakersTable);
    let gate = gates.get(thread);
    if (gate === undefined) {
      gate = new BulkheadGate(context);
      gates.set(thread, gate);
    }
    return gate;
  }

  private constructor(context: ActorContext) {
    // The context of whoever came first; what is used of it is the thread's, not the actor's.
    this.#context = context;
    this.#clock = context.clock;
    this.#port = {
      open: (key, stale, options) => this.#open(key, stale, options),
      after: (delayMs, fire) => this.#clock.after(delayMs, fire),
    };
  }

  /** The keys of which this thread remembers anything. */
  get size(): number {
    return this.#doorways.size;
  }

  /**
   * Waits to be let in, at most `timeoutMs` (Infinity: for ever) and until `signal` fires. Never
   * rejects. A thread that has as many inside and waiting as there is room for is told `queue_full`
   * without asking the bulkhead.
   */
  async enter(
    key: string,
    limits: BulkheadLimits,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<BulkheadOutcome> {
    if (signal?.aborted) return refused("cancelled");
    if (!(timeoutMs > 0)) return refused("timeout");
    const doorway = this.#doorwayOf(key);
    if (doorway.occupancy >= limits.maxConcurrent + limits.maxQueue) return refused("queue_full");
    doorway.entering += 1;
    try {
      return await this.#enter(doorway, limits, this.#clock.now() + timeoutMs, signal);
    } finally {
      doorway.entering -= 1;
      this.#tidy(doorway);
    }
  }

  /** From the porter: names what is held of a key, of which another bulkhead will know. */
  handOver(key: string): number[] {
    return this.#doorways.get(key)?.handOver() ?? [];
  }

  /** From the porter: a bulkhead is gone. */
  forget(bulkhead: ActorRef): void {
    for (const doorway of this.#doorways.values()) {
      doorway.unlink(bulkhead);
      this.#tidy(doorway);
    }
  }

  async #enter(
    doorway: Doorway,
    limits: BulkheadLimits,
    deadlineAt: number,
    signal: AbortSignal | undefined,
  ): Promise<BulkheadOutcome> {
    let stale: ActorRef | null = null;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const timeoutMs = deadlineAt - this.#clock.now();
      if (timeoutMs <= 0) return refused("timeout");
      const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
      let address: BulkheadAddress;
      try {
        address = await doorway.open(stale, options);
      } catch (error) {
        const refusal = refusals[toErrorRecord(error).code];
        return refused(refusal === "queue_full" ? "unavailable" : (refusal ?? "unavailable"));
      }
      const outcome = await this.#attempt(doorway, address, limits, deadlineAt, signal);
      if ("ok" in outcome) return outcome;
      stale = outcome.lost;
    }
    return refused("unavailable");
  }

  /** Asks one bulkhead. */
  async #attempt(
    doorway: Doorway,
    { bulkhead, porter }: BulkheadAddress,
    { maxConcurrent, maxQueue }: BulkheadLimits,
    deadlineAt: number,
    signal: AbortSignal | undefined,
  ): Promise<Attempt> {
    const timeoutMs = Math.max(0, deadlineAt - this.#clock.now());
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    const { generation } = doorway;
    this.#lastTicket += 1;
    const ticket = this.#lastTicket;
    try {
      const asks = bulkhead.askWith(options);
      const isGranted = await asks.enter(porter, ticket, maxConcurrent, maxQueue);
      // Since then another bulkhead was told what is held here, and this was not part of it.
      if (generation !== doorway.generation) return { lost: null };
      return isGranted ? this.#inside(doorway, ticket) : refused("queue_full");
    } catch (error) {
      const { code } = toErrorRecord(error);
      if (lossCodes.has(code)) {
        doorway.unlink(bulkhead);
        return { lost: bulkhead };
      }
      const refusal = refusals[code] ?? "unavailable";
      // It may wait there still, or be let in at this very moment.
      if (refusal !== "queue_full") doorway.release(ticket);
      return refused(refusal);
    }
  }

  #inside(doorway: Doorway, ticket: number): BulkheadOutcome {
    doorway.hold(ticket);
    const leave = (): void => {
      doorway.leave(ticket);
      this.#tidy(doorway);
    };
    return { ok: true, leave };
  }

  #open(key: string, stale: ActorRef | null, options: AskOptions): Promise<BulkheadAddress> {
    const { thread } = this.#context;
    const directory = this.#context.whereis(bulkheadsName) as
      | ActorRef<BulkheadDirectory>
      | undefined;
    if (directory === undefined) {
      return Promise.reject(new TroupeError("no_actor", `there is no actor ${bulkheadsName}`));
    }
    return directory.askWith(options).open(key, thread, stale);
  }

  #doorwayOf(key: string): Doorway {
    let doorway = this.#doorways.get(key);
    if (doorway === undefined) {
      doorway = new Doorway(key, this.#port);
      this.#doorways.set(key, doorway);
    }
    return doorway;
  }

  #tidy(doorway: Doorway): void {
    const isCurrent = this.#doorways.get(doorway.key) === doorway;
    if (isCurrent && doorway.isEmpty) this.#doorways.delete(doorway.key);
  }
}

function refused(code: BulkheadRefusal): BulkheadOutcome {
  return { ok: false, code };
}
