import { checkResourceLimits, type ResourceLimits, toErrorRecord } from "#runtime";
import {
  collectFields,
  type Field,
  mapField,
  nullable,
  omittable,
  parseSettings,
  type SettingsOutcome,
  wholeField,
} from "../registry/index.ts";

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

const megabytes: Field<unknown> = { fallback: undefined, parse: (input) => input };
const limitFields: Readonly<Record<keyof ResourceLimits, Field<unknown>>> = {
  ...{ maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: megabytes },
  stackSizeMb: megabytes,
};

const resourceLimitsField: Field<ResourceLimits> = {
  fallback: {},
  parse(input, path, faults): ResourceLimits {
    const given = collectFields(limitFields, input, path, faults);
    const limits = Object.fromEntries(Array.from(given, ([name, { value }]) => [name, value]));
    try {
      checkResourceLimits(limits);
    } catch (error) {
      faults.push(toErrorRecord(error).message.replace("resourceLimits", () => path));
    }
    return limits;
  },
};

const poolField: Field<PoolOptions> = mapField<PoolOptions>({
  threads: nullable(wholeField(1, 1_024)),
  maxQueue: omittable(wholeField(0, 1_000_000, 10_000)),
  resourceLimits: resourceLimitsField,
});

/**
 * Reads `{async?: {threads?, maxQueue?, resourceLimits?}, stream?: {…}}` as `parseSettings` does.
 * Defaults: a thread per core, 10,000 calls that wait, no limits of memory.
 */
export function parsePoolSettings(input: unknown): SettingsOutcome<PoolSettings> {
  return parseSettings<PoolSettings>({ async: poolField, stream: poolField }, input, "pools");
}
