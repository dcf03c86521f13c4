import { Actor, type ActorRef, type Timer } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import type { BreakerRecord } from "./breaker-record.ts";
import { type CallOutcome, Circuit, type CircuitChange, type ProbeAnswer } from "./circuit.ts";
import type { BreakerSettings } from "./settings.ts";

/** Whom a breaker tells. */
export interface BreakerParent {
  changed(target: string, record: BreakerRecord): void;
  idle(target: string): void;
}

/** How often counts are shown that change nothing. */
const showEveryMs = 250;

/**
 * The circuit of one target. It exists while the target has failures in its window or its circuit is
 * not closed; then it tells its parent that it is idle. Beside messages it does something only when
 * its circuit is due, on one timer.
 */
export class Breaker extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #target: string;
  readonly #parent: ActorRef<BreakerParent>;
  readonly #circuit: Circuit;
  #since: number;
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #shownMs = Number.NEGATIVE_INFINITY;
  #hasNews: boolean;

  /** `lost` is what the table says of a circuit that this one goes on for; null for a new one. */
  constructor(
    target: string,
    settings: BreakerSettings,
    parent: ActorRef<BreakerParent>,
    lost: BreakerRecord | null,
  ) {
    super();
    const { clock } = this.context;
    const wallTime = clock.wallTime();
    const nowMs = clock.now();
    this.#target = target;
    this.#parent = parent;
    this.#since = lost?.since ?? wallTime;
    // A new one is made to be told of a failure, which is the first thing to show.
    this.#hasNews = lost !== null;
    // The wall clock may have been set: no circuit stays open for more than its cooldown.
    const leftMs = Math.max(0, Math.min(settings.cooldownMs, (lost?.openUntil ?? 0) - wallTime));
    // No number of an earlier circuit of the target comes again: none gave a thousand a millisecond.
    const firstProbe = Math.floor(wallTime) * 1_000;
    this.#circuit = new Circuit(
      settings,
      lost === null
        ? { nowMs, firstProbe }
        : { nowMs, firstProbe, openUntilMs: nowMs + leftMs, reason: lost.reason },
      (change) => this.#changed(change),
    );
  }

  protected override init(): void {
    this.#circuit.advance(this.context.clock.now());
    this.#afterwards();
  }

  /** See {@link Circuit.report}. */
  report(successes: number, failures: number, run: number): void {
    this.#circuit.report(successes, failures, run, this.context.clock.now());
    if (this.#circuit.state === "closed") this.#hasNews = true;
    this.#afterwards();
  }

  /** See {@link Circuit.probe}. */
  probe(): ProbeAnswer {
    const answer = this.#circuit.probe(this.context.clock.now());
    this.#afterwards();
    return answer;
  }

  /** See {@link Circuit.probed}. */
  probed(probe: number, outcome: CallOutcome): void {
    this.#circuit.probed(probe, outcome, this.context.clock.now());
    this.#afterwards();
  }

  /** Closes the circuit and forgets all failures. */
  reset(): void {
    this.#circuit.reset("reset", this.context.clock.now());
    this.#hasNews = true;
    this.#afterwards();
  }

  /** Whether it may go. */
  isIdle(): boolean {
    return this.#circuit.isIdle(this.context.clock.now());
  }

  #changed({ from, to, reason }: CircuitChange): void {
    const { clock, log } = this.context;
    this.#since = clock.wallTime();
    this.#hasNews = true;
    this.#shownMs = Number.NEGATIVE_INFINITY;
    const target = this.#target;
    const { calls, failures } = this.#circuit.counts(clock.now());
    const { consecutiveFailures } = this.#circuit;
    const level = to === "open" ? "warn" : "info";
    log(level, `circuit ${to.replace("_", "-")}`, { target, reason, from });
    const channel =
      to === "open" ? telemetry.workerPoolCircuitOpen : telemetry.workerPoolCircuitClose;
    if (to === "half_open" || !channel.hasSubscribers) return;
    channel.publish({
      measurements: { calls, failures, consecutive_failures: consecutiveFailures },
      metadata: { target, reason, from },
    });
  }

  /** Shows what is new, tells when nothing is left, and sets the timer for what comes next. */
  #afterwards(): void {
    const nowMs = this.context.clock.now();
    if (this.#hasNews && nowMs >= this.#shownMs + showEveryMs) this.#show(nowMs);
    if (this.#circuit.isIdle(nowMs)) {
      this.#parent.tell.idle(this.#target);
      return;
    }
    const showAtMs = this.#hasNews ? this.#shownMs + showEveryMs : Number.POSITIVE_INFINITY;
    const dueMs = Math.min(this.#circuit.dueAtMs, showAtMs);
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.context.after(dueMs - nowMs, () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#circuit.advance(this.context.clock.now());
      this.#afterwards();
    });
  }

  #show(nowMs: number): void {
    const { state, openUntilMs, consecutiveFailures, reason } = this.#circuit;
    const wallTime = this.context.clock.wallTime();
    this.#shownMs = nowMs;
    this.#hasNews = false;
    this.#parent.tell.changed(this.#target, {
      ...{ state, since: this.#since, consecutiveFailures, reason },
      openUntil: openUntilMs === null ? null : Math.ceil(wallTime + openUntilMs - nowMs),
      ...this.#circuit.counts(nowMs),
    });
  }
}
