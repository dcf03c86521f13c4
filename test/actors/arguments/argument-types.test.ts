import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { compile } from "./argument-check.ts";

const UUID = "123e4567-e89b-12d3-a456-426614174000";
const MISSING = 'missing or nil argument "x" in "types"';
const typed = (expected: string, got: string) =>
  `invalid argument type for "x", expected ${expected}, got ${got}`;
const valued = (expected: string, got: string) =>
  `invalid argument value for "x", expected ${expected}, got ${got}`;
const sized = (limit: string) => `invalid argument size for "x", max ${limit}`;
const DATETIME = "datetime (ISO 8601 with offset)";
const NAIVE = "naive_datetime (ISO 8601 without offset)";
const items = (count: number, item: unknown = 0) => new Array<unknown>(count).fill(item);
const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
const withProto = (): unknown => JSON.parse('{"__proto__":{"admin":true}}');

/** [type with constraints, value of argument x, null when accepted or the whole message] */
const ROWS: readonly (readonly [spec: unknown, value: unknown, message: string | null])[] = [
  // string
  ["string", "abc", null],
  ["string", "", null],
  ["string", "é".repeat(1500), null],
  ["string", "é".repeat(1501), sized("3000 bytes")],
  ["string", "a".repeat(3000), null],
  ["string", "a".repeat(3001), sized("3000 bytes")],
  ["string", 42, typed("string", "42")],
  ["string", true, typed("string", "true")],
  ["string", ["a"], typed("string", '["a"]')],
  ["string", { a: 1 }, typed("string", '{"a":1}')],
  ["string", null, MISSING],
  ["string", undefined, MISSING],
  [{ type: "string", max_bytes: 8 }, "12345678", null],
  [{ type: "string", max_bytes: 8 }, "123456789", sized("8 bytes")],
  [{ type: "string", maxBytes: 8 }, "123456789", sized("8 bytes")],
  [{ type: "string", max_bytes: 4 }, "éé", null],
  [{ type: "string", max_bytes: 3 }, "éé", sized("3 bytes")],
  [{ type: "string", max_bytes: 3 }, "€", null],
  [{ type: "string", max_bytes: 2 }, "€", sized("2 bytes")],
  [{ type: "string", max_bytes: 4 }, "😀", null],
  [{ type: "string", max_bytes: 3 }, "😀", sized("3 bytes")],
  [{ type: "string", max_bytes: 3 }, "\ud83d", null],
  [{ type: "string", max_bytes: 2 }, "\ud83d", sized("2 bytes")],
  [{ type: "string", max_bytes: 0 }, "", null],
  [{ type: "string", max_bytes: 0 }, "a", sized("0 bytes")],
  [{ type: "string", max_bytes: 5000 }, "a".repeat(5000), null],
  [{ type: "string", "allow_nil?": true }, null, null],
  [{ type: "string", allow_nil: true }, null, null],
  [{ type: "string", allowNil: true }, undefined, null],
  [{ type: "string", allowNil: true }, 1, typed("string", "1")],
  [{ type: "string", allowNil: false }, null, MISSING],
  [{ type: "string", default_value: "d" }, undefined, null],
  [{ type: "string", defaultValue: "d" }, null, MISSING],
  [{ type: "string", default_value: "d", allowNil: true }, null, null],
  [{ type: "string", default_value: null }, undefined, MISSING],
  // num
  ["num", 0, null],
  ["num", -0, null],
  ["num", 1.5, null],
  ["num", -3, null],
  ["num", Number.MAX_VALUE, null],
  ["num", Number.MAX_SAFE_INTEGER, null],
  ["num", Number.NaN, typed("num", "NaN")],
  ["num", Number.POSITIVE_INFINITY, typed("num", "Infinity")],
  ["num", Number.NEGATIVE_INFINITY, typed("num", "-Infinity")],
  ["num", JSON.parse("1e999"), typed("num", "Infinity")],
  ["num", "1", typed("num", '"1"')],
  ["num", "", typed("num", '""')],
  ["num", true, typed("num", "true")],
  ["num", [1], typed("num", "[1]")],
  ["num", {}, typed("num", "{}")],
  ["num", 5n, typed("num", "5n")],
  ["num", null, MISSING],
  ["num", undefined, MISSING],
  [{ type: "num", default_value: 18 }, undefined, null],
  [{ type: "num", default_value: 0 }, undefined, null],
  [{ type: "num", default_value: 18 }, "18", typed("num", '"18"')],
  [{ type: "num", allowNil: true }, null, null],
  [{ type: "num", allowNil: true }, "null", typed("num", '"null"')],
  // boolean
  ["boolean", true, null],
  ["boolean", false, null],
  ["boolean", 0, typed("boolean", "0")],
  ["boolean", 1, typed("boolean", "1")],
  ["boolean", "true", typed("boolean", '"true"')],
  ["boolean", [], typed("boolean", "[]")],
  ["boolean", null, MISSING],
  [{ type: "boolean", default_value: false }, undefined, null],
  [{ type: "boolean", allowNil: true }, null, null],
  // uuid
  ["uuid", UUID, null],
  ["uuid", UUID.toUpperCase(), null],
  ["uuid", "00000000-0000-0000-0000-000000000000", null],
  ["uuid", UUID.replaceAll("-", ""), valued("uuid", `"${UUID.replaceAll("-", "")}"`)],
  ["uuid", `{${UUID}}`, valued("uuid", `"{${UUID}}"`)],
  ["uuid", `${UUID}\n`, valued("uuid", `"${UUID}\\n"`)],
  ["uuid", `${UUID}0`, valued("uuid", `"${UUID}0"`)],
  ["uuid", "", valued("uuid", '""')],
  ["uuid", "not-a-uuid", valued("uuid", '"not-a-uuid"')],
  ["uuid", 7, typed("uuid", "7")],
  ["uuid", null, MISSING],
  [{ type: "uuid", allowNil: true }, null, null],
  [{ type: "uuid", default_value: UUID }, undefined, null],
  // datetime
  ["datetime", "2024-01-01T00:00:00Z", null],
  ["datetime", "2024-01-01t00:00:00z", null],
  ["datetime", "2024-01-01 00:00:00Z", null],
  ["datetime", "2024-02-29T23:59:59.123456+07:00", null],
  ["datetime", "2000-02-29T00:00:00-23:59", null],
  ["datetime", "1900-02-29T00:00:00Z", valued(DATETIME, '"1900-02-29T00:00:00Z"')],
  ["datetime", "2023-02-29T00:00:00Z", valued(DATETIME, '"2023-02-29T00:00:00Z"')],
  ["datetime", "2024-13-01T00:00:00Z", valued(DATETIME, '"2024-13-01T00:00:00Z"')],
  ["datetime", "2024-00-01T00:00:00Z", valued(DATETIME, '"2024-00-01T00:00:00Z"')],
  ["datetime", "2024-04-31T00:00:00Z", valued(DATETIME, '"2024-04-31T00:00:00Z"')],
  ["datetime", "2024-01-00T00:00:00Z", valued(DATETIME, '"2024-01-00T00:00:00Z"')],
  ["datetime", "2024-01-01T24:00:00Z", valued(DATETIME, '"2024-01-01T24:00:00Z"')],
  ["datetime", "2024-01-01T00:60:00Z", valued(DATETIME, '"2024-01-01T00:60:00Z"')],
  ["datetime", "2016-12-31T23:59:60Z", valued(DATETIME, '"2016-12-31T23:59:60Z"')],
  ["datetime", "2024-01-01T00:00:00+24:00", valued(DATETIME, '"2024-01-01T00:00:00+24:00"')],
  ["datetime", "2024-01-01T00:00:00", valued(DATETIME, '"2024-01-01T00:00:00"')],
  ["datetime", "2024-01-01", valued(DATETIME, '"2024-01-01"')],
  ["datetime", "", valued(DATETIME, '""')],
  ["datetime", 1704067200, typed(DATETIME, "1704067200")],
  ["datetime", null, MISSING],
  [{ type: "datetime", allowNil: true }, null, null],
  [{ type: "datetime", default_value: "2024-01-01T00:00:00Z" }, undefined, null],
  // naive_datetime
  ["naive_datetime", "2024-01-01T00:00:00", null],
  ["naive_datetime", "2024-01-01 23:59:59.999", null],
  ["naive_datetime", "2024-01-01T00:00:00Z", valued(NAIVE, '"2024-01-01T00:00:00Z"')],
  ["naive_datetime", "2024-01-01T00:00:00+01:00", valued(NAIVE, '"2024-01-01T00:00:00+01:00"')],
  ["naive_datetime", "2024-06-31T00:00:00", valued(NAIVE, '"2024-06-31T00:00:00"')],
  ["naive_datetime", "yesterday", valued(NAIVE, '"yesterday"')],
  ["naive_datetime", {}, typed(NAIVE, "{}")],
  ["naive_datetime", null, MISSING],
  // list
  ["list", [], null],
  ["list", [1, "a", null, [2], { b: 3 }], null],
  ["list", items(1000), null],
  ["list", items(1001), sized("1000 items")],
  ["list", "abc", typed("list", '"abc"')],
  ["list", { length: 0 }, typed("list", '{"length":0}')],
  ["list", null, MISSING],
  [{ type: "list", max_items: 2 }, [1, 2], null],
  [{ type: "list", max_items: 2 }, [1, 2, 3], sized("2 items")],
  [{ type: "list", max_items: 0 }, [], null],
  [{ type: "list", max_items: 0 }, [1], sized("0 items")],
  [{ type: "list", allowNil: true }, null, null],
  [{ type: "list", default_value: [] }, undefined, null],
  // list_string
  ["list_string", [], null],
  ["list_string", ["a", "é"], null],
  ["list_string", ["a", 5], 'invalid argument type for "x[1]", expected string, got 5'],
  ["list_string", [null], 'invalid argument type for "x[0]", expected string, got null'],
  ["list_string", ["a".repeat(3001)], 'invalid argument size for "x[0]", max 3000 bytes'],
  [{ type: "list_string", max_item_bytes: 2 }, ["é", "ab"], null],
  [
    { type: "list_string", maxItemBytes: 2 },
    ["é", "éa"],
    'invalid argument size for "x[1]", max 2 bytes',
  ],
  [{ type: "list_string", max_items: 1 }, ["a", "b"], sized("1 items")],
  ["list_string", "a", typed("list_string", '"a"')],
  ["list_string", items(1001, "a"), sized("1000 items")],
  // list_num
  ["list_num", [1, 2.5, -3], null],
  ["list_num", [1, "2"], 'invalid argument type for "x[1]", expected num, got "2"'],
  ["list_num", [Number.NaN], 'invalid argument type for "x[0]", expected num, got NaN'],
  [
    "list_num",
    JSON.parse("[1e999]"),
    'invalid argument type for "x[0]", expected num, got Infinity',
  ],
  [{ type: "list_num", max_items: 2 }, [1, 2, 3], sized("2 items")],
  ["list_num", 1, typed("list_num", "1")],
  // list_uuid
  ["list_uuid", [UUID, UUID], null],
  ["list_uuid", [UUID, "u"], 'invalid argument value for "x[1]", expected uuid, got "u"'],
  ["list_uuid", [1], 'invalid argument type for "x[0]", expected uuid, got 1'],
  [{ type: "list_uuid", max_items: 1 }, [UUID, UUID], sized("1 items")],
  // list_map
  ["list_map", [{}, { a: 1 }], null],
  ["list_map", [[]], 'invalid argument type for "x[0]", expected map, got []'],
  ["list_map", [{}, null], 'invalid argument type for "x[1]", expected map, got null'],
  ["list_map", [withProto()], 'map argument "x[0]" contains rejected keys: ["__proto__"]'],
  [{ type: "list_map", max_items: 1 }, [{}, {}], sized("1 items")],
  // map
  ["map", {}, null],
  ["map", { k: [1, 2], deep: { er: true } }, null],
  ["map", entries(1000), null],
  ["map", entries(1001), sized("1000 items")],
  ["map", entries(10_000), sized("1000 items")],
  ["map", [], typed("map", "[]")],
  ["map", "{}", typed("map", '"{}"')],
  ["map", 1, typed("map", "1")],
  ["map", null, MISSING],
  ["map", withProto(), 'map argument "x" contains rejected keys: ["__proto__"]'],
  ["map", { constructor: 1, hasOwnProperty: 2 }, null],
  [{ type: "map", max_items: 1 }, { a: 1, b: 2 }, sized("1 items")],
  [{ type: "map", required: ["a"] }, { a: 1, b: 2 }, null],
  [{ type: "map", required: ["a"] }, { a: null }, null],
  [
    { type: "map", required: ["a", "b", "c"] },
    { b: 1 },
    'map argument "x" missing required keys: ["a","c"]',
  ],
  [
    { type: "map", required: ["toString"] },
    {},
    'map argument "x" missing required keys: ["toString"]',
  ],
  [{ type: "map", accept: ["a", "b"] }, { b: 1 }, null],
  [{ type: "map", accept: [] }, { b: 1 }, null],
  [
    { type: "map", accept: ["a", "b"] },
    { b: 1, c: 2 },
    'map argument "x" contains rejected keys: ["c"], accepted: ["a","b"]',
  ],
  [{ type: "map", required: ["a"], accept: ["a"] }, { a: 1 }, null],
  [{ type: "map", allowNil: true }, null, null],
  [{ type: "map", default_value: { a: 1 } }, undefined, null],
  // any
  ["any", 1, null],
  ["any", "a", null],
  ["any", false, null],
  ["any", [[[]]], null],
  ["any", { a: { b: null } }, null],
  ["any", null, MISSING],
  ["any", undefined, MISSING],
  [{ type: "any", allowNil: true }, null, null],
  [{ type: "any", default_value: [1] }, undefined, null],
];

describe("each type, value and constraint", () => {
  for (const [spec, value, message] of ROWS) {
    const shown = inspect(value, { breakLength: Infinity }).slice(0, 40);
    it(`${JSON.stringify(spec)}: ${shown} is ${message === null ? "accepted" : "refused"}`, () => {
      const args = value === undefined ? {} : { x: value };
      const outcome = compile({ x: spec })(args);
      assert.equal(outcome.ok ? null : outcome.message, message);
    });
  }
});
