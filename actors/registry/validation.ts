import { encodeWarnings } from "./field-conflicts.ts";
import { parseFunConfig } from "./fun-config.ts";
import type { FunConfig } from "./fun-config-schema.ts";

/** One fault of a config, taken apart. */
interface ConfigFault {
  /** The field as it was spelled, such as `argTypes.name.max_bytes`; empty for the config itself. */
  readonly field: string;
  /** What a right value is; null where the fault is not of that kind. */
  readonly expected: string | null;
  /** What came, cut to a bounded length; null where the fault is not of that kind. */
  readonly received: string | null;
  /** The whole as one line. */
  readonly message: string;
}

/** What there is to say of a config. */
export interface ConfigReport {
  readonly valid: boolean;
  /** As it would be stored, with all defaults; null when it is not valid. */
  readonly config: FunConfig | null;
  readonly errors: readonly ConfigFault[];
  /** What is valid but may not be meant; a valid config alone has any. */
  readonly warnings: readonly string[];
}

/** Checks a config as `parseFunConfig` does, and reports for people and tools. Never throws. */
export function validateWithDetails(input: unknown): ConfigReport {
  const outcome = parseFunConfig(input);
  if (outcome.ok) {
    const { config } = outcome;
    return { valid: true, config, errors: [], warnings: encodeWarnings(config) };
  }
  const errors = outcome.faults.map(parseFault);
  return { valid: false, config: null, errors, warnings: [] };
}

/** `field: expected …, received …`, or `field: …`; of the config as a whole, without the field. */
const FAULT = /^(?:(?<field>(?:"(?:[^"\\]|\\.)*"|[^:"])+): )?(?<what>.*)$/s;
const EXPECTATION = /^(?:expected (?<expected>.*?)|required), received (?<received>.*)$/s;

function parseFault(message: string): ConfigFault {
  const { field = "", what = "" } = FAULT.exec(message)?.groups ?? {};
  const match = EXPECTATION.exec(what)?.groups;
  const expected = match === undefined ? null : (match["expected"] ?? "a value");
  return { field, expected, received: match?.["received"] ?? null, message };
}
