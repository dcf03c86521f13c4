import Compile from "typebox/compile";
import { parseNames } from "./names.ts";
import { copyPlainData, isMap, type PlainData } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";

/**
 * A JSON schema for the whole of `args`: what is left of a TypeBox `Type.Object(…)` once it is plain
 * data. TypeBox reads it back as it is.
 */
export interface ObjectSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, PlainData>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: PlainData | undefined;
}

const SCHEMA_TYPES: ReadonlySet<unknown> = new Set([
  "array",
  "boolean",
  "integer",
  "null",
  "number",
  "object",
  "string",
]);

/** Keywords whose value is a map of name → schema. */
const SCHEMA_MAPS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
]);

/** Keywords whose value is data, not a schema, and may look like anything. */
const DATA_KEYWORDS: ReadonlySet<string> = new Set([
  "const",
  "default",
  "dependentRequired",
  "enum",
  "examples",
]);

/** Keywords that can admit properties which `properties` does not name. */
const OPENING_KEYWORDS = [
  "additionalProperties",
  "patternProperties",
  "unevaluatedProperties",
  "allOf",
  "anyOf",
  "oneOf",
  "if",
  "$ref",
  "dependentSchemas",
] as const;

/** Whether argument types are one schema for all of `args`: no argument type is called `object`. */
export function isObjectSchema(value: unknown): value is ObjectSchema {
  return isMap(value) && value["type"] === "object";
}

/**
 * The argument names of a schema that admits no others, which it then refuses by name; null when it
 * says itself what else is admitted (`additionalProperties`, `patternProperties`, compositions).
 */
export function selectClosedNames(schema: ObjectSchema): readonly string[] | null {
  const isOpen = OPENING_KEYWORDS.some((keyword) => Object.hasOwn(schema, keyword));
  return isOpen ? null : Object.keys(schema.properties ?? {});
}

/**
 * Reads a TypeBox object schema as plain, frozen data that means the same on another thread. Refused,
 * with a fault under `path`: what only functions express (`Type.Refine`, `Type.Codec`), types that
 * JSON does not have, names that every object inherits, a schema that does not compile.
 */
export function parseObjectSchema(
  input: Record<string, unknown>,
  path: string,
  faults: string[],
): ObjectSchema {
  const before = faults.length;
  const copy = copyPlainData(input, path, faults);
  const schema: ObjectSchema = isObjectSchema(copy) ? copy : { type: "object" };
  if (faults.length === before) checkSchema(input, path, faults);
  if (faults.length === before) {
    try {
      Compile(schema);
    } catch (error) {
      faults.push(`${path}: does not compile: ${error instanceof Error ? error.message : error}`);
    }
  }
  return schema;
}

function checkSchema(schema: unknown, path: string, faults: string[]): void {
  if (Array.isArray(schema)) {
    schema.forEach((item, index) => {
      checkSchema(item, `${path}[${index}]`, faults);
    });
  } else if (isMap(schema)) {
    checkKeywords(schema, path, faults);
  }
}

function checkKeywords(schema: Record<string, unknown>, path: string, faults: string[]): void {
  // TypeBox hides these from enumeration, so a copy would lose them without a word.
  if (Object.hasOwn(schema, "~refine") || Object.hasOwn(schema, "~codec")) {
    faults.push(`${path}: a refinement or codec is a function and cannot be sent to other threads`);
  }
  for (const [keyword, value] of Object.entries(schema)) {
    const where = `${path}.${keyword}`;
    if (keyword === "type") {
      const types: unknown[] = Array.isArray(value) ? value : [value];
      for (const type of types) {
        if (SCHEMA_TYPES.has(type)) continue;
        faults.push(encodeFault(where, `one of ${[...SCHEMA_TYPES].join(", ")}`, type));
      }
    } else if (keyword === "required") {
      checkRequired(value, where, faults);
    } else if (SCHEMA_MAPS.has(keyword)) {
      checkSchemaMap(value, where, faults);
    } else if (!DATA_KEYWORDS.has(keyword)) {
      checkSchema(value, where, faults);
    }
  }
}

function checkRequired(names: unknown, path: string, faults: string[]): void {
  for (const name of parseNames(names, path, faults)) {
    if (name in Object.prototype) faults.push(reserved(path, name));
  }
}

function reserved(path: string, name: string): string {
  return `${path}: the name ${printReceived(name)} is reserved`;
}

function checkSchemaMap(map: unknown, path: string, faults: string[]): void {
  if (!isMap(map)) {
    faults.push(encodeFault(path, "a map of schemas", map));
    return;
  }
  for (const [name, schema] of Object.entries(map)) {
    // The compiled check asks `name in value`, which is true of these for any object.
    if (name in Object.prototype) faults.push(reserved(path, name));
    if (isMap(schema) || typeof schema === "boolean")
      checkSchema(schema, `${path}.${name}`, faults);
    else faults.push(encodeFault(`${path}.${name}`, "a schema", schema));
  }
}
