import Type from "typebox";
import {
  booleanField,
  parseSettings,
  type SettingFields,
  type SettingsOutcome,
  schemaField,
  selectDefaults,
  wholeField,
} from "../registry/index.ts";

/** When circuits open and close; the same for all targets of a gateway. */
export interface BreakerSettings {
  /** False: no circuit ever opens. Default true. */
  readonly enabled: boolean;
  /** So many failures with no success between them open the circuit; default 10. */
  readonly consecutiveFailures: number;
  /** So large a part of the calls in the window, above 0, at most 1; default 0.5. */
  readonly failureRate: number;
  /** Calls in the window before the rate counts; default 50. */
  readonly minimumCalls: number;
  /** What is older is forgotten, to a tenth of it; default 10,000 ms. */
  readonly windowMs: number;
  /** How long an open circuit lets nothing through; default 5,000 ms. */
  readonly cooldownMs: number;
  /** Calls that are let through half-open; all of them have to succeed. Default 3. */
  readonly halfOpenProbes: number;
  /** A probe that has not reported back by then is given up, its place free; default 30,000 ms. */
  readonly probeTimeoutMs: number;
}

const maxCount = 1_000_000;
const minMs = 10;
const maxMs = 3_600_000;

const fields: SettingFields<BreakerSettings> = {
  enabled: booleanField(true),
  consecutiveFailures: wholeField(1, maxCount, 10),
  failureRate: {
    fallback: 0.5,
    ...schemaField<number>(
      Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
      "a number above 0, at most 1",
    ),
  },
  minimumCalls: wholeField(1, maxCount, 50),
  windowMs: wholeField(minMs, maxMs, 10_000, "ms"),
  cooldownMs: wholeField(minMs, maxMs, 5_000, "ms"),
  halfOpenProbes: wholeField(1, maxCount, 3),
  probeTimeoutMs: wholeField(minMs, maxMs, 30_000, "ms"),
};

/** The settings of a gateway that says nothing. */
export const breakerDefaults: BreakerSettings = selectDefaults(fields);

/** Reads breaker settings as `parseSettings` does; `path` is what the settings themselves are called. */
export function parseBreakerSettings(
  input: unknown,
  path = "breaker",
): SettingsOutcome<BreakerSettings> {
  return parseSettings(fields, input, path);
}
