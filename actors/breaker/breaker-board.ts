import type { ActorContext, ActorRef, Clock, ReadonlyTable } from "#runtime";
import { type BreakerRecord, breakersName, breakersTable } from "./breaker-record.ts";
import type { Breakers } from "./breakers.ts";
import type { CallOutcome } from "./circuit.ts";
import { Tally } from "./tally.ts";

/** The circuit does not let the call through. */
export interface BreakerRefusal {
  /** At least 1. */
  readonly retryAfterMs: number;
}

/** Reports of one target and thread leave so often, but for failures. */
const reportEveryMs = 50;
/** So many failures in between are reported at once; after them there is no hurry. */
const maxPromptFailures = 32;
/** So many callers of a thread ask for a probe at once; the others are refused unasked. */
const maxAsking = 16;
/** Beyond that a breaker is not there. */
const probeAskTimeoutMs = 1_000;
/** After a refused probe nobody of this thread asks again for so long. */
const askAgainAfterMs = 50;
/** What a caller is told to wait where nobody could be asked. */
const unknownWaitMs = 1_000;

const boards = new WeakMap<object, BreakerBoard>();

/**
 * One thread's side of all circuits. Whoever calls a target asks {@link admit} before and tells
 * {@link settled} after; for a target without failures that is one look-up in a map each, without a
 * message, a timer or an allocation. From its first failure on the calls of a target are counted
 * here and reported to its breaker: each failure at once, with the successes before it, successes
 * alone every 50 ms. So the order of calls is exact within a thread, and to 50 ms between threads.
 */
export class BreakerBoard {
  readonly #context: ActorContext;
  readonly #clock: Clock;
  readonly #tallies = new Map<string, Tally>();

  /** The board of the thread of `context`: all contexts of a thread share one. */
  static of(context: ActorContext): BreakerBoard {
    const table = context.table<BreakerRecord>(breakersTable);
    let board = boards.get(table);
    if (board === undefined) {
      board = new BreakerBoard(context, table);
      boards.set(table, board);
    }
    return board;
  }

  private constructor(context: ActorContext, table: ReadonlyTable<BreakerRecord>) {
    // The context of whoever came first; what is used of it is the thread's, not the actor's.
    this.#context = context;
    this.#clock = context.clock;
    for (const [target, record] of table.entries()) this.#learn(target, record);
    table.onChange((change) => {
      if (change.op === "set") this.#learn(change.key, change.value);
      else if (change.op === "delete") this.#forget(change.key);
      else for (const target of [...this.#tallies.keys()]) this.#forget(target);
    });
  }

  /**
   * Whether a call of `target` may go out; null: it may, and its end is to be told. A promise comes
   * while a circuit tries probes, and resolves with null for a probe. Never rejects.
   */
  admit(target: string): null | BreakerRefusal | Promise<null | BreakerRefusal> {
    const tally = this.#tallies.get(target);
    if (tally === undefined) return null;
    const { record } = tally;
    if (record === null || record.state === "closed") return null;
    return this.#guard(target, tally, record);
  }

  /**
   * Tells how a call ended that was admitted. `wasProbe` is whether `admit` gave a promise for it; a
   * caller who does not say may, while probes are out, have an older call taken for one.
   */
  settled(target: string, outcome: CallOutcome, wasProbe?: boolean): void {
    const tally = this.#tallies.get(target);
    if (tally !== undefined) this.#count(target, tally, outcome, wasProbe ?? true);
    else if (outcome === "failure" && this.#breakers() !== undefined) {
      const fresh = new Tally();
      this.#tallies.set(target, fresh);
      this.#count(target, fresh, outcome, false);
    }
  }

  #count(target: string, tally: Tally, outcome: CallOutcome, mayBeProbe: boolean): void {
    const probe = mayBeProbe ? tally.takeProbe(this.#clock.now()) : undefined;
    if (probe !== undefined) {
      this.#breakers()?.tell.probed(target, probe, outcome);
      return;
    }
    // A call from before the circuit opened is no news.
    if (outcome === "ignored" || (tally.record !== null && tally.record.state !== "closed")) return;
    if (outcome === "success") {
      tally.addSuccess();
      if (tally.timer === null) this.#report(target, tally);
      return;
    }
    tally.addFailure();
    tally.prompt += 1;
    if (tally.timer === null || tally.prompt <= maxPromptFailures) this.#report(target, tally);
  }

  #report(target: string, tally: Tally): void {
    this.#breakers()?.tell.report(target, tally.successes, tally.failures, tally.run);
    tally.clear();
    if (tally.timer === null) this.#startTimer(target, tally);
  }

  #startTimer(target: string, tally: Tally): void {
    tally.timer = this.#clock.after(reportEveryMs, () => {
      tally.timer = null;
      tally.prompt = 0;
      if (tally.isPending) this.#report(target, tally);
      else this.#tidy(target, tally);
    });
  }

  #guard(
    target: string,
    tally: Tally,
    { state, since, openUntil }: BreakerRecord,
  ): BreakerRefusal | Promise<null | BreakerRefusal> {
    if (state === "open" && openUntil !== null) {
      const leftMs = openUntil - this.#clock.wallTime();
      // The wall clock may have been set back: no circuit is open for longer than it said.
      if (leftMs > 0) return refusal(Math.min(leftMs, openUntil - since));
    }
    const waitMs = tally.refusedUntilMs - this.#clock.now();
    if (waitMs > 0) return refusal(waitMs);
    if (tally.asking >= maxAsking) return refusal(askAgainAfterMs);
    return this.#askForProbe(target, tally);
  }

  async #askForProbe(target: string, tally: Tally): Promise<null | BreakerRefusal> {
    const breakers = this.#breakers();
    if (breakers === undefined) return refusal(unknownWaitMs);
    tally.asking += 1;
    try {
      const answer = await breakers.askWith({ timeoutMs: probeAskTimeoutMs }).probe(target);
      const nowMs = this.#clock.now();
      if (answer.kind === "probe") tally.holdProbe(answer.probe, nowMs + answer.timeoutMs);
      if (answer.kind !== "refused") return null;
      tally.refusedUntilMs = nowMs + Math.min(askAgainAfterMs, answer.retryAfterMs);
      return refusal(answer.retryAfterMs);
    } catch {
      // Nothing is let through unknown to the breaker: it may be trying already.
      return refusal(unknownWaitMs);
    } finally {
      tally.asking -= 1;
      this.#tidy(target, tally);
    }
  }

  #learn(target: string, record: BreakerRecord): void {
    let tally = this.#tallies.get(target);
    if (tally === undefined) {
      tally = new Tally();
      this.#tallies.set(target, tally);
    }
    if (tally.record?.state !== record.state) tally.refusedUntilMs = 0;
    tally.record = record;
    if (record.state !== "closed") tally.clear();
    if (record.state !== "half_open") tally.dropProbes();
  }

  #forget(target: string): void {
    const tally = this.#tallies.get(target);
    if (tally === undefined) return;
    tally.record = null;
    tally.dropProbes();
    this.#tidy(target, tally);
  }

  /** Drops a tally that knows nothing; one with a timer is looked at when that runs out. */
  #tidy(target: string, tally: Tally): void {
    if (tally.timer !== null || !tally.isEmpty) return;
    if (this.#tallies.get(target) === tally) this.#tallies.delete(target);
  }

  #breakers(): ActorRef<Breakers> | undefined {
    return this.#context.whereis(breakersName) as ActorRef<Breakers> | undefined;
  }
}

function refusal(retryAfterMs: number): BreakerRefusal {
  return { retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)) };
}
