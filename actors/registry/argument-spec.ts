import { decideValueFault } from "./argument-fault.ts";
import {
  ARGUMENT_TYPES,
  type ArgumentSpec,
  type ArgumentType,
  DEFAULT_ARGUMENT_LIMITS,
} from "./argument-types.ts";
import { parseNames } from "./names.ts";
import { copyPlainData, isMap } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";

type Constraint = Exclude<keyof ArgumentSpec, "type">;
type MutableSpec = { -readonly [Key in keyof ArgumentSpec]: ArgumentSpec[Key] };

const CONSTRAINT_BY_SPELLING: ReadonlyMap<string, Constraint> = new Map([
  ["max_bytes", "maxBytes"],
  ["maxBytes", "maxBytes"],
  ["max_items", "maxItems"],
  ["maxItems", "maxItems"],
  ["max_item_bytes", "maxItemBytes"],
  ["maxItemBytes", "maxItemBytes"],
  ["allow_nil?", "allowNil"],
  ["allow_nil", "allowNil"],
  ["allowNil", "allowNil"],
  ["default_value", "defaultValue"],
  ["defaultValue", "defaultValue"],
  ["required", "required"],
  ["accept", "accept"],
]);

const MAX_LIMIT = 2 ** 31 - 1;
const TYPE_NAMES = Object.keys(ARGUMENT_TYPES).join(", ");

/**
 * Reads one argument's type (`"num"`) or type with constraints (`{type: "string", max_bytes: 8}`,
 * either spelling). Every fault is pushed on `faults` under `path`; the result counts only when
 * none was. The default value is checked against the type.
 */
export function parseArgumentSpec(input: unknown, path: string, faults: string[]): ArgumentSpec {
  const given: unknown = isMap(input) ? input["type"] : input;
  if (!isArgumentType(given)) {
    const where = isMap(input) ? `${path}.type` : path;
    faults.push(encodeFault(where, `one of ${TYPE_NAMES}`, given));
    return Object.freeze({ type: "any", allowNil: false });
  }
  const spec: MutableSpec = { type: given, allowNil: false };
  const before = faults.length;
  if (isMap(input)) readConstraints(spec, input, path, faults);
  for (const constraint of ARGUMENT_TYPES[given]) {
    if (constraint === "required" || constraint === "accept") continue;
    spec[constraint] ??= DEFAULT_ARGUMENT_LIMITS[constraint];
  }
  if (faults.length === before) checkTogether(spec, path, faults);
  return Object.freeze(spec);
}

function isArgumentType(value: unknown): value is ArgumentType {
  return typeof value === "string" && Object.hasOwn(ARGUMENT_TYPES, value);
}

function readConstraints(
  spec: MutableSpec,
  input: Record<string, unknown>,
  path: string,
  faults: string[],
): void {
  const allowed: readonly string[] = ARGUMENT_TYPES[spec.type];
  const seen = new Set<Constraint>();
  for (const [key, value] of Object.entries(input)) {
    if (key === "type" || value === undefined) continue;
    const constraint = CONSTRAINT_BY_SPELLING.get(key);
    if (constraint === undefined) {
      faults.push(`${path}: unknown constraint ${printReceived(key)}`);
    } else if (seen.has(constraint)) {
      faults.push(`${path}.${key}: given in two spellings`);
    } else if (constraint === "allowNil") {
      if (typeof value === "boolean") spec.allowNil = value;
      else faults.push(encodeFault(`${path}.${key}`, "true or false", value));
    } else if (constraint === "defaultValue") {
      // A default of null is the same as none: null has to be allowed, or is a fault of the call.
      if (value !== null) spec.defaultValue = copyPlainData(value, `${path}.${key}`, faults);
    } else if (!allowed.includes(constraint)) {
      faults.push(`${path}.${key}: does not apply to ${spec.type}`);
    } else if (constraint === "required" || constraint === "accept") {
      const names = parseNames(value, `${path}.${key}`, faults);
      if (names.length > 0) spec[constraint] = names;
    } else if (typeof value === "number" && Number.isInteger(value) && isLimit(value)) {
      spec[constraint] = value;
    } else {
      faults.push(encodeFault(`${path}.${key}`, `an integer of 0 to ${MAX_LIMIT}`, value));
    }
    if (constraint !== undefined) seen.add(constraint);
  }
}

function isLimit(value: number): boolean {
  return value >= 0 && value <= MAX_LIMIT;
}

function checkTogether(spec: ArgumentSpec, path: string, faults: string[]): void {
  if (spec.required !== undefined && spec.accept !== undefined) {
    const { accept } = spec;
    for (const name of spec.required) {
      if (!accept.includes(name)) {
        faults.push(`${path}.required: ${printReceived(name)} is not among accept`);
      }
    }
  }
  if (spec.required !== undefined && spec.required.length > (spec.maxItems ?? Infinity)) {
    faults.push(`${path}.required: more names than the ${spec.maxItems} entries of maxItems`);
  }
  if (spec.defaultValue !== undefined) {
    const fault = decideValueFault("defaultValue", spec, spec.defaultValue);
    if (fault !== null) faults.push(`${path}.defaultValue: ${fault}`);
  }
}
