import { Actor, type ActorRef, ReplyError, type Signal, toErrorRecord } from "#runtime";
import { Bulkhead, type BulkheadStatus, type HeldTickets } from "./bulkhead.ts";
import type { BulkheadAddress, BulkheadDirectory } from "./bulkhead-address.ts";
import { BulkheadPorter } from "./bulkhead-porter.ts";

interface Child<A> {
  /** Null until it has started. */
  ref: ActorRef<A> | null;
  readonly started: Promise<ActorRef<A>>;
}

/** One bulkhead, for operators. */
export interface BulkheadInfo {
  readonly key: string;
  /** Null when it does not answer within a second. */
  readonly status: BulkheadStatus | null;
}

const statusTimeoutMs = 1_000;

/** All that may enter and leave at once may wait. */
const mailboxCapacity = 1_000_000;

/**
 * The parent of a {@link Bulkhead} per key, spread over the scheduler threads, and of a
 * {@link BulkheadPorter} per thread that uses any. It belongs on the main thread, as supervisors do:
 * there it outlives every other one, so that whichever dies, what the others hold stays known. It
 * has something to do only when a thread meets a key for the first time.
 */
export class Bulkheads extends Actor implements BulkheadDirectory {
  static override readonly source: string = import.meta.url;
  readonly #bulkheads = new Map<string, Child<Bulkhead>>();
  readonly #porters = new Map<number, Child<BulkheadPorter>>();

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    dropChild(this.#bulkheads, signal.ref);
    dropChild(this.#porters, signal.ref);
  }

  /**
   * The bulkhead of a key, for `thread`; started where there is none, or none but `stale`, of which
   * the thread knows that it is gone.
   * @throws ReplyError `unavailable` when it cannot be started.
   */
  async open(key: string, thread: number, stale: ActorRef | null): Promise<BulkheadAddress> {
    if (stale !== null) dropChild(this.#bulkheads, stale);
    try {
      // The porter first: a bulkhead that starts asks all of them.
      const porter = await this.#porterOn(thread);
      return { porter, bulkhead: await this.#bulkheadOf(key) };
    } catch (error) {
      throw new ReplyError("unavailable", toErrorRecord(error).message, error);
    }
  }

  /** The bulkheads that there are: one that nobody has used for a while is not. */
  list(): Promise<BulkheadInfo[]> {
    return Promise.all(
      Array.from(this.#bulkheads, async ([key, { started }]) => {
        try {
          const bulkhead = await started;
          const status = await bulkhead.askWith({ timeoutMs: statusTimeoutMs }).status();
          return { key, status };
        } catch {
          return { key, status: null };
        }
      }),
    );
  }

  #porterOn(thread: number): Promise<ActorRef<BulkheadPorter>> {
    const porter = this.#porters.get(thread);
    if (porter !== undefined) return porter.started;
    const started = this.context.spawn(BulkheadPorter, { thread });
    return keepChild(this.#porters, thread, started);
  }

  #bulkheadOf(key: string): Promise<ActorRef<Bulkhead>> {
    const bulkhead = this.#bulkheads.get(key);
    return bulkhead?.started ?? keepChild(this.#bulkheads, key, this.#start(key));
  }

  async #start(key: string): Promise<ActorRef<Bulkhead>> {
    const porters = [...this.#porters.values()];
    const held = await Promise.all(porters.map((porter) => selectHeld(porter, key)));
    return this.context.spawn(Bulkhead, {
      args: [held.flatMap((tickets) => (tickets === null ? [] : [tickets]))],
      ...{ thread: "any", concurrency: Number.POSITIVE_INFINITY, mailboxCapacity },
    });
  }
}

/** What the thread of a porter holds of a key; null when nothing, or when it is gone. */
async function selectHeld(porter: Child<BulkheadPorter>, key: string): Promise<HeldTickets | null> {
  try {
    const ref = await porter.started;
    const tickets = await ref.ask.handOver(key);
    return tickets.length === 0 ? null : [ref, tickets];
  } catch {
    return null;
  }
}

function keepChild<K, A>(
  children: Map<K, Child<A>>,
  key: K,
  started: Promise<ActorRef<A>>,
): Promise<ActorRef<A>> {
  const child: Child<A> = { ref: null, started };
  children.set(key, child);
  started.then(
    (ref) => {
      child.ref = ref;
    },
    () => {
      if (children.get(key) === child) children.delete(key);
    },
  );
  return started;
}

function dropChild<K, A>(children: Map<K, Child<A>>, ref: ActorRef): void {
  for (const [key, child] of children) if (child.ref?.equals(ref)) children.delete(key);
}
