/** What an operator typed, checked: every fault is one line that names the parameter. */

import { CommandError, parseArguments } from "#runtime";
import { isMap, printReceived } from "../registry/index.ts";

/** @throws CommandError for anything but a text that is not empty. */
export function readText(value: unknown, name: string, expected: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw wrong(name, expected, value);
}

/** The same; undefined and null are left out. */
export function readOptionalText(
  value: unknown,
  name: string,
  expected: string,
): string | undefined {
  return value === undefined || value === null ? undefined : readText(value, name, expected);
}

/**
 * A map with no other keys than those; undefined and null are an empty one. The result is plain data
 * of this realm.
 * @throws CommandError for anything else, and for an unknown key.
 */
export function readOptions(
  value: unknown,
  name: string,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  const [given] = parseArguments([value ?? {}]);
  if (!isMap(given)) throw wrong(name, `an object with ${keys.join(", ")}`, given);
  const unknown = Object.keys(given).find((key) => !keys.includes(key));
  if (unknown === undefined) return given;
  const received = printReceived(unknown);
  throw new CommandError(`${name}: unknown key ${received}: expected one of ${keys.join(", ")}`);
}

/** The error for a value that is none of those expected. */
export function wrong(name: string, expected: string, received: unknown): CommandError {
  const came = received === undefined ? "nothing" : printReceived(received);
  return new CommandError(`${name}: expected ${expected}, received ${came}`);
}

/** The error for a name that nothing has; `known` are those that something has. */
export function nothingNamed(what: string, name: string, known: Iterable<string>): CommandError {
  const names = [...new Set(known)];
  const others = names.length === 0 ? "there is none at all" : `there are ${listSome(names)}`;
  return new CommandError(`there is no ${what} ${printReceived(name)}: ${others}`);
}

const maxListed = 20;

function listSome(names: readonly string[]): string {
  const rest = names.length - maxListed;
  const shown = names.slice(0, maxListed).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
