import Type from "typebox";
import { type Field, schemaField } from "./field.ts";
import { isMap } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";

/** How each of some settings is read. */
export type SettingFields<T> = { readonly [Name in keyof T]: Field<T[Name]> };

/** The settings, or everything that is wrong with them. */
export type SettingsOutcome<T> =
  | { readonly ok: true; readonly settings: T }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads settings, camelCase or snake_case; undefined is all defaults. Each fault names the field as
 * it was given, behind `path`, what was expected and what came. The result is frozen.
 */
export function parseSettings<T extends object>(
  fields: SettingFields<T>,
  input: unknown,
  path: string,
): SettingsOutcome<T> {
  const faults: string[] = [];
  const settings = mapField(fields).parse(input === undefined ? {} : input, path, faults);
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings };
}

/** The settings where nothing is given; of a field without a default undefined. */
export function selectDefaults<T extends object>(fields: SettingFields<T>): T {
  const entries = Object.entries<Field<unknown>>(fields);
  return Object.freeze(
    Object.fromEntries(entries.map(([name, { fallback }]) => [name, fallback])),
  ) as T;
}

/** Settings in settings; left out they are all defaults. */
export function mapField<T extends object>(fields: SettingFields<T>): Field<T> {
  return {
    fallback: selectDefaults(fields),
    parse(input, path, faults): T {
      const given = collectFields(fields, input, path, faults);
      if (!isMap(input)) return selectDefaults(fields);
      const entries = Object.entries<Field<unknown>>(fields).map(([name, field]) => {
        const { spelling, value } = given.get(name) ?? { spelling: name, value: undefined };
        const isDefault = value === undefined && Object.hasOwn(field, "fallback");
        return [
          name,
          isDefault ? field.fallback : field.parse(value, `${path}.${spelling}`, faults),
        ];
      });
      return Object.freeze(Object.fromEntries(entries)) as T;
    },
  };
}

/** A field as it was given. */
export interface GivenField {
  readonly spelling: string;
  readonly value: unknown;
}

/**
 * What a map has of the fields, by their camelCase names; undefined counts as left out. Anything but
 * a map, keys that there are no fields for and fields given in both spellings are faults.
 */
export function collectFields(
  fields: object,
  input: unknown,
  path: string,
  faults: string[],
): Map<string, GivenField> {
  const given = new Map<string, GivenField>();
  if (!isMap(input)) {
    const names = Object.entries(fields).map(([name, field]) =>
      Object.hasOwn(field, "fallback") ? `${name}?` : name,
    );
    faults.push(encodeFault(path, `a map { ${names.join(", ")} }`, input));
    return given;
  }
  for (const [spelling, value] of Object.entries(input)) {
    const name = spelling.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const other = given.get(name)?.spelling;
    if (!Object.hasOwn(fields, name)) {
      const known = Object.keys(fields).join(", ");
      faults.push(`${path}: unknown key ${printReceived(spelling)}: expected one of ${known}`);
    } else if (other !== undefined) {
      faults.push(`${path}.${spelling}: given twice, also as ${other}`);
    } else if (value !== undefined) given.set(name, { spelling, value });
  }
  return given;
}

/** A whole number from `least` to `most`, of a unit if it has one; required without `fallback`. */
export function wholeField(
  least: number,
  most: number,
  fallback?: number,
  unit = "",
): Field<number> {
  const expected = `a whole number${unit === "" ? "" : ` of ${unit}`} from ${least} to ${most}`;
  const field = schemaField<number>(Type.Integer({ minimum: least, maximum: most }), expected);
  return fallback === undefined ? field : { fallback, ...field };
}

/** A whole number from `least` to `most`, or null for no bound. */
export function boundField(
  least: number,
  most: number,
  fallback: number | null,
): Field<number | null> {
  const schema = Type.Union([Type.Integer({ minimum: least, maximum: most }), Type.Null()]);
  const expected = `a whole number from ${least} to ${most}, or null`;
  return { fallback, ...schemaField<number | null>(schema, expected) };
}

/** What `field` reads; null counts as left out. */
export function omittable<Value>(field: Field<Value>): Field<Value> {
  return {
    ...field,
    parse: (input, path, faults) =>
      input === null ? (field.fallback as Value) : field.parse(input, path, faults),
  };
}
