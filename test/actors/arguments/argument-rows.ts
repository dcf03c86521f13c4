import type { Judgement, NaiveSpec } from "./naive-arguments.ts";

/**
 * One type with its constraints: the values of `argument-values.ts` that are accepted and those that
 * are refused, by message; `rest` is what all others get.
 */
export interface Row {
  readonly spec: NaiveSpec;
  readonly rest: Judgement;
  readonly expected: Partial<Record<Judgement, string>>;
}

const MISSING = "absent null";
const NUMBERS = "zero minus_zero one fraction beyond_safe largest";
const TINY_TEXTS =
  "empty a1 abc3 digits2 accents4 euro3 emoji4 high_surrogate3 low_surrogate3 nul1";
const SHORT_TEXTS = `${TINY_TEXTS} swapped6 family25`;
const FORMS = "uuid uuid_upper uuid_bare uuid_line moment moment_z no_moment local no_local date";
const LONG_TEXTS = "a3001 accents3002 emoji3004 megabyte emoji_megabyte";
const TEXTS = `${SHORT_TEXTS} ${FORMS} a3000 emoji3000 ${LONG_TEXTS}`;
const LONG_LISTS = "numbers1001 numbers100000 texts1001";
const SHORT_LISTS =
  "none numbers numbers_nan numbers_infinity texts texts_empty texts_long texts_lone uuids " +
  "uuids_bad maps maps_proto lists mixed nulls hole nested";
const SMALL_MAPS =
  "map_empty map_a map_ab map_c map_deep map_constructor map_to_string map_bare map_length";
const LONG_MAPS = "map1001 map10000";

function row(spec: NaiveSpec, expected: Row["expected"], rest: Judgement = "type"): Row {
  return { spec, rest, expected };
}

function string(max_bytes: number, ok: string): Row {
  return row({ type: "string", max_bytes }, { missing: MISSING, ok, size: without(TEXTS, ok) });
}

function without(all: string, some: string): string {
  const gone = new Set(some.split(" "));
  return all
    .split(" ")
    .filter((name) => !gone.has(name))
    .join(" ");
}

