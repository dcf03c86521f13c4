import type { TSchema } from "typebox";
import { Errors } from "typebox/value";
import { printReceived } from "../registry/index.ts";

/**
 * Said of a schema with `description`, which is what a message says was expected: that a value is
 * never to be printed, only its type.
 */
export const secretly: { readonly isSecret: true } = { isSecret: true };

/**
 * What is wrong with a value that is to be of `schema`, as `channels[0].event: expected …, received
 * …`; null when nothing is. `name` is what the value itself is called.
 */
export function decideConfigFault(schema: TSchema, value: unknown, name: string): string | null {
  const all = [...Errors(schema, value)];
  // Of alternatives none fits: that is said of all of them together.
  const error =
    all.find(({ keyword }) => keyword === "anyOf") ??
    all.find(({ keyword }) => keyword !== "boolean") ??
    all[0];
  if (error === undefined) return null;
  const path = error.instancePath.split("/").slice(1);
  if (error.keyword === "additionalProperties") {
    const key = error.params.additionalProperties[0] ?? "";
    const keys = Object.keys(propertiesOf(walk(schema, value, path).schema));
    const where = label(name, path);
    return `${where === "" ? "" : `${where}: `}unknown key ${printReceived(key)}: expected one of ${keys.join(", ")}`;
  }
  if (error.keyword === "required") path.push(error.params.requiredProperties[0] ?? "");
  const node = walk(schema, value, path);
  const at = label(name, path);
  const received = printValue(node);
  return `${at === "" ? "" : `${at}: `}expected ${describe(node.schema)}, received ${received}`;
}

interface Node {
  readonly schema: TSchema;
  readonly value: unknown;
}

function walk(schema: TSchema, value: unknown, path: readonly string[]): Node {
  let node: Node = { schema, value };
  for (const key of path) {
    const { items } = node.schema as { items?: TSchema };
    const next = items ?? propertiesOf(node.schema)[key];
    if (next === undefined) break;
    node = { schema: next, value: (node.value as Record<string, unknown> | undefined)?.[key] };
  }
  return node;
}

function printValue({ schema, value }: Node): string {
  if (value === undefined) return "nothing";
  return "isSecret" in schema ? `a value of type ${typeof value}` : printReceived(value);
}

function propertiesOf(schema: TSchema): Readonly<Record<string, TSchema>> {
  return (schema as { properties?: Record<string, TSchema> }).properties ?? {};
}

function describe(schema: TSchema): string {
  return (schema as { description?: string }).description ?? "something else";
}

function label(name: string, path: readonly string[]): string {
  const steps = path.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join("");
  return name === "" ? steps.replace(/^\./, "") : name + steps;
}
