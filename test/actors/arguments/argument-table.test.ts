import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ARGUMENT_TYPES } from "../../../actors/registry/index.ts";
import { compile } from "./argument-check.ts";
import { ROWS, type Row } from "./argument-rows.ts";
import { VALUES } from "./argument-values.ts";
import { type Judgement, judge, type NaiveSpec } from "./naive-arguments.ts";

// Every row meets every value. The table is checked against the compiled validators and against a
// second reading of the contract.

/** How a message begins, for the argument `x`. */
const MESSAGES: Readonly<Record<Exclude<Judgement, "ok">, RegExp>> = {
  missing: /^missing or nil argument "x" in "types"$/,
  type: /^invalid argument type for "x", expected .+, got /,
  value: /^invalid argument value for "x", expected .+, got "/,
  size: /^invalid argument size for "x", max \d+ (bytes|items)$/,
  item_type: /^invalid argument type for "x\[\d+\]", expected (string|num|uuid|map), got /,
  item_value: /^invalid argument value for "x\[\d+\]", expected uuid, got "/,
  item_size: /^invalid argument size for "x\[\d+\]", max \d+ bytes$/,
  item_rejected: /^map argument "x\[\d+\]" contains rejected keys: \["__proto__"\]$/,
  lacking: /^map argument "x" missing required keys: \[".+"\]$/,
  rejected: /^map argument "x" contains rejected keys: \[".+"\]/,
};

function expectedOf({ expected, rest }: Row): Map<string, Judgement> {
  const cells = new Map<string, Judgement>();
  for (const [judgement, names] of Object.entries(expected)) {
    for (const name of names.split(" ").filter((name) => name !== "")) {
      assert.ok(Object.hasOwn(VALUES, name), `no value ${name}`);
      assert.ok(!cells.has(name), `${name} is there twice`);
      cells.set(name, judgement as Judgement);
    }
  }
  for (const name of Object.keys(VALUES)) if (!cells.has(name)) cells.set(name, rest);
  return cells;
}

describe("each type and constraint, with each value", () => {
  for (const tableRow of ROWS) {
    const { spec } = tableRow;
    it(JSON.stringify(spec), () => {
      const asMap = compile({ x: spec });
      const inOrder = compile({ x: spec }, ["x"]);
      for (const [name, expected] of expectedOf(tableRow)) {
        const value = VALUES[name];
        const args = value === undefined ? {} : { x: value };
        assert.equal(judge(spec, value), expected, `the second reading of ${name}`);
        const outcome = asMap(args);
        const ordered = inOrder(args);
        if (expected !== "ok") {
          const message = outcome.ok ? "accepted" : outcome.message;
          assert.match(message, MESSAGES[expected], name);
          assert.ok(message.length < 250, message);
          assert.deepEqual(ordered, outcome, name);
          continue;
        }
        assert.ok(outcome.ok && ordered.ok, `${name}: ${outcome.ok ? "" : outcome.message}`);
        const [given] = ordered.values as unknown[];
        if (value === undefined) {
          assert.deepEqual(given, spec.default_value ?? null);
        } else {
          assert.ok(Object.is(given, value), `${name} is handed on as it came`);
          assert.equal(outcome.values, args);
        }
      }
    });
  }

  it("is a table of all types and of at least 300 cells", () => {
    const types = new Set(ROWS.map(({ spec }) => spec.type));
    assert.deepEqual([...types].sort(), Object.keys(ARGUMENT_TYPES).sort());
    assert.equal(types.size, 13);
    assert.ok(ROWS.length * Object.keys(VALUES).length >= 300);
  });

  it("several arguments are judged each by its own, the first fault told", () => {
    const check = compile({ a: "num", b: { type: "string", max_bytes: 3 }, c: "uuid" });
    for (const [name, value] of Object.entries(VALUES)) {
      const judged = judge({ type: "string", max_bytes: 3 }, value);
      const outcome = check({ a: 1, b: value, c: "u" });
      const first = judged === "ok" ? "c" : "b";
      assert.ok(!outcome.ok && outcome.message.includes(` "${first}"`), name);
    }
  });
});

describe("any type and constraint, with any value", () => {
  const limits = fc.record(
    {
      allow_nil: fc.boolean(),
      max_bytes: fc.nat(12),
      max_items: fc.nat(4),
      max_item_bytes: fc.nat(6),
      required: fc.uniqueArray(fc.constantFrom("a", "toString"), { minLength: 1 }),
      accept: fc.constant(["a", "b", "toString", "constructor"]),
    },
    { requiredKeys: [] },
  );
  const specs = fc
    .tuple(fc.constantFrom(...Object.entries(ARGUMENT_TYPES)), limits)
    .map(([[type, constraints], given]): NaiveSpec => {
      const applies = (name: string): boolean => {
        const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
        return name === "allow_nil" || (constraints as readonly string[]).includes(camel);
      };
      const isOpen = (given.max_items ?? 9) >= (given.required?.length ?? 0);
      const kept = Object.entries(given).filter(
        ([name]) => applies(name) && (name !== "required" || isOpen),
      );
      return { type, ...Object.fromEntries(kept) };
    });
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.uuid(),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.stringMatching(
      /^20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:00:[0-6][0-9]([Z+-][0-2][0-9]:00)?$/,
    ),
    fc
      .array(fc.integer({ min: 0xd800, max: 0xdfff }), { maxLength: 4 })
      .map((units) => String.fromCharCode(...units)),
  );
  const key = fc.constantFrom("a", "b", "c", "toString", "constructor", "__proto__");
  const map = fc.dictionary(key, fc.jsonValue(), { maxKeys: 5 });
  const single = fc.oneof(text, fc.double(), fc.boolean(), map, fc.jsonValue());
  const value = fc.oneof(
    single,
    fc.array(text, { maxLength: 5 }),
    fc.array(single, { maxLength: 5 }),
  );

  it("is judged alike by the compiled check and by the second reading", () => {
    fc.assert(
      fc.property(specs, fc.option(value, { nil: undefined }), (spec, x) => {
        const outcome = compile({ x: spec })(x === undefined ? {} : { x });
        const expected = judge(spec, x);
        if (expected === "ok") assert.ok(outcome.ok, JSON.stringify(outcome));
        else assert.match(outcome.ok ? "accepted" : outcome.message, MESSAGES[expected]);
      }),
      { numRuns: 3_000 },
    );
  });
});
