import type { Timer } from "#runtime";
import type { BreakerRecord } from "./breaker-record.ts";

interface HeldProbe {
  readonly probe: number;
  /** On the thread's clock. */
  readonly untilMs: number;
}

/** What one thread knows of a target that has failed of late. */
export class Tally {
  /** What the table says; null as long as it says nothing. */
  record: BreakerRecord | null = null;
  /** Not reported yet. */
  successes = 0;
  failures = 0;
  /** Failures after the last success, of those not reported yet. */
  run = 0;
  /** Runs out when the next report may leave; null when nothing was reported of late. */
  timer: Timer | null = null;
  /** Failures that were reported at once since the timer was set. */
  prompt = 0;
  /** Callers that are asking for a probe. */
  asking = 0;
  /** All probes were out: nobody asks again before. */
  refusedUntilMs = 0;
  /** Given to callers of this thread, in the order of their deadlines. */
  #probes: HeldProbe[] = [];

  get isPending(): boolean {
    return this.successes + this.failures > 0;
  }

  /** Whether anything is known that a new tally would not know. */
  get isEmpty(): boolean {
    return this.record === null && this.asking === 0 && this.#probes.length === 0;
  }

  addSuccess(): void {
    this.successes += 1;
    this.run = 0;
  }

  addFailure(): void {
    this.failures += 1;
    this.run += 1;
  }

  /** Forgets what was counted. */
  clear(): void {
    this.successes = 0;
    this.failures = 0;
    this.run = 0;
  }

  holdProbe(probe: number, untilMs: number): void {
    this.#probes.push({ probe, untilMs });
  }

  /** Takes the oldest probe that still counts; any of them does for any call. */
  takeProbe(nowMs: number): number | undefined {
    for (let held = this.#probes.shift(); held !== undefined; held = this.#probes.shift()) {
      if (held.untilMs > nowMs) return held.probe;
    }
    return undefined;
  }

  dropProbes(): void {
    this.#probes = [];
  }
}
