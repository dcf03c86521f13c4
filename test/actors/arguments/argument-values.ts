/** The values of the argument tables, each by a short name. */

const UUID = "123e4567-e89b-12d3-a456-426614174000";

function items(count: number, item: unknown): unknown[] {
  return new Array<unknown>(count).fill(item);
}

function entries(count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
}

function nest(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

/** `absent` is an argument that is not there at all. */
export const VALUES: Readonly<Record<string, unknown>> = {
  absent: undefined,
  null: null,
  true: true,
  false: false,
  zero: 0,
  minus_zero: -0,
  one: 1,
  fraction: -1.5,
  beyond_safe: JSON.parse("9007199254740993"),
  largest: Number.MAX_VALUE,
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  minus_infinity: JSON.parse("-1e999"),
  bigint: 5n,
  // Texts, most with their UTF-8 bytes.
  empty: "",
  a1: "a",
  abc3: "abc",
  digits2: "42",
  accents4: "éé",
  euro3: "€",
  emoji4: "😀",
  family25: "👨‍👩‍👧‍👦",
  high_surrogate3: "\ud83d",
  low_surrogate3: "\ude00",
  swapped6: "\ude00\ud83d",
  nul1: "\0",
  a3000: "a".repeat(3_000),
  a3001: "a".repeat(3_001),
  accents3002: "é".repeat(1_501),
  emoji3000: "😀".repeat(750),
  emoji3004: "😀".repeat(751),
  megabyte: "a".repeat(1_000_000),
  emoji_megabyte: "😀".repeat(250_000),
  // Texts with a form.
  uuid: UUID,
  uuid_upper: UUID.toUpperCase(),
  uuid_bare: UUID.replaceAll("-", ""),
  uuid_line: `${UUID}\n`,
  moment: "2024-02-29T23:59:59.123456+07:00",
  moment_z: "2024-01-01 00:00:00Z",
  no_moment: "2023-02-29T00:00:00Z",
  local: "2024-01-01T00:00:00",
  no_local: "2024-01-01T24:00:00",
  date: "2024-01-01",
  // Lists.
  none: [],
  numbers: [1, -0, 2.5],
  numbers_nan: [1, Number.NaN],
  numbers_infinity: JSON.parse("[1e999]"),
  numbers1000: items(1_000, 1),
  numbers1001: items(1_001, 1),
  numbers100000: items(100_000, 1),
  texts: ["a", "éé"],
  texts_empty: ["", ""],
  texts_long: ["a".repeat(3_001)],
  texts_lone: ["\ud83d"],
  texts1001: items(1_001, "a"),
  uuids: [UUID, UUID.toUpperCase()],
  uuids_bad: [UUID, "u"],
  maps: [{}, { a: 1 }],
  maps_proto: [{}, JSON.parse('{"__proto__":{"admin":true}}')],
  lists: [[], [1]],
  mixed: [1, "a", null, true, [], {}],
  nulls: [null],
  hole: [undefined],
  nested: nest(10_000),
  // Maps.
  map_empty: {},
  map_a: { a: 1 },
  map_ab: { a: 1, b: null },
  map_c: { c: 1 },
  map_deep: { a: { b: { c: [{}] } } },
  map_proto: JSON.parse('{"__proto__":{"admin":true}}'),
  map_constructor: { constructor: 1 },
  map_to_string: { toString: "x", hasOwnProperty: 1 },
  map_bare: Object.assign(Object.create(null), { a: 1 }),
  map_length: { length: 0 },
  map1000: entries(1_000),
  map1001: entries(1_001),
  map10000: entries(10_000),
};
