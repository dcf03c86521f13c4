import Compile, { type Validator } from "typebox/compile";
import { EXAMPLE_VALUES } from "./example-value.ts";
import { type ObjectSchema, selectClosedNames } from "./object-schema.ts";
import { isMap, type PlainData } from "./plain-data.ts";

/** How many of the alternatives of unions are tried. */
const MAX_ATTEMPTS = 16;
const MAX_DEPTH = 12;
/** Most values of one example: a schema that refers to itself may describe endless ones. */
const MAX_VALUES = 5_000;
/** Most letters or items that an example is made long for. */
const MAX_LENGTH = 1_000;

const TEXT = "example";

/** Texts of the formats that JSON schema knows. */
const FORMATS: Readonly<Record<string, string>> = {
  "date-time": EXAMPLE_VALUES.datetime,
  date: "2026-01-31",
  time: "12:30:00Z",
  duration: "PT1H",
  email: "ada@example.org",
  "idn-email": "ada@example.org",
  hostname: "example.org",
  "idn-hostname": "example.org",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.org/",
  url: "https://example.org/",
  iri: "https://example.org/",
  "uri-reference": "/example",
  "iri-reference": "/example",
  "uri-template": "/example/{id}",
  "json-pointer": "/example",
  "relative-json-pointer": "0",
  regex: "^example$",
  uuid: EXAMPLE_VALUES.uuid,
};

/**
 * Arguments that a schema accepts; null when none were found. What cannot be made up, such as a text
 * for a pattern, is taken from the `examples`, the `default` or the `const` of the schema.
 */
export function selectExampleArguments(schema: ObjectSchema): Record<string, PlainData> | null {
  const validator: Validator = Compile(schema);
  const names = selectClosedNames(schema);
  // First with all properties, then with the required ones, each with other sides of the unions.
  for (const isWhole of [true, false]) {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const example = new ExampleMaker(schema, attempt, isWhole).make(schema, 0);
      if (!isMap(example) || !validator.Check(example)) continue;
      const isKnown = names === null || Object.keys(example).every((name) => names.includes(name));
      if (isKnown) return example as Record<string, PlainData>;
    }
  }
  return null;
}

type Keywords = Readonly<Record<string, unknown>>;

class ExampleMaker {
  readonly #root: Keywords;
  readonly #attempt: number;
  readonly #isWhole: boolean;
  /** Those of every schema on the way down: references without `#` are their names. */
  #definitions: Keywords = {};
  #values = 0;

  constructor(root: Keywords, attempt: number, isWhole: boolean) {
    this.#root = root;
    this.#attempt = attempt;
    this.#isWhole = isWhole;
  }

  make(schema: unknown, depth: number): PlainData {
    this.#values += 1;
    if (!isMap(schema) || depth > MAX_DEPTH || this.#values > MAX_VALUES) return null;
    if (isMap(schema["$defs"])) this.#definitions = { ...this.#definitions, ...schema["$defs"] };
    const given = this.#selectGiven(schema);
    if (given !== undefined) return given;
    const whole = this.#compose(schema);
    if (whole !== schema) return this.make(whole, depth + 1);
    switch (this.#typeOf(schema)) {
      case "object":
        return this.#map(schema, depth);
      case "array":
        return this.#list(schema, depth);
      case "string":
        return text(schema);
      case "number":
        return numberWithin(schema, false);
      case "integer":
        return numberWithin(schema, true);
      case "boolean":
        return true;
      case "null":
        return null;
      default:
        return TEXT;
    }
  }

  /** What the schema itself says a value may be. */
  #selectGiven(schema: Keywords): PlainData | undefined {
    if (Object.hasOwn(schema, "const")) return schema["const"] as PlainData;
    const { examples } = schema;
    const choices = schema["enum"] ?? examples;
    if (Array.isArray(choices) && choices.length > 0) return this.#pick(choices) as PlainData;
    return schema["default"] as PlainData | undefined;
  }

  /** The schema with its compositions and reference resolved one step; itself when it has none. */
  #compose(schema: Keywords): Keywords {
    const { $ref, allOf, anyOf, oneOf, ...own } = schema;
    if (typeof $ref === "string") return merge(own, this.#resolve($ref));
    if (Array.isArray(allOf))
      return allOf.reduce<Keywords>(merge, { ...own, ...only(anyOf, oneOf) });
    const sides = anyOf ?? oneOf;
    if (Array.isArray(sides) && sides.length > 0) {
      return merge(
        { ...own, ...(anyOf === undefined ? {} : only(undefined, oneOf)) },
        this.#pick(sides),
      );
    }
    return schema;
  }

