import type { TSchema } from "typebox";
import Compile, { type Validator } from "typebox/compile";
import {
  type ArgumentSpec,
  decideValueFault,
  type FunConfig,
  isMap,
  isObjectSchema,
  type ObjectSchema,
  printNames,
  printReceived,
  selectClosedNames,
} from "../registry/index.ts";
import { encodeArgumentSchema } from "./argument-schema.ts";
import { decideSchemaFault } from "./schema-fault.ts";
import { decideSizeFault } from "./schema-size.ts";

/**
 * The arguments as the function takes them, or the message for the client. `values` is an array in
 * the order of `argOrders`, without the predefined ones of `mfa`, or one object for `"map"`.
 */
export type ArgumentsOutcome =
  | { readonly ok: true; readonly values: unknown[] | Record<string, unknown> }
  | { readonly ok: false; readonly message: string };

/** The part of a FunConfig that decides about arguments. */
export type ArgumentsConfig = Pick<FunConfig, "requestType" | "argTypes" | "argOrders">;

type Args = Record<string, unknown>;

interface Contract {
  readonly schema: TSchema;
  /** The only argument names there may be; null leaves that to the schema. */
  readonly names: readonly string[] | null;
  /** What stands in for absent arguments; frozen, because every call gets the same. */
  readonly defaults: readonly (readonly [name: string, value: unknown])[];
  /** The message for arguments that the schema refuses. */
  readonly explain: (args: Args, validator: Validator) => string;
}

/**
 * Compiles the argument check of one function; throws what TypeBox throws when an object schema
 * does not compile, which `parseFunConfig` has ruled out. The check decides by own properties only,
 * so that an argument may be called `constructor`. In `"map"` mode the object that came is handed
 * on as it is, unless a default has to be filled in: then a copy is. An absent argument that may be
 * nil is null in a positional call and stays absent from a map.
 */
export function compileArguments(config: ArgumentsConfig): (args: Args) => ArgumentsOutcome {
  const contract = decideContract(config);
  const { names, defaults } = contract;
  const validator: Validator = Compile(contract.schema);
  const known = names === null ? null : new Set(names);
  const order = config.argOrders === "map" ? null : config.argOrders;
  // The compiled check asks `name in args`, which is true of these for any ordinary object.
  const bare = names?.some((name) => name in Object.prototype) === true;

  return (args) => {
    if (!isMap(args)) return refuse(`expected a map, got: ${printReceived(args)}`);
    for (const name in args) {
      if (known === null ? name === "__proto__" : !known.has(name)) {
        return refuse(explainExtra(args, known, config.requestType));
      }
    }
    const given = defaults.length === 0 ? args : withDefaults(args, defaults);
    const checked: Args = bare ? Object.assign(Object.create(null), given) : given;
    if (!validator.Check(checked)) return refuse(contract.explain(given, validator));
    if (order === null) return { ok: true, values: given };
    const values = new Array<unknown>(order.length);
    for (let index = 0; index < order.length; index++) {
      values[index] = checked[order[index] as string] ?? null;
    }
    return { ok: true, values };
  };
}

function refuse(message: string): ArgumentsOutcome {
  return { ok: false, message };
}

function withDefaults(args: Args, defaults: Contract["defaults"]): Args {
  let filled: Args | null = null;
  for (const [name, value] of defaults) {
    if (Object.hasOwn(args, name)) continue;
    filled ??= { ...args };
    filled[name] = value;
  }
  return filled ?? args;
}

function explainExtra(args: Args, known: ReadonlySet<string> | null, requestType: string): string {
  const extra =
    known === null ? ["__proto__"] : Object.keys(args).filter((name) => !known.has(name));
  return `extra arguments for ${printReceived(requestType)}, extra: ${printNames(extra)}`;
}

function decideContract({ argTypes, requestType }: ArgumentsConfig): Contract {
  return isObjectSchema(argTypes)
    ? decideSchemaContract(argTypes, requestType)
    : decideTypesContract(argTypes ?? {}, requestType);
}

function decideTypesContract(
  argTypes: Readonly<Record<string, ArgumentSpec>>,
  requestType: string,
): Contract {
  const specs = Object.entries(argTypes);
  // Without a prototype, a name such as `constructor` cannot be mistaken for an inherited member.
  const properties: Record<string, TSchema> = Object.create(null);
  const required: string[] = [];
  const defaults: [string, unknown][] = [];
  for (const [name, spec] of specs) {
    properties[name] = encodeArgumentSchema(spec);
    if (!spec.allowNil) required.push(name);
    if (spec.defaultValue !== undefined) defaults.push([name, freezeCopy(spec.defaultValue)]);
  }
  return {
    schema: { type: "object", properties, required } as TSchema,
    names: specs.map(([name]) => name),
    defaults,
    explain: (args) => explainTypes(specs, args, requestType),
  };
}

function explainTypes(
  specs: readonly (readonly [string, ArgumentSpec])[],
  args: Args,
  requestType: string,
): string {
  const call = printReceived(requestType);
  for (const [name, spec] of specs) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (value === undefined || value === null) {
      if (spec.allowNil) continue;
      return `missing or nil argument ${printReceived(name)} in ${call}`;
    }
    const fault = decideValueFault(name, spec, value);
    if (fault !== null) return fault;
  }
  return `invalid arguments for ${call}`;
}

function decideSchemaContract(schema: ObjectSchema, requestType: string): Contract {
  const defaults: [string, unknown][] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (isMap(property) && property["default"] !== undefined) {
      defaults.push([name, freezeCopy(property["default"])]);
    }
  }
  return {
    schema: schema as TSchema,
    names: selectClosedNames(schema),
    defaults,
    explain: (args, validator) =>
      decideSizeFault(schema, args, requestType) ??
      decideSchemaFault(validator.Errors(args), args, requestType),
  };
}

/** A replicated config has lost its frozenness; handlers must not change each other's defaults. */
function freezeCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(freezeCopy));
  if (!isMap(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, freezeCopy(item)]);
  return Object.freeze(Object.fromEntries(entries));
}
