import { completeOrders } from "./argument-fields.ts";
import type { Field } from "./field.ts";
import { encodeConflicts } from "./field-conflicts.ts";
import { FUN_CONFIG_FIELDS, type FunConfig } from "./fun-config-schema.ts";
import { isMap } from "./plain-data.ts";
import { printReceived } from "./received.ts";
import { versionKey } from "./version.ts";

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
  faults.push(...encodeConflicts(parsed, given.has("executor")));
  if (faults.length > 0) return { ok: false, faults };
  const executor = parsed.cpu ? "pool" : parsed.executor;
  return { ok: true, config: Object.freeze({ ...parsed, argOrders, executor }) };
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

/** The fields that name an entry. */
const IDENTITY = ["service", "requestType", "version"] as const;

/**
 * The entry that `config` becomes with some fields changed, in either spelling, read and checked as
 * a whole. Service, request type and version cannot change; to name them as they are is no fault.
 */
export function parseConfigChange(config: FunConfig, change: unknown): FunConfigOutcome {
  if (!isMap(change)) {
    return { ok: false, faults: [`expected a map of fields, received ${printReceived(change)}`] };
  }
  const faults: string[] = [];
  const given = collectFields(change, faults);
  for (const name of IDENTITY) {
    const field = given.get(name);
    if (field === undefined || isSameName(config[name], field.value)) continue;
    faults.push(`${field.spelling}: cannot change, it names the entry`);
  }
  if (faults.length > 0) return { ok: false, faults };
  const changed: Record<string, unknown> = { ...config };
  for (const [name, { value }] of given) changed[name] = value;
  for (const name of IDENTITY) changed[name] = config[name];
  // What follows from `cpu` is no choice that it could contradict.
  if (given.has("cpu") && !given.has("executor")) delete changed["executor"];
  return parseFunConfig(changed);
}

function isSameName(present: string | null, given: unknown): boolean {
  return (typeof given === "string" ? versionKey(given) : given) === present;
}
