import type { Validator } from "typebox/compile";
import { isMap, printNames, printReceived } from "../registry/index.ts";

type SchemaError = ReturnType<Validator["Errors"]>[number];

/**
 * The message for arguments that an object schema refuses, from TypeBox's errors: names argument,
 * expectation and limit in the words of the per-argument types. Of several faults the first is told.
 */
export function decideSchemaFault(
  errors: readonly SchemaError[],
  args: Record<string, unknown>,
  requestType: string,
): string {
  // A refused extra property is reported twice; its own report ("schema is false") tells less.
  const error = errors.find(({ keyword }) => keyword !== "boolean") ?? errors[0];
  if (error === undefined) return `invalid arguments for ${printReceived(requestType)}`;
  const path = parsePointer(error.instancePath);
  const value = readPath(args, path);
  const call = printReceived(requestType);
  if (error.keyword === "required") {
    const missing = error.params.requiredProperties[0] ?? "";
    return `missing or nil argument ${printReceived(label([...path, missing]))} in ${call}`;
  }
  if (error.keyword === "additionalProperties") {
    const extra = error.params.additionalProperties.map((name) => label([...path, name]));
    return `extra arguments for ${call}, extra: ${printNames(extra)}`;
  }
  const name = printReceived(label(path));
  if (value === null) return `missing or nil argument ${name} in ${call}`;
  const limit = printLimit(error);
  if (limit !== null) return `invalid argument size for ${name}, max ${limit}`;
  if (error.keyword === "type") {
    // The branches of a union each report their own type for the same value.
    const types = errors.flatMap((other) =>
      other.keyword === "type" && other.instancePath === error.instancePath
        ? other.params.type
        : [],
    );
    const expected = [...new Set(types)].join(" or ");
    return `invalid argument type for ${name}, expected ${expected}, got ${printReceived(value)}`;
  }
  return `invalid argument value for ${name}, ${error.message}, got ${printReceived(value)}`;
}

function printLimit(error: SchemaError): string | null {
  switch (error.keyword) {
    case "maxLength":
      return `${error.params.limit} characters`;
    case "maxItems":
      return `${error.params.limit} items`;
    case "maxProperties":
      return `${error.params.limit} entries`;
    default:
      return null;
  }
}

/** RFC 6901. */
function parsePointer(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function readPath(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isMap(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

function label(path: readonly string[]): string {
  return path
    .map((key, index) => {
      if (index === 0) return key;
      return /^\d+$/.test(key) ? `[${key}]` : `.${key}`;
    })
    .join("");
}
