import { isDatetime, isNaiveDatetime, isUuid } from "./argument-formats.ts";
import type { ArgumentSpec } from "./argument-types.ts";
import { exceedsBytes } from "./byte-limit.ts";
import { isMap } from "./plain-data.ts";
import { printReceived } from "./received.ts";

/** How many names a message lists before it only counts the rest. */
const MAX_LISTED_NAMES = 10;

/**
 * What is wrong with the value of one argument, as a message for the client that names argument,
 * expectation and limit; null when nothing is. `value` is neither null nor undefined: whether the
 * argument may be absent is decided before. This is the slow, explaining twin of the compiled
 * validator, and accepts exactly what that accepts.
 */
export function decideValueFault(name: string, spec: ArgumentSpec, value: unknown): string | null {
  switch (spec.type) {
    case "any":
      return null;
    case "string":
      return decideTextFault(name, value, spec.maxBytes);
    case "num":
      return Number.isFinite(value) ? null : mistyped(name, "num", value);
    case "boolean":
      return typeof value === "boolean" ? null : mistyped(name, "boolean", value);
    case "uuid":
      return decideFormatFault(name, "uuid", isUuid, value);
    case "datetime":
      return decideFormatFault(name, "datetime (ISO 8601 with offset)", isDatetime, value);
    case "naive_datetime":
      return decideFormatFault(
        name,
        "naive_datetime (ISO 8601 without offset)",
        isNaiveDatetime,
        value,
      );
    case "map":
      return isMap(value) ? decideMapFault(name, spec, value) : mistyped(name, "map", value);
    default:
      return decideListFault(name, spec, value);
  }
}

function decideTextFault(name: string, value: unknown, maxBytes = Infinity): string | null {
  if (typeof value !== "string") return mistyped(name, "string", value);
  return exceedsBytes(value, maxBytes)
    ? `invalid argument size for ${printReceived(name)}, max ${maxBytes} bytes`
    : null;
}

function decideFormatFault(
  name: string,
  expected: string,
  matches: (text: string) => boolean,
  value: unknown,
): string | null {
  if (typeof value !== "string") return mistyped(name, expected, value);
  if (matches(value)) return null;
  return `invalid argument value for ${printReceived(name)}, expected ${expected}, got ${printReceived(value)}`;
}

function decideListFault(name: string, spec: ArgumentSpec, value: unknown): string | null {
  if (!Array.isArray(value)) return mistyped(name, spec.type, value);
  const { maxItems = Infinity } = spec;
  if (value.length > maxItems) return tooManyItems(name, maxItems);
  for (let index = 0; index < value.length; index++) {
    const fault = decideItemFault(`${name}[${index}]`, spec, value[index]);
    if (fault !== null) return fault;
  }
  return null;
}

function decideItemFault(name: string, spec: ArgumentSpec, item: unknown): string | null {
  switch (spec.type) {
    case "list_string":
      return decideTextFault(name, item, spec.maxItemBytes);
    case "list_num":
      return Number.isFinite(item) ? null : mistyped(name, "num", item);
    case "list_uuid":
      return decideFormatFault(name, "uuid", isUuid, item);
    case "list_map":
      if (!isMap(item)) return mistyped(name, "map", item);
      return Object.hasOwn(item, "__proto__") ? rejectedKeys(name, ["__proto__"]) : null;
    default:
      return null;
  }
}

function decideMapFault(
  name: string,
  spec: ArgumentSpec,
  map: Record<string, unknown>,
): string | null {
  const keys = Object.keys(map);
  const { maxItems = Infinity, required = [], accept } = spec;
  if (keys.length > maxItems) return tooManyItems(name, maxItems);
  const missing = required.filter((key) => !Object.hasOwn(map, key));
  if (missing.length > 0) {
    return `map argument ${printReceived(name)} missing required keys: ${printNames(missing)}`;
  }
  const rejected = keys.filter((key) => key === "__proto__" || accept?.includes(key) === false);
  return rejected.length > 0 ? rejectedKeys(name, rejected, accept) : null;
}

function rejectedKeys(name: string, keys: readonly string[], accept?: readonly string[]): string {
  const accepted = accept === undefined ? "" : `, accepted: ${printNames(accept)}`;
  return `map argument ${printReceived(name)} contains rejected keys: ${printNames(keys)}${accepted}`;
}

function mistyped(name: string, expected: string, value: unknown): string {
  return `invalid argument type for ${printReceived(name)}, expected ${expected}, got ${printReceived(value)}`;
}

function tooManyItems(name: string, maxItems: number): string {
  return `invalid argument size for ${printReceived(name)}, max ${maxItems} items`;
}

/** Names as a JSON list, each cut to a bounded length, the eleventh and later only counted. */
export function printNames(names: readonly string[]): string {
  const listed = names.slice(0, MAX_LISTED_NAMES).map(printReceived).join(",");
  const rest = names.length - MAX_LISTED_NAMES;
  return rest > 0 ? `[${listed}] and ${rest} more` : `[${listed}]`;
}
