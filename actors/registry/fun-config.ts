import {
  type ArgumentTypes,
  type Field,
  FUN_CONFIG_FIELDS,
  type FunConfig,
} from "./fun-config-schema.ts";
import { isObjectSchema } from "./object-schema.ts";
import { isMap } from "./plain-data.ts";
import { printReceived } from "./received.ts";

/** A parsed entry, or everything that is wrong with it. */
export type FunConfigOutcome =
  | { readonly ok: true; readonly config: FunConfig }
  | { readonly ok: false; readonly faults: readonly string[] };

const FIELD_BY_SPELLING: ReadonlyMap<string, keyof FunConfig> = new Map(
  (Object.keys(FUN_CONFIG_FIELDS) as (keyof FunConfig)[]).flatMap((field) => [
    [field, field],
    [toSnakeCase(field), field],
  ]),
);

function toSnakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Reads one FunConfig, in camelCase (TypeScript) or snake_case (JSON, the wire), even mixed. Every
 * fault is listed, each as field, what was expected, what was received; a field that is not known
 * is one (`colour: unknown field`). The result has all defaults, is deeply frozen, shares nothing
 * with the input, and reads back as itself.
 */
export function parseFunConfig(input: unknown): FunConfigOutcome {
  if (!isMap(input)) {
    return { ok: false, faults: [`expected a map, received ${printReceived(input)}`] };
  }
  const faults: string[] = [];
  const given = collectFields(input, faults);
  const config: Record<string, unknown> = {};
  for (const [name, field] of Object.entries<Field<unknown>>(FUN_CONFIG_FIELDS)) {
    const entry = given.get(name);
    if (entry !== undefined) {
      config[name] = field.parse(entry.value, entry.spelling, faults);
    } else if (Object.hasOwn(field, "fallback")) {
      config[name] = field.fallback;
    } else {
      faults.push(`${name}: required, received nothing`);
    }
  }
  if (faults.length > 0) return { ok: false, faults };
  const parsed = config as unknown as FunConfig;
  const argOrders = completeOrders(parsed.argTypes, parsed.argOrders, faults);
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, config: Object.freeze({ ...parsed, argOrders }) };
}

interface GivenField {
  readonly spelling: string;
  readonly value: unknown;
}

function collectFields(input: Record<string, unknown>, faults: string[]): Map<string, GivenField> {
  const given = new Map<string, GivenField>();
  for (const [spelling, value] of Object.entries(input)) {
    const field = FIELD_BY_SPELLING.get(spelling);
    if (field === undefined) {
      faults.push(
        `${/^\w{1,64}$/.test(spelling) ? spelling : printReceived(spelling)}: unknown field`,
      );
    } else if (given.has(field)) {
      faults.push(`${spelling}: given twice, also as ${given.get(field)?.spelling}`);
    } else if (value !== undefined) {
      given.set(field, { spelling, value });
    }
  }
  return given;
}

/**
 * Checks a positional order against the arguments: each of them once. The empty list means the one
 * argument there is, as in PhoenixGenApi.
 */
function completeOrders(
  argTypes: ArgumentTypes,
  orders: readonly string[] | "map",
  faults: string[],
): readonly string[] | "map" {
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

function listArguments(argTypes: ArgumentTypes): readonly string[] {
  if (argTypes === null) return [];
  return Object.keys(isObjectSchema(argTypes) ? (argTypes.properties ?? {}) : argTypes);
}
