import type { PlainData } from "./plain-data.ts";

/**
 * The argument types, each with the constraints that it takes beside `allowNil` and `defaultValue`.
 * Values arrive as JSON and are handed on as they came: a `datetime` stays a string.
 */
export const ARGUMENT_TYPES = {
  string: ["maxBytes"],
  num: [],
  boolean: [],
  uuid: [],
  datetime: [],
  naive_datetime: [],
  list: ["maxItems"],
  list_string: ["maxItems", "maxItemBytes"],
  list_num: ["maxItems"],
  list_uuid: ["maxItems"],
  list_map: ["maxItems"],
  map: ["maxItems", "required", "accept"],
  any: [],
} as const;

/** The limits of an argument that sets none itself: those of PhoenixGenApi. */
export const DEFAULT_ARGUMENT_LIMITS = {
  /** UTF-8 bytes of a `string`. */
  maxBytes: 3_000,
  /** Items of a list, entries of a map. */
  maxItems: 1_000,
  /** UTF-8 bytes of each item of a `list_string`. */
  maxItemBytes: 3_000,
} as const;

/** The name of an argument type. */
export type ArgumentType = keyof typeof ARGUMENT_TYPES;

/** One argument, as `parseArgumentSpec` leaves it: limits filled in, plain frozen data. */
export interface ArgumentSpec {
  readonly type: ArgumentType;
  /** Whether null is a value, and absence is null (unless there is a default). */
  readonly allowNil: boolean;
  /** Most UTF-8 bytes of a `string`. */
  readonly maxBytes?: number;
  /** Most items of a list, or entries of a map. */
  readonly maxItems?: number;
  /** Most UTF-8 bytes of each item of a `list_string`. */
  readonly maxItemBytes?: number;
  /** Stands in when the argument is absent (not when it is null). Never null. */
  readonly defaultValue?: PlainData;
  /** Keys that a `map` must have. */
  readonly required?: readonly string[];
  /** The only keys that a `map` may have; absent means any. */
  readonly accept?: readonly string[];
}
