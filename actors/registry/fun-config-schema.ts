import Type, { type TSchema } from "typebox";
import { Check } from "typebox/value";
import { parseArgumentSpec } from "./argument-spec.ts";
import type { ArgumentSpec } from "./argument-types.ts";
import { isName, MAX_NAME_BYTES, parseNames } from "./names.ts";
import { isObjectSchema, type ObjectSchema, parseObjectSchema } from "./object-schema.ts";
import { copyPlainData, isMap, type PlainData } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";
import { parseVersion, versionKey } from "./version.ts";

/** The function behind an entry. */
interface FunctionTarget {
  /** The registered name of the service actor. */
  readonly module: string;
  /** The function on it. */
  readonly function: string;
  /** Predefined arguments, which come before those of the request. */
  readonly args: readonly PlainData[];
}

/** Argument name → its type and constraints, or one schema for all of `args`; null takes none. */
export type ArgumentTypes = Readonly<Record<string, ArgumentSpec>> | ObjectSchema | null;

/**
 * One registry entry: `{service, requestType, version}` → a function. Plain, deeply frozen data: it
 * is replicated to every thread.
 */
export interface FunConfig {
  readonly service: string;
  readonly requestType: string;
  /** A semantic version; null is the unversioned entry. */
  readonly version: string | null;
  readonly disabled: boolean;
  readonly nodes: "local";
  /** The deadline of a call in ms, or none. */
  readonly timeout: number | "infinity";
  readonly mfa: FunctionTarget;
  readonly argTypes: ArgumentTypes;
  /** Names for a positional call, or one object. */
  readonly argOrders: readonly string[] | "map";
  readonly responseType: "sync";
}

/** How one field is read. Without `fallback` the field is required. */
export interface Field<Value> {
  readonly fallback?: Value;
  /** The value as stored; a fault is pushed on `faults` under `path`, and the result ignored. */
  readonly parse: (input: unknown, path: string, faults: string[]) => Value;
}

/** Most arguments of one function. */
const MAX_ARGUMENTS = 256;

const MIN_TIMEOUT_MS = 100;
const MAX_TIMEOUT_MS = 300_000;
const NAME_EXPECTED = `a non-empty string of at most ${MAX_NAME_BYTES} bytes`;
const VERSION_EXPECTED = `null or a semantic version such as "1.2.0", at most ${MAX_NAME_BYTES} bytes`;

const NAME: Field<string> = bySchema(Type.Refine(Type.String(), isName), NAME_EXPECTED);

/** Every field of a FunConfig. A new field is an entry here and a line in {@link FunConfig}. */
export const FUN_CONFIG_FIELDS: { readonly [Name in keyof FunConfig]: Field<FunConfig[Name]> } = {
  service: NAME,
  requestType: NAME,
  version: { fallback: null, parse: parseVersionField },
  disabled: { fallback: false, ...bySchema<boolean>(Type.Boolean(), "true or false") },
  nodes: { fallback: "local", ...bySchema<"local">(Type.Literal("local"), '"local"') },
  timeout: { fallback: 5_000, parse: parseTimeout },
  mfa: { parse: parseTarget },
  argTypes: { fallback: null, parse: parseArgumentTypes },
  argOrders: { fallback: "map", parse: parseArgumentOrders },
  responseType: { fallback: "sync", ...bySchema<"sync">(Type.Literal("sync"), '"sync"') },
};

function bySchema<Value>(schema: TSchema, expected: string): Field<Value> {
  return {
    parse(input, path, faults): Value {
      if (!Check(schema, input)) faults.push(encodeFault(path, expected, input));
      return input as Value;
    },
  };
}

function parseVersionField(input: unknown, path: string, faults: string[]): string | null {
  if (input === null) return null;
  if (isName(input) && parseVersion(input) !== null) return versionKey(input);
  faults.push(encodeFault(path, VERSION_EXPECTED, input));
  return null;
}

const TIMEOUT: TSchema = Type.Integer({ minimum: MIN_TIMEOUT_MS, maximum: MAX_TIMEOUT_MS });

function parseTimeout(input: unknown, path: string, faults: string[]): number | "infinity" {
  if (input === "infinity" || input === Infinity) return "infinity";
  if (Check(TIMEOUT, input)) return input as number;
  const expected = `an integer of ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS} ms, or "infinity"`;
  faults.push(encodeFault(path, expected, input));
  return MAX_TIMEOUT_MS;
}

function parseTarget(input: unknown, path: string, faults: string[]): FunctionTarget {
  if (!isMap(input)) {
    faults.push(encodeFault(path, "{module, function, args}", input));
    return { module: "", function: "", args: [] };
  }
  const { module, function: name, args = [], ...others } = input;
  for (const key of Object.keys(others))
    faults.push(`${path}.${printReceived(key)}: unknown field`);
  const target = {
    module: NAME.parse(module, `${path}.module`, faults),
    function: NAME.parse(name, `${path}.function`, faults),
    args: Array.isArray(args) ? args : [],
  };
  // Every object inherits these; none of them is a function of the service.
  if (isName(name) && name in Object.prototype) {
    faults.push(`${path}.function: the name ${printReceived(name)} is reserved`);
  }
  if (!Array.isArray(args)) faults.push(encodeFault(`${path}.args`, "a list", args));
  const predefined = copyPlainData(target.args, `${path}.args`, faults) as readonly PlainData[];
  return Object.freeze({ ...target, args: predefined });
}

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

function parseArgumentOrders(
  input: unknown,
  path: string,
  faults: string[],
): readonly string[] | "map" {
  if (input === "map" || input === null) return "map";
  if (Array.isArray(input)) return parseNames(input, path, faults);
  faults.push(encodeFault(path, 'a list of argument names, or "map"', input));
  return "map";
}
