import { FailureWindow, type WindowCounts } from "./failure-window.ts";
import type { BreakerSettings } from "./settings.ts";

/** Whether calls go through: all, none, or a few to try. */
export type CircuitState = "closed" | "open" | "half_open";

/** How a call ended, as far as its target is concerned; `ignored` says nothing about it. */
export type CallOutcome = "success" | "failure" | "ignored";

/** One change of state, and why, for people. */
export interface CircuitChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly reason: string;
}

/** What someone hears who wants to call past a circuit that is not closed. */
export type ProbeAnswer =
  /** It has closed meanwhile. */
  | { readonly kind: "admitted" }
  /** The call is a probe: it reports its outcome under `probe` within `timeoutMs`. */
  | { readonly kind: "probe"; readonly probe: number; readonly timeoutMs: number }
  | { readonly kind: "refused"; readonly retryAfterMs: number };

/** What a new circuit begins with. */
export interface CircuitStart {
  readonly nowMs: number;
  /** Begin open until then: the circuit goes on for one that was lost. */
  readonly openUntilMs?: number;
  readonly reason?: string;
  /** The number of its first probe; numbers of a circuit that was lost must not come again. */
  readonly firstProbe?: number;
}

/** A half-open circuit that nobody has asked for so long is closed, so that it can be forgotten. */
const forgottenAfterMs = 600_000;
/** What a caller is told to wait when all probes are out, at most. */
const maxProbeWaitMs = 1_000;

/**
 * A circuit breaker as a state machine without a clock, timers or I/O: everything that happens comes
 * as a call with the time at which it does, on a monotonic clock that never goes backwards.
 *
 * - `closed`: opens with a failure that is the `consecutiveFailures`-th in a row, or that makes
 *   `failureRate` of at least `minimumCalls` in the window. A failure older than the window counts
 *   for neither.
 * - `open`: for `cooldownMs`; what calls that began before report is no news.
 * - `half_open`: at most `halfOpenProbes` calls go through that may still decide. One that fails
 *   opens it again; when so many have succeeded, it closes. Those that say nothing, or nothing in
 *   time, give their place to others.
 *
 * Source: M. Nygard, "Release It!"; the window is resilience4j's, time-based.
 */
export class Circuit {
  readonly #settings: BreakerSettings;
  readonly #onChange: (change: CircuitChange) => void;
  readonly #window: FailureWindow;
  /** The probes that are out, in the order of their deadlines. */
  readonly #probes = new Map<number, number>();
  #state: CircuitState = "closed";
  #reason = "";
  #sinceMs: number;
  #openUntilMs = 0;
  #consecutiveFailures = 0;
  #lastFailureMs: number;
  #lastAskedMs = 0;
  #succeeded = 0;
  #lastProbe: number;
  /** What the window held when the circuit opened. */
  #atOpening: WindowCounts = { calls: 0, failures: 0 };

