/** The schemas that a configuration is made of. Each has a `description`: what a message says was expected. */

import Type, { type TSchema } from "typebox";

/** A whole number, of a unit if it has one. */
export function whole(minimum: number, maximum: number, unit = ""): TSchema {
  const of = unit === "" ? "" : ` of ${unit}`;
  const description = `a whole number${of} from ${minimum} to ${maximum}`;
  return Type.Integer({ minimum, maximum, description });
}

/** A string that is not empty. */
export function text(description: string): TSchema {
  return Type.String({ minLength: 1, description });
}

export const yesOrNo: TSchema = Type.Boolean({ description: "true or false" });

/** A list; by default it is described as one of what is in it. */
export function listOf(items: TSchema, description?: string): TSchema {
  const { description: item = "values" } = items as { readonly description?: string };
  return Type.Array(items, { description: description ?? `a list, each ${item}` });
}

/** Alternatives. */
export function oneOf(description: string, ...alternatives: TSchema[]): TSchema {
  return Type.Union(alternatives, { description });
}
