import { isMap, printReceived } from "../registry/index.ts";

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

/** The settings of a gateway that says nothing. */
export const breakerDefaults: BreakerSettings = Object.freeze({
  enabled: true,
  consecutiveFailures: 10,
  failureRate: 0.5,
  minimumCalls: 50,
  windowMs: 10_000,
  cooldownMs: 5_000,
  halfOpenProbes: 3,
  probeTimeoutMs: 30_000,
});

/** Parsed settings, or everything that is wrong with them. */
export type BreakerSettingsOutcome =
  | { readonly ok: true; readonly settings: BreakerSettings }
  | { readonly ok: false; readonly faults: readonly string[] };

interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const maxCount = 1_000_000;
const minMs = 10;
const maxMs = 3_600_000;

const rules: Readonly<Record<keyof BreakerSettings, Rule>> = {
  enabled: { expected: "true or false", holds: (value) => typeof value === "boolean" },
  consecutiveFailures: whole(1, maxCount),
  failureRate: {
    expected: "a number above 0, at most 1",
    holds: (value) => typeof value === "number" && value > 0 && value <= 1,
  },
  minimumCalls: whole(1, maxCount),
  windowMs: whole(minMs, maxMs, " of ms"),
  cooldownMs: whole(minMs, maxMs, " of ms"),
  halfOpenProbes: whole(1, maxCount),
  probeTimeoutMs: whole(minMs, maxMs, " of ms"),
};

const keys = Object.keys(rules) as (keyof BreakerSettings)[];
const keyBySpelling = new Map(
  keys.flatMap((key) => [spelling(key, key), spelling(snake(key), key)]),
);

/**
 * Reads breaker settings, in camelCase or snake_case, even mixed; undefined is all defaults. Every
 * fault is listed, as `<path>.<key as given>: expected …, received …`; `path` is what the settings
 * themselves are called. The result is frozen.
 */
export function parseBreakerSettings(input: unknown, path = "breaker"): BreakerSettingsOutcome {
  if (input === undefined) return { ok: true, settings: breakerDefaults };
  if (!isMap(input)) {
    return { ok: false, faults: [`${path}: expected a map, received ${printReceived(input)}`] };
  }
  const faults: string[] = [];
  const given = new Map<keyof BreakerSettings, unknown>();
  for (const [name, value] of Object.entries(input)) {
    const key = keyBySpelling.get(name);
    if (key === undefined) {
      const known = keys.join(", ");
      faults.push(`${path}: unknown key ${printReceived(name)}: expected one of ${known}`);
    } else if (given.has(key)) {
      faults.push(`${path}.${name}: expected once, received in both spellings`);
    } else if (!rules[key].holds(value)) {
      const { expected } = rules[key];
      faults.push(`${path}.${name}: expected ${expected}, received ${printReceived(value)}`);
    } else given.set(key, value);
  }
  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    settings: Object.freeze({ ...breakerDefaults, ...Object.fromEntries(given) }),
  };
}

function whole(minimum: number, maximum: number, of = ""): Rule {
  return {
    expected: `a whole number${of} from ${minimum} to ${maximum}`,
    holds: (value) =>
      Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum,
  };
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function spelling(name: string, key: keyof BreakerSettings): [string, keyof BreakerSettings] {
  return [name, key];
}