/** The table: what each type does with each value, and with each of its constraints. */
export const ROWS: readonly Row[] = [
  row(
    { type: "string" },
    { missing: MISSING, ok: `${SHORT_TEXTS} ${FORMS} a3000 emoji3000`, size: LONG_TEXTS },
  ),
  string(0, "empty"),
  string(1, "empty a1 nul1"),
  string(2, "empty a1 nul1 digits2"),
  string(3, "empty a1 nul1 digits2 abc3 euro3 high_surrogate3 low_surrogate3"),
  string(4, TINY_TEXTS),
  string(5, TINY_TEXTS),
  string(6, `${TINY_TEXTS} swapped6`),
  string(24, `${TINY_TEXTS} swapped6 moment_z no_moment local no_local date`),
  string(25, `${SHORT_TEXTS} moment_z no_moment local no_local date`),
  string(3_001, `${SHORT_TEXTS} ${FORMS} a3000 emoji3000 a3001`),
  string(3_002, `${SHORT_TEXTS} ${FORMS} a3000 emoji3000 a3001 accents3002`),
  string(999_999, without(TEXTS, "megabyte emoji_megabyte")),
  string(1_000_000, TEXTS),
  row(
    { type: "string", allow_nil: true, max_bytes: 1 },
    {
      ok: `${MISSING} empty a1 nul1`,
      size: without(TEXTS, "empty a1 nul1"),
    },
  ),
  row(
    { type: "string", default_value: "d", max_bytes: 1 },
    {
      missing: "null",
      ok: "absent empty a1 nul1",
      size: without(TEXTS, "empty a1 nul1"),
    },
  ),
  row(
    { type: "string", default_value: "d", allow_nil: true },
    {
      ok: `${MISSING} ${SHORT_TEXTS} ${FORMS} a3000 emoji3000`,
      size: LONG_TEXTS,
    },
  ),

  row({ type: "num" }, { missing: MISSING, ok: NUMBERS }),
  row({ type: "num", allow_nil: true }, { ok: `${MISSING} ${NUMBERS}` }),
  row({ type: "num", default_value: 0 }, { missing: "null", ok: `absent ${NUMBERS}` }),
  row({ type: "num", default_value: 0, allow_nil: true }, { ok: `${MISSING} ${NUMBERS}` }),

  row({ type: "boolean" }, { missing: MISSING, ok: "true false" }),
  row({ type: "boolean", allow_nil: true }, { ok: `${MISSING} true false` }),
  row({ type: "boolean", default_value: false }, { missing: "null", ok: "absent true false" }),

  row(
    { type: "uuid" },
    {
      missing: MISSING,
      ok: "uuid uuid_upper",
      value: without(TEXTS, "uuid uuid_upper"),
    },
  ),
  row(
    { type: "uuid", allow_nil: true },
    {
      ok: `${MISSING} uuid uuid_upper`,
      value: without(TEXTS, "uuid uuid_upper"),
    },
  ),
  row(
    { type: "uuid", default_value: "00000000-0000-0000-0000-000000000000" },
    {
      missing: "null",
      ok: "absent uuid uuid_upper",
      value: without(TEXTS, "uuid uuid_upper"),
    },
  ),

  row(
    { type: "datetime" },
    {
      missing: MISSING,
      ok: "moment moment_z",
      value: without(TEXTS, "moment moment_z"),
    },
  ),
  row(
    { type: "datetime", allow_nil: true },
    {
      ok: `${MISSING} moment moment_z`,
      value: without(TEXTS, "moment moment_z"),
    },
  ),
  row(
    { type: "naive_datetime" },
    { missing: MISSING, ok: "local", value: without(TEXTS, "local") },
  ),
  row(
    { type: "naive_datetime", default_value: "2024-01-01T00:00:00" },
    {
      missing: "null",
      ok: "absent local",
      value: without(TEXTS, "local"),
    },
  ),

  row({ type: "list" }, { missing: MISSING, ok: `${SHORT_LISTS} numbers1000`, size: LONG_LISTS }),
  row(
    { type: "list", max_items: 0 },
    {
      missing: MISSING,
      ok: "none",
      size: without(`${SHORT_LISTS} numbers1000 ${LONG_LISTS}`, "none"),
    },
  ),
  row(
    { type: "list", max_items: 1 },
    {
      missing: MISSING,
      ok: "none numbers_infinity texts_long texts_lone nulls hole nested",
      size:
        "numbers numbers_nan texts texts_empty uuids uuids_bad maps maps_proto lists mixed " +
        `numbers1000 ${LONG_LISTS}`,
    },
  ),
  row(
    { type: "list", max_items: 2, allow_nil: true },
    {
      ok: `${MISSING} ${without(SHORT_LISTS, "numbers mixed")}`,
      size: `numbers mixed numbers1000 ${LONG_LISTS}`,
    },
  ),
  row(
    { type: "list", max_items: 100_000, default_value: [] },
    {
      missing: "null",
      ok: `absent ${SHORT_LISTS} numbers1000 ${LONG_LISTS}`,
    },
  ),

  row(
    { type: "list_string" },
    {
      missing: MISSING,
      ok: "none texts texts_empty texts_lone uuids uuids_bad",
      size: LONG_LISTS,
      item_size: "texts_long",
      item_type:
        "numbers numbers_nan numbers_infinity numbers1000 maps maps_proto lists mixed nulls hole nested",
    },
  ),
  row(
    { type: "list_string", max_item_bytes: 0, max_items: 2 },
    {
      missing: MISSING,
      ok: "none texts_empty",
      size: `numbers mixed numbers1000 ${LONG_LISTS}`,
      item_size: "texts texts_long texts_lone uuids uuids_bad",
      item_type: "numbers_nan numbers_infinity maps maps_proto lists nulls hole nested",
    },
  ),
  row(
    { type: "list_string", max_item_bytes: 3 },
    {
      missing: MISSING,
      ok: "none texts_empty texts_lone",
      size: LONG_LISTS,
      item_size: "texts texts_long uuids uuids_bad",
      item_type:
        "numbers numbers_nan numbers_infinity numbers1000 maps maps_proto lists mixed nulls hole nested",
    },
  ),
  row(
    { type: "list_string", max_item_bytes: 4, max_items: 100_000, allow_nil: true },
    {
      ok: `${MISSING} none texts_empty texts_lone texts texts1001`,
      item_size: "texts_long uuids uuids_bad",
      item_type:
        "numbers numbers_nan numbers_infinity numbers1000 numbers1001 numbers100000 maps maps_proto " +
        "lists mixed nulls hole nested",
    },
  ),

  row(
    { type: "list_num" },
    {
      missing: MISSING,
      ok: "none numbers numbers1000",
      size: LONG_LISTS,
      item_type: without(SHORT_LISTS, "none numbers"),
    },
  ),
  row(
    { type: "list_num", max_items: 3 },
    {
      missing: MISSING,
      ok: "none numbers",
      size: `mixed numbers1000 ${LONG_LISTS}`,
      item_type: without(SHORT_LISTS, "none numbers mixed"),
    },
  ),
  row(
    { type: "list_num", max_items: 100_000, default_value: [1] },
    {
      missing: "null",
      ok: "absent none numbers numbers1000 numbers1001 numbers100000",
      item_type: `texts1001 ${without(SHORT_LISTS, "none numbers")}`,
    },
  ),

  row(
    { type: "list_uuid" },
    {
      missing: MISSING,
      ok: "none uuids",
      size: LONG_LISTS,
      item_value: "uuids_bad texts texts_empty texts_long texts_lone",
      item_type:
        "numbers numbers_nan numbers_infinity numbers1000 maps maps_proto lists mixed nulls hole nested",
    },
  ),
  row(
    { type: "list_uuid", max_items: 1, allow_nil: true },
    {
      ok: `${MISSING} none`,
      size:
        "numbers numbers_nan texts texts_empty uuids uuids_bad maps maps_proto lists mixed " +
        `numbers1000 ${LONG_LISTS}`,
      item_value: "texts_long texts_lone",
      item_type: "numbers_infinity nulls hole nested",
    },
  ),

  row(
    { type: "list_map" },
    {
      missing: MISSING,
      ok: "none maps",
      size: LONG_LISTS,
      item_rejected: "maps_proto",
      item_type: `numbers1000 ${without(SHORT_LISTS, "none maps maps_proto")}`,
    },
  ),
  row(
    { type: "list_map", max_items: 1 },
    {
      missing: MISSING,
      ok: "none",
      size:
        "numbers numbers_nan texts texts_empty uuids uuids_bad maps maps_proto lists mixed " +
        `numbers1000 ${LONG_LISTS}`,
      item_type: "numbers_infinity texts_long texts_lone nulls hole nested",
    },
  ),

  row(
    { type: "map" },
    {
      missing: MISSING,
      ok: `${SMALL_MAPS} map1000`,
      rejected: "map_proto",
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", max_items: 0 },
    {
      missing: MISSING,
      ok: "map_empty",
      size: `${without(SMALL_MAPS, "map_empty")} map_proto map1000 ${LONG_MAPS}`,
    },
  ),
  row(
    { type: "map", max_items: 1 },
    {
      missing: MISSING,
      ok: without(SMALL_MAPS, "map_ab map_to_string"),
      rejected: "map_proto",
      size: `map_ab map_to_string map1000 ${LONG_MAPS}`,
    },
  ),
  row(
    { type: "map", max_items: 10_000, allow_nil: true },
    {
      ok: `${MISSING} ${SMALL_MAPS} map1000 ${LONG_MAPS}`,
      rejected: "map_proto",
    },
  ),
  row(
    { type: "map", default_value: { a: 1 } },
    {
      missing: "null",
      ok: `absent ${SMALL_MAPS} map1000`,
      rejected: "map_proto",
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", required: ["a"] },
    {
      missing: MISSING,
      ok: "map_a map_ab map_deep map_bare",
      lacking: "map_empty map_c map_constructor map_to_string map_length map_proto map1000",
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", required: ["a", "b"] },
    {
      missing: MISSING,
      ok: "map_ab",
      lacking: `${without(SMALL_MAPS, "map_ab")} map_proto map1000`,
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", required: ["toString"] },
    {
      missing: MISSING,
      ok: "map_to_string",
      lacking: `${without(SMALL_MAPS, "map_to_string")} map_proto map1000`,
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", accept: ["a"] },
    {
      missing: MISSING,
      ok: "map_empty map_a map_deep map_bare",
      rejected: "map_ab map_c map_constructor map_to_string map_length map_proto map1000",
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", accept: ["constructor", "toString"] },
    {
      missing: MISSING,
      ok: "map_empty map_constructor",
      rejected: "map_a map_ab map_c map_deep map_bare map_to_string map_length map_proto map1000",
      size: LONG_MAPS,
    },
  ),
  row(
    { type: "map", required: ["a"], accept: ["a", "b"], max_items: 1 },
    {
      missing: MISSING,
      ok: "map_a map_deep map_bare",
      lacking: "map_empty map_c map_constructor map_length map_proto",
      size: `map_ab map_to_string map1000 ${LONG_MAPS}`,
    },
  ),

  row({ type: "any" }, { missing: MISSING }, "ok"),
  row({ type: "any", allow_nil: true }, {}, "ok"),
  row({ type: "any", default_value: 1 }, { missing: "null" }, "ok"),
];
