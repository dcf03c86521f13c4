import type { CircuitState } from "./circuit.ts";

/**
 * The table of circuits: target → {@link BreakerRecord}. A target without an entry is closed and
 * has not failed of late.
 */
export const breakersTable = "breakers";

/** The registered name of the Breakers. */
export const breakersName = "breakers";

/** A circuit, as every thread sees it. Times are milliseconds since 1970. */
export interface BreakerRecord {
  readonly state: CircuitState;
  /** When it came into its state. */
  readonly since: number;
  /** When an open one will let probes through; null in the other states. */
  readonly openUntil: number | null;
  /** Failures with no success between them. */
  readonly consecutiveFailures: number;
  /** Within the window; of an open or half-open circuit, when it opened. */
  readonly failures: number;
  readonly calls: number;
  /** Why it is in its state; empty where it has not changed yet. */
  readonly reason: string;
}
