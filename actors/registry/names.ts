import { exceedsBytes } from "./byte-limit.ts";
import { encodeFault, printReceived } from "./received.ts";

/** Most UTF-8 bytes of a service, request type, argument or other name. */
export const MAX_NAME_BYTES = 256;

/** Whether `value` can be a name: a non-empty string of at most {@link MAX_NAME_BYTES}. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !exceedsBytes(value, MAX_NAME_BYTES);
}

/** A list of distinct names, frozen; anything else is a fault under `path`. */
export function parseNames(value: unknown, path: string, faults: string[]): readonly string[] {
  if (!Array.isArray(value) || !value.every(isName)) {
    const expected = `a list of non-empty strings of at most ${MAX_NAME_BYTES} bytes`;
    faults.push(encodeFault(path, expected, value));
    return [];
  }
  const names = new Set<string>();
  for (const name of value) {
    if (names.has(name)) faults.push(`${path}: ${printReceived(name)} is listed twice`);
    names.add(name);
  }
  return Object.freeze([...names]);
}
