import { parseArgumentSpec } from "./argument-spec.ts";
import type { ArgumentSpec } from "./argument-types.ts";
import { type Field, NAME_EXPECTED } from "./field.ts";
import { isName, parseNames } from "./names.ts";
import {
  isObjectSchema,
  type ObjectSchema,
  parseObjectSchema,
  selectClosedNames,
} from "./object-schema.ts";
import { isMap } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";

/** Argument name → its type and constraints, or one schema for all of `args`; null takes none. */
export type ArgumentTypes = Readonly<Record<string, ArgumentSpec>> | ObjectSchema | null;

/** Names for a positional call, or one object. */
export type ArgumentOrders = readonly string[] | "map";

/** Most arguments of one function. */
const MAX_ARGUMENTS = 256;

/** The field `argTypes`. */
export const argTypesField: Field<ArgumentTypes> = { fallback: null, parse: parseArgumentTypes };

/** The field `argOrders`. */
export const argOrdersField: Field<ArgumentOrders> = {
  fallback: "map",
  parse: parseArgumentOrders,
};

function parseArgumentTypes(input: unknown, path: string, faults: string[]): ArgumentTypes {
  if (input === null) return null;
  if (!isMap(input)) {
    const expected = "null, a map of argument types, or an object schema";
    faults.push(encodeFault(path, expected, input));
    return null;
  }
  if (isObjectSchema(input)) return parseObjectSchema(input, path, faults);
  const specs: Record<string, ArgumentSpec> = {};
  const names = Object.keys(input);
  if (names.length > MAX_ARGUMENTS) {
    faults.push(`${path}: expected at most ${MAX_ARGUMENTS} arguments, received ${names.length}`);
    return null;
  }
  for (const name of names) {
    if (!isName(name) || name === "__proto__") {
      faults.push(encodeFault(`${path}: argument name`, `${NAME_EXPECTED}, not "__proto__"`, name));
    } else {
      specs[name] = parseArgumentSpec(input[name], `${path}.${name}`, faults);
    }
  }
  return names.length === 0 ? null : Object.freeze(specs);
}

function parseArgumentOrders(input: unknown, path: string, faults: string[]): ArgumentOrders {
  if (input === "map" || input === null) return "map";
  if (Array.isArray(input)) return parseNames(input, path, faults);
  faults.push(encodeFault(path, 'a list of argument names, or "map"', input));
  return "map";
}

/**
 * Checks a positional order against the arguments: each of them once. The empty list means the one
 * argument there is, as in PhoenixGenApi.
 */
export function completeOrders(
  argTypes: ArgumentTypes,
  orders: ArgumentOrders,
  faults: string[],
): ArgumentOrders {
  if (orders === "map") return orders;
  const names = listArguments(argTypes);
  if (orders.length === 0 && names.length === 1) return Object.freeze([...names]);
  for (const name of orders) {
    if (!names.includes(name)) {
      faults.push(`argOrders: ${printReceived(name)} is not an argument of argTypes`);
    }
  }
  for (const name of names) {
    if (!orders.includes(name)) {
      faults.push(`argOrders: the argument ${printReceived(name)} is missing`);
    }
  }
  return orders;
}

/** Whether a request may carry an argument of that name. */
export function admitsArgument(argTypes: ArgumentTypes, name: string): boolean {
  if (argTypes !== null && isObjectSchema(argTypes) && selectClosedNames(argTypes) === null) {
    return true;
  }
  return listArguments(argTypes).includes(name);
}

function listArguments(argTypes: ArgumentTypes): readonly string[] {
  if (argTypes === null) return [];
  return Object.keys(isObjectSchema(argTypes) ? (argTypes.properties ?? {}) : argTypes);
}
