import Type, { type TSchema } from "typebox";
import { Check } from "typebox/value";
import { isName, MAX_NAME_BYTES } from "./names.ts";
import { encodeFault } from "./received.ts";

/** How one field is read. Without `fallback` the field is required. */
export interface Field<Value> {
  readonly fallback?: Value;
  /** The value as stored; a fault is pushed on `faults` under `path`, and the result ignored. */
  readonly parse: (input: unknown, path: string, faults: string[]) => Value;
}

/** What {@link nameField} expects, as faults say it. */
export const NAME_EXPECTED: string = `a non-empty string of at most ${MAX_NAME_BYTES} bytes`;

/** A name: see `isName`. */
export const nameField: Field<string> = schemaField(
  Type.Refine(Type.String(), isName),
  NAME_EXPECTED,
);

/** A field whose values are those of a schema and are stored as they are. */
export function schemaField<Value>(schema: TSchema, expected: string): Field<Value> {
  return {
    parse(input, path, faults): Value {
      if (!Check(schema, input)) faults.push(encodeFault(path, expected, input));
      return input as Value;
    },
  };
}

/** `true` or `false`, by default `fallback`. */
export function booleanField(fallback: boolean): Field<boolean> {
  return { fallback, ...schemaField<boolean>(Type.Boolean(), "true or false") };
}

/** One of some words, by default `fallback`. */
export function choiceField<const Word extends string>(
  words: readonly Word[],
  fallback: NoInfer<Word>,
): Field<Word> {
  const expected = words.map((word) => JSON.stringify(word)).join(", ");
  const schema = Type.Union(words.map((word) => Type.Literal(word)));
  return { fallback, ...schemaField<Word>(schema, `one of ${expected}`) };
}

/** An integer from `minimum` to `maximum`; `unit` stands behind it in faults, such as `" ms"`. */
export function integerField(
  fallback: number,
  minimum: number,
  maximum: number,
  unit = "",
): Field<number> {
  const expected = `an integer of ${minimum} to ${maximum}${unit}`;
  return { fallback, ...schemaField<number>(Type.Integer({ minimum, maximum }), expected) };
}

/** What `field` reads, or null, which is the default. */
export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return {
    fallback: null,
    parse: (input, path, faults) => (input === null ? null : field.parse(input, path, faults)),
  };
}