  #pick(choices: readonly unknown[]): unknown {
    return choices[this.#attempt % choices.length];
  }

  #resolve(reference: string): unknown {
    if (!reference.startsWith("#")) return member(this.#definitions, reference);
    let found: unknown = this.#root;
    for (const part of reference.split("/").slice(1)) {
      found = member(found, part.replaceAll("~1", "/").replaceAll("~0", "~"));
    }
    return found;
  }

  #typeOf({ type, properties, items }: Keywords): unknown {
    if (Array.isArray(type)) return this.#pick(type);
    if (type !== undefined) return type;
    if (properties !== undefined) return "object";
    return items === undefined ? undefined : "array";
  }

  #map(schema: Keywords, depth: number): PlainData {
    const { properties, required } = schema;
    const names: unknown[] = Array.isArray(required) ? required : [];
    const map: Record<string, PlainData> = {};
    const known = isMap(properties) ? properties : {};
    for (const [name, property] of Object.entries(known)) {
      if (this.#isWhole || names.includes(name)) map[name] = this.make(property, depth + 1);
    }
    for (const name of names) {
      if (typeof name === "string" && !Object.hasOwn(map, name)) map[name] = TEXT;
    }
    return map;
  }

  #list({ items, prefixItems, minItems, maxItems }: Keywords, depth: number): PlainData {
    // TypeBox writes tuples with a list of `items`.
    const tuple = [prefixItems, items].find(Array.isArray) as readonly unknown[] | undefined;
    if (tuple !== undefined) return tuple.map((item) => this.make(item, depth + 1));
    const least = typeof minItems === "number" ? minItems : 0;
    const most = typeof maxItems === "number" ? maxItems : Infinity;
    const length = Math.min(Math.max(least, Math.min(1, most)), MAX_LENGTH);
    return Array.from({ length }, () => this.make(items ?? { type: "string" }, depth + 1));
  }
}

function only(anyOf: unknown, oneOf: unknown): Keywords {
  return {
    ...(anyOf === undefined ? {} : { anyOf }),
    ...(oneOf === undefined ? {} : { oneOf }),
  };
}

function merge(left: Keywords, right: unknown): Keywords {
  if (!isMap(right)) return left;
  const merged: Record<string, unknown> = { ...left, ...right };
  if (isMap(left["properties"]) && isMap(right["properties"])) {
    merged["properties"] = { ...left["properties"], ...right["properties"] };
  }
  if (Array.isArray(left["required"]) && Array.isArray(right["required"])) {
    merged["required"] = [...new Set([...left["required"], ...right["required"]])];
  }
  return merged;
}

function member(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function text({ format, minLength, maxLength }: Keywords): string {
  const known = typeof format === "string" ? FORMATS[format] : undefined;
  if (known !== undefined) return known;
  const least = typeof minLength === "number" ? Math.min(minLength, MAX_LENGTH) : 0;
  const most = typeof maxLength === "number" ? maxLength : Infinity;
  return TEXT.padEnd(least, TEXT).slice(0, Math.max(least, Math.min(TEXT.length, most)));
}

function numberWithin(schema: Keywords, isWhole: boolean): number {
  const step = bound(schema["multipleOf"]) ?? (isWhole ? 1 : null);
  const over = bound(schema["exclusiveMinimum"]);
  const under = bound(schema["exclusiveMaximum"]);
  const least = Math.max(bound(schema["minimum"]) ?? -Infinity, over ?? -Infinity);
  const most = Math.min(bound(schema["maximum"]) ?? Infinity, under ?? Infinity);
  const isWithin = (value: number): boolean =>
    value >= least && value <= most && value !== over && value !== under;
  const grid = step ?? 1;
  const candidates = [
    grid,
    Math.ceil(least / grid) * grid,
    Math.ceil(least / grid) * grid + grid,
    Math.floor(most / grid) * grid,
    Math.floor(most / grid) * grid - grid,
    0,
    ...(step === null ? [(least + most) / 2] : []),
  ];
  return candidates.find((value) => Number.isFinite(value) && isWithin(value)) ?? 1;
}

function bound(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
