import type { CallOutcome, CircuitState } from "../../../actors/breaker/circuit.ts";
import type { BreakerSettings } from "../../../actors/breaker/settings.ts";

/** The tenths of a window that `Circuit` tells apart. */
const tenths = 10;

interface Report {
  readonly atMs: number;
  readonly successes: number;
  readonly failures: number;
  readonly run: number;
}

interface Given {
  readonly id: number;
  readonly deadlineMs: number;
  result: CallOutcome | "out";
}

/**
 * A circuit that remembers everything and works all out from scratch at each question: lists, no
 * counters. Its probes are numbered from 1.
 */
export class CircuitModel {
  readonly #settings: BreakerSettings;
  readonly changes: string[] = [];
  state: CircuitState = "closed";
  #nowMs = 0;
  #reports: Report[] = [];
  #given: Given[] = [];
  #lastId = 0;
  #openedMs = 0;
  #askedMs = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  report(successes: number, failures: number, run: number): void {
    this.#time();
    if (this.state !== "closed") return;
    this.#reports.push({ atMs: this.#nowMs, successes, failures, run });
    if (failures > 0 && this.#isTooBad()) this.#become("open");
  }

  probe(): "admitted" | "refused" | number {
    this.#time();
    if (this.state === "closed") return "admitted";
    if (this.state === "open") return "refused";
    this.#askedMs = this.#nowMs;
    if (this.deciding >= this.#settings.halfOpenProbes) return "refused";
    this.#lastId += 1;
    const deadlineMs = this.#nowMs + this.#settings.probeTimeoutMs;
    this.#given.push({ id: this.#lastId, deadlineMs, result: "out" });
    return this.#lastId;
  }

  probed(id: number, outcome: CallOutcome): void {
    this.#time();
    const given = this.#given.find((one) => one.id === id);
    if (given === undefined || given.result !== "out" || given.deadlineMs <= this.#nowMs) return;
    given.result = outcome;
    if (outcome === "failure") this.#become("open");
    const succeeded = this.#given.filter(({ result }) => result === "success").length;
    if (succeeded === this.#settings.halfOpenProbes) this.#become("closed");
  }

  reset(): void {
    if (this.state === "closed") this.#reports = [];
    else this.#become("closed");
  }

  /** Probes of this half-open time that may still decide, or have had their say. */
  get deciding(): number {
    return this.#given.filter(({ result, deadlineMs }) =>
      result === "out" ? deadlineMs > this.#nowMs : result === "success",
    ).length;
  }

  /** All probes that were ever given and not answered, late ones too. */
  get lastId(): number {
    return this.#lastId;
  }

  get consecutiveFailures(): number {
    let run = 0;
    let laterMs = Number.NaN;
    for (const { atMs, successes, failures, run: last } of this.#reports.toReversed()) {
      // Between a failure and the one after it lies less than the window.
      if (laterMs - atMs >= this.#settings.windowMs && failures > 0) break;
      run += last;
      if (successes > 0) break;
      if (failures > 0) laterMs = atMs;
    }
    return run;
  }

  #isTooBad(): boolean {
    if (this.consecutiveFailures >= this.#settings.consecutiveFailures) return true;
    const tenth = (atMs: number): number => Math.floor(atMs / (this.#settings.windowMs / tenths));
    const recent = this.#reports.filter(({ atMs }) => tenth(atMs) > tenth(this.#nowMs) - tenths);
    const failures = recent.reduce((sum, report) => sum + report.failures, 0);
    const calls = recent.reduce((sum, report) => sum + report.successes, failures);
    return calls >= this.#settings.minimumCalls && failures / calls >= this.#settings.failureRate;
  }

  #time(): void {
    const isOver = this.#nowMs >= this.#openedMs + this.#settings.cooldownMs;
    if (this.state === "open" && isOver) this.#become("half_open");
    else if (this.state === "half_open" && this.#nowMs >= this.#askedMs + 600_000) {
      this.#become("closed");
    }
  }

  #become(state: CircuitState): void {
    this.changes.push(`${this.state} → ${state}`);
    this.state = state;
    this.#given = [];
    if (state === "closed") this.#reports = [];
    if (state === "open") this.#openedMs = this.#nowMs;
    if (state === "half_open") this.#askedMs = this.#nowMs;
  }
}
