import { Actor, type ActorRef, type Signal, type TableWriter, toErrorRecord } from "#runtime";
import { Breaker, type BreakerParent } from "./breaker.ts";
import { type BreakerRecord, breakersTable } from "./breaker-record.ts";
import type { CallOutcome, ProbeAnswer } from "./circuit.ts";
import type { BreakerSettings } from "./settings.ts";

/** A breaker of this actor's. */
interface Child {
  /** Null until it has started. */
  ref: ActorRef<Breaker> | null;
  /** Never rejects; null when it did not start. */
  readonly started: Promise<ActorRef<Breaker> | null>;
  /** Counts what was sent to it. */
  sent: number;
}

/**
 * The parent of all {@link Breaker}s, which live on its own thread, and the one writer of the table
 * of breakers. A target gets a breaker with its first failure and loses it once nothing is left to
 * remember, so that only troubled targets cost anything. Open circuits outlive it: one that starts
 * anew finds them in the table.
 */
export class Breakers extends Actor implements BreakerParent {
  static override readonly source: string = import.meta.url;
  readonly #settings: BreakerSettings;
  readonly #table: TableWriter<BreakerRecord> = this.context.writeTable(breakersTable);
  readonly #children = new Map<string, Child>();

  constructor(settings: BreakerSettings) {
    super();
    this.#settings = settings;
  }

  protected override init(): void {
    for (const target of [...this.#table.entries()].map(([key]) => key)) this.#goOnFor(target);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    for (const [target, { ref }] of this.#children) {
      if (!ref?.equals(signal.ref)) continue;
      this.#children.delete(target);
      this.#goOnFor(target);
      return;
    }
  }

  /** Calls of a target have ended; see `Circuit.report`. */
  async report(target: string, successes: number, failures: number, run: number): Promise<void> {
    // Successes alone are of no interest in a target that has not failed of late.
    if (failures === 0 && !this.#children.has(target)) return;
    const breaker = await this.#breakerOf(target);
    breaker?.tell.report(successes, failures, run);
  }

  /** Someone wants to call a target whose circuit is not closed. */
  async probe(target: string): Promise<ProbeAnswer> {
    if (!this.#children.has(target)) return { kind: "admitted" };
    const breaker = await this.#breakerOf(target);
    return breaker === null ? { kind: "admitted" } : breaker.ask.probe();
  }

  /** A probe has ended. */
  async probed(target: string, probe: number, outcome: CallOutcome): Promise<void> {
    if (!this.#children.has(target)) return;
    const breaker = await this.#breakerOf(target);
    breaker?.tell.probed(probe, outcome);
  }

  /** Closes the circuit of a target and forgets its failures; false when there are none. */
  async reset(target: string): Promise<boolean> {
    if (!this.#children.has(target)) return false;
    const breaker = await this.#breakerOf(target);
    await breaker?.ask.reset();
    return true;
  }

  /** From a breaker: shows its circuit. */
  changed(target: string, record: BreakerRecord): void {
    if (this.#children.has(target)) this.#table.set(target, record);
  }

  /** From a breaker: it has nothing left to remember. */
  async idle(target: string): Promise<void> {
    const child = this.#children.get(target);
    if (child === undefined || child.ref === null) return;
    const { ref, sent } = child;
    // All that was sent to it is done when it answers; what was sent meanwhile must not be lost.
    const isIdle = await ref.ask.isIdle().catch(() => false);
    if (!isIdle || child.sent !== sent || this.#children.get(target) !== child) return;
    this.#children.delete(target);
    this.#table.delete(target);
    await this.context.stopChild(ref);
  }

  /** A breaker is gone, or all were: an open circuit has to go on, a closed one begins afresh. */
  #goOnFor(target: string): void {
    const record = this.#table.get(target);
    if (record === undefined) return;
    if (record.state === "closed") this.#table.delete(target);
    else this.#start(target, record);
  }

  async #breakerOf(target: string): Promise<ActorRef<Breaker> | null> {
    const child = this.#children.get(target) ?? this.#start(target, null);
    child.sent += 1;
    return child.ref ?? child.started;
  }

  #start(target: string, lost: BreakerRecord | null): Child {
    const spawned = this.context.spawn(Breaker, {
      args: [target, this.#settings, this.self as ActorRef<BreakerParent>, lost],
      thread: this.context.thread,
    });
    const started = spawned.then(
      (ref) => {
        child.ref = ref;
        return ref;
      },
      (error) => {
        const { message } = toErrorRecord(error);
        this.context.log("error", "breaker did not start", { target, error: message });
        this.#children.delete(target);
        this.#table.delete(target);
        return null;
      },
    );
    const child: Child = { ref: null, started, sent: 0 };
    this.#children.set(target, child);
    return child;
  }
}