  /** `onChange` is called for each change of state, in order, before the call that made it returns. */
  constructor(
    settings: BreakerSettings,
    start: CircuitStart,
    onChange: (change: CircuitChange) => void,
  ) {
    const { nowMs, openUntilMs, reason = "", firstProbe = 1 } = start;
    this.#settings = settings;
    this.#onChange = onChange;
    this.#window = new FailureWindow(settings.windowMs);
    this.#sinceMs = nowMs;
    this.#lastFailureMs = nowMs;
    this.#lastProbe = firstProbe - 1;
    if (openUntilMs === undefined) return;
    this.#state = "open";
    this.#reason = reason;
    this.#openUntilMs = openUntilMs;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Why it is in its state; empty for a new one. */
  get reason(): string {
    return this.#reason;
  }

  /** Failures with no success between them; those that opened it while it is not closed. */
  get consecutiveFailures(): number {
    return this.#consecutiveFailures;
  }

  /** When an open circuit lets probes through; null in the other states. */
  get openUntilMs(): number | null {
    return this.#state === "open" ? this.#openUntilMs : null;
  }

  /** The probes that are out. */
  get probesOut(): number {
    return this.#probes.size;
  }

  /** What the window holds, or held when the circuit opened. */
  counts(nowMs: number): WindowCounts {
    return this.#state === "closed" ? this.#window.counts(nowMs) : this.#atOpening;
  }

  /** When time alone changes something: {@link advance} is to be called then. */
  get dueAtMs(): number {
    if (this.#state === "open") return this.#openUntilMs;
    if (this.#state === "half_open") return this.#lastAskedMs + forgottenAfterMs;
    return Math.max(this.#lastFailureMs, this.#sinceMs) + this.#settings.windowMs;
  }

  /** Whether a new circuit would do as well: it is closed, and its window has gone by. */
  isIdle(nowMs: number): boolean {
    return this.#state === "closed" && nowMs >= this.dueAtMs;
  }

  /** Time has passed. */
  advance(nowMs: number): void {
    if (this.#state === "open" && nowMs >= this.#openUntilMs) {
      this.#lastAskedMs = nowMs;
      this.#succeeded = 0;
      this.#change("half_open", "the cooldown is over", nowMs);
    } else if (this.#state === "half_open" && nowMs >= this.dueAtMs) {
      this.#close(`nobody called for ${forgottenAfterMs} ms`, nowMs);
    }
  }

  /**
   * Calls have ended: so many well, so many not, of which the last `run` came after the last
   * success (all of them where none succeeded).
   */
  report(successes: number, failures: number, run: number, nowMs: number): void {
    this.advance(nowMs);
    if (this.#state !== "closed") return;
    if (nowMs >= this.#lastFailureMs + this.#settings.windowMs) this.#consecutiveFailures = 0;
    this.#consecutiveFailures = successes > 0 ? run : this.#consecutiveFailures + run;
    this.#window.add(successes + failures, failures, nowMs);
    if (failures === 0) return;
    this.#lastFailureMs = nowMs;
    const reason = this.#reasonToOpen(nowMs);
    if (reason !== null) this.#open(reason, nowMs);
  }

  /** Someone wants to call. */
  probe(nowMs: number): ProbeAnswer {
    this.advance(nowMs);
    if (this.#state === "closed") return { kind: "admitted" };
    if (this.#state === "open") {
      return { kind: "refused", retryAfterMs: Math.ceil(this.#openUntilMs - nowMs) };
    }
    this.#lastAskedMs = nowMs;
    this.#giveUp(nowMs);
    const { halfOpenProbes, cooldownMs, probeTimeoutMs } = this.#settings;
    if (this.#probes.size + this.#succeeded >= halfOpenProbes) {
      return { kind: "refused", retryAfterMs: Math.min(cooldownMs, maxProbeWaitMs) };
    }
    this.#lastProbe += 1;
    this.#probes.set(this.#lastProbe, nowMs + probeTimeoutMs);
    return { kind: "probe", probe: this.#lastProbe, timeoutMs: probeTimeoutMs };
  }

  /** A probe has ended. One that was given up, or of an earlier half-open time, is no news. */
  probed(probe: number, outcome: CallOutcome, nowMs: number): void {
    this.advance(nowMs);
    this.#giveUp(nowMs);
    if (!this.#probes.delete(probe) || outcome === "ignored") return;
    if (outcome === "failure") {
      this.#open("a probe failed", nowMs);
      return;
    }
    this.#succeeded += 1;
    const { halfOpenProbes } = this.#settings;
    if (this.#succeeded < halfOpenProbes) return;
    this.#close(`${halfOpenProbes} of ${halfOpenProbes} probes succeeded`, nowMs);
  }

  /** Closes the circuit and forgets all failures, because `reason`. */
  reset(reason: string, nowMs: number): void {
    if (this.#state === "closed") this.#forget();
    else this.#close(reason, nowMs);
  }

  #reasonToOpen(nowMs: number): string | null {
    const { consecutiveFailures, failureRate, minimumCalls, windowMs } = this.#settings;
    if (this.#consecutiveFailures >= consecutiveFailures) {
      return `${this.#consecutiveFailures} failures in a row`;
    }
    const { calls, failures } = this.#window.counts(nowMs);
    if (calls < minimumCalls || failures < failureRate * calls) return null;
    return `${failures} of ${calls} calls failed within ${windowMs} ms`;
  }

  #open(reason: string, nowMs: number): void {
    if (this.#state === "closed") this.#atOpening = this.#window.counts(nowMs);
    this.#openUntilMs = nowMs + this.#settings.cooldownMs;
    this.#change("open", reason, nowMs);
  }

  #close(reason: string, nowMs: number): void {
    this.#forget();
    this.#change("closed", reason, nowMs);
  }

  #forget(): void {
    this.#window.clear();
    this.#consecutiveFailures = 0;
  }

  #change(to: CircuitState, reason: string, nowMs: number): void {
    const from = this.#state;
    this.#state = to;
    this.#reason = reason;
    this.#sinceMs = nowMs;
    this.#probes.clear();
    this.#onChange({ from, to, reason });
  }

  #giveUp(nowMs: number): void {
    for (const [probe, deadlineMs] of this.#probes) {
      if (deadlineMs > nowMs) break;
      this.#probes.delete(probe);
    }
  }
}
