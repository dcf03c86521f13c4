import { checkResourceLimits, type ResourceLimits, toErrorRecord } from "#runtime";
import { isMap, printReceived } from "../registry/index.ts";

/** How one pool works. */
export interface PoolOptions {
  /**
   * Threads at most; null: as many as there are cores. They are started when there is work, and end
   * after 30 s without.
   */
  readonly threads: number | null;
  /** Calls that may wait for a thread; one more is answered `queue_full`. */
  readonly maxQueue: number;
  /** Limits of each thread, MB; what V8 assumes where a value is missing. */
  readonly resourceLimits?: ResourceLimits;
}

/** Both pools. */
export interface PoolSettings {
  /** Functions whose response type is not `stream`. */
  readonly async: PoolOptions;
  /** Streams: each has a thread of its own until it ends. */
  readonly stream: PoolOptions;
}

/** The settings, or everything that is wrong with them. */
export type PoolSettingsOutcome =
  | { readonly ok: true; readonly settings: PoolSettings }
  | { readonly ok: false; readonly faults: readonly string[] };

const MAX_THREADS = 1_024;
const MAX_QUEUE = 1_000_000;
const DEFAULT_MAX_QUEUE = 10_000;

/**
 * Reads `{async?: {threads?, maxQueue?, resourceLimits?}, stream?: {…}}`, in camelCase or
 * snake_case. Defaults: a thread per core, 10,000 calls that wait, no limits of memory. `undefined`
 * is all defaults. Each fault names field, what was expected, what was received.
 */
export function parsePoolSettings(input: unknown): PoolSettingsOutcome {
  const faults: string[] = [];
  const given = parseMap("pools", input, ["async", "stream"], faults);
  const settings = {
    async: parsePool("pools.async", given.get("async"), faults),
    stream: parsePool("pools.stream", given.get("stream"), faults),
  };
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings };
}

function parsePool(at: string, input: unknown, faults: string[]): PoolOptions {
  const given = parseMap(at, input, ["threads", "maxQueue", "resourceLimits"], faults);
  const whole = <F>(name: string, fallback: F, min: number, max: number): number | F => {
    const value = given.get(name) ?? fallback;
    if (value === fallback) return fallback;
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) {
      return Number(value);
    }
    const expected = `a whole number from ${min} to ${max}`;
    faults.push(`${at}.${name}: expected ${expected}, received ${printReceived(value)}`);
    return fallback;
  };
  return {
    threads: whole("threads", null, 1, MAX_THREADS),
    maxQueue: whole("maxQueue", DEFAULT_MAX_QUEUE, 0, MAX_QUEUE),
    resourceLimits: parseLimits(at, given.get("resourceLimits"), faults),
  };
}

function parseLimits(at: string, input: unknown, faults: string[]): ResourceLimits {
  const names = ["maxOldGenerationSizeMb", "maxYoungGenerationSizeMb", "stackSizeMb"];
  const limits = Object.fromEntries(parseMap(`${at}.resourceLimits`, input, names, faults));
  try {
    checkResourceLimits(limits);
  } catch (error) {
    faults.push(`${at}.${toErrorRecord(error).message}`);
  }
  return limits;
}

/** The fields of a map by their camelCase names. */
function parseMap(
  at: string,
  input: unknown,
  names: readonly string[],
  faults: string[],
): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  if (input === undefined) return fields;
  if (!isMap(input)) {
    faults.push(`${at}: expected a map, received ${printReceived(input)}`);
    return fields;
  }
  for (const [spelling, value] of Object.entries(input)) {
    const name = spelling.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!names.includes(name)) {
      const expected = `one of ${names.join(", ")}`;
      faults.push(`${at}: unknown field ${printReceived(spelling)}: expected ${expected}`);
    } else if (fields.has(name)) {
      faults.push(`${at}.${name}: given twice`);
    } else if (value !== undefined) fields.set(name, value);
  }
  return fields;
}
