import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compileArguments } from "../../../actors/arguments/arguments.ts";
import {
  ARGUMENT_TYPES,
  type ArgumentSpec,
  decideValueFault,
  parseFunConfig,
} from "../../../actors/registry/index.ts";
import { compile, refusal } from "./argument-check.ts";

const items = (count: number, item: unknown = 0) => new Array<unknown>(count).fill(item);
const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

describe("the arguments as a whole", () => {
  it("hands the same object on in map mode when nothing is filled in", () => {
    const args = { message: "hello" };
    const plain = compile({ message: "string" })(args);
    assert.ok(plain.ok);
    assert.equal(plain.values, args);
    const given = { message: "hello" };
    const outcome = compile({ message: { type: "string", default_value: "d" } })(given);
    assert.ok(outcome.ok);
    assert.equal(outcome.values, given);
  });

  it("fills defaults into a copy and leaves the received object alone", () => {
    const args = Object.freeze({ a: 1 });
    const outcome = compile({ a: "num", b: { type: "list", default_value: [1, { c: 2 }] } })(args);
    assert.deepEqual(outcome, { ok: true, values: { a: 1, b: [1, { c: 2 }] } });
  });

  it("freezes defaults, which all calls share", () => {
    const outcome = compile({ b: { type: "list", default_value: [{ c: 2 }] } }, ["b"])({});
    assert.ok(outcome.ok);
    const [list] = outcome.values as [{ c: number }[]];
    assert.throws(() => list.push({ c: 3 }), TypeError);
    assert.throws(() => Object.assign(list[0] ?? {}, { c: 4 }), TypeError);
  });

  it("orders positional values, null where nil is allowed and nothing came", () => {
    const check = compile(
      {
        age: { type: "num", default_value: 25 },
        name: "string",
        mail: { type: "string", allowNil: true },
      },
      ["name", "age", "mail"],
    );
    assert.deepEqual(check({ name: "Bob" }), { ok: true, values: ["Bob", 25, null] });
    assert.deepEqual(check({ mail: null, age: 0, name: "" }), { ok: true, values: ["", 0, null] });
  });

  it("leaves an absent argument that may be nil absent from a map", () => {
    assert.deepEqual(compile({ mail: { type: "string", allowNil: true } })({}), {
      ok: true,
      values: {},
    });
  });

  it("takes none when argTypes is null or empty", () => {
    for (const argTypes of [null, {}]) {
      assert.deepEqual(compile(argTypes)({}), { ok: true, values: {} });
      assert.deepEqual(compile(argTypes, [])({}), { ok: true, values: [] });
      assert.equal(
        refusal(compile(argTypes), { a: 1 }),
        'extra arguments for "types", extra: ["a"]',
      );
    }
  });

  it("names extra arguments, before anything else and ten at most", () => {
    const check = compile({ message: "string" });
    assert.equal(
      refusal(check, { message: 1, more: 1 }),
      'extra arguments for "types", extra: ["more"]',
    );
    assert.match(refusal(check, entries(10_000)), /"k9"\] and 9990 more$/);
    const long = refusal(check, { ["n".repeat(1_000_000)]: 1 });
    assert.ok(long.length < 200, long.slice(0, 300));
  });

  it("refuses what is not a map", () => {
    for (const [args, got] of [
      [[1], "[1]"],
      [null, "null"],
      ["a", '"a"'],
    ]) {
      assert.equal(refusal(compile({ x: "num" }), args), `expected a map, got: ${got}`);
    }
  });

  it("quotes no more of a value than a bounded part", () => {
    const check = compile({ x: "num" });
    for (const value of ["é".repeat(1_000_000), items(100_000, "abc"), [entries(10_000)]]) {
      const message = refusal(check, { x: value });
      assert.ok(message.length < 200, message.slice(0, 300));
    }
    let deep: unknown = [];
    for (let level = 0; level < 100_000; level++) deep = [deep];
    assert.ok(refusal(check, { x: deep }).length < 200);
  });

  it("decides by own properties when an argument has the name of an inherited one", () => {
    const names = ["constructor", "hasOwnProperty", "toString", "valueOf"];
    const check = compile(Object.fromEntries(names.map((name) => [name, "any"])), names);
    assert.equal(refusal(check, {}), 'missing or nil argument "constructor" in "types"');
    assert.equal(
      refusal(check, { constructor: 1, hasOwnProperty: 2, toString: 3 }),
      'missing or nil argument "valueOf" in "types"',
    );
    assert.deepEqual(check({ constructor: 1, hasOwnProperty: 2, toString: 3, valueOf: 4 }), {
      ok: true,
      values: [1, 2, 3, 4],
    });
    const optional = compile({ toString: { type: "num", allowNil: true } }, ["toString"]);
    assert.deepEqual(optional({}), { ok: true, values: [null] });
    const defaulted = compile({ constructor: { type: "num", default_value: 7 } });
    assert.deepEqual(defaulted({}), { ok: true, values: { constructor: 7 } });
  });

  it("refuses inherited names as extra arguments", () => {
    const check = compile({ x: { type: "num", allowNil: true } });
    for (const name of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
      assert.equal(
        refusal(check, JSON.parse(`{"${name}":{"x":1}}`)),
        `extra arguments for "types", extra: ["${name}"]`,
      );
    }
  });
});

describe("the compiled check and its explanation", () => {
  const anySpec = fc.oneof(
    fc.constantFrom(...Object.keys(ARGUMENT_TYPES)).map((type) => ({ type })),
    fc.record({ type: fc.constant("string"), maxBytes: fc.nat(12) }),
    fc.record({ type: fc.constantFrom("list", "list_num", "map"), maxItems: fc.nat(3) }),
    fc.record({ type: fc.constant("list_string"), maxItems: fc.nat(3), maxItemBytes: fc.nat(4) }),
    fc.record({
      type: fc.constant("map"),
      required: fc.uniqueArray(fc.constantFrom("a", "b", "toString"), { maxLength: 2 }),
      accept: fc.constant(["a", "b", "toString"]),
    }),
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.uuid(),
    fc.array(fc.oneof(fc.uuid(), fc.double(), fc.string({ maxLength: 3 }), fc.constant({})), {
      maxLength: 4,
    }),
    fc.dictionary(fc.constantFrom("a", "b", "c", "toString", "__proto__"), fc.nat()),
    fc.constantFrom("2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "2024-02-30T00:00:00Z"),
  );

  it("agree on every value", () => {
    fc.assert(
      fc.property(anySpec, value, (type, x) => {
        const parsed = parseFunConfig({
          service: "s",
          requestType: "t",
          mfa: { module: "m", function: "f" },
          argTypes: { x: type },
        });
        assert.ok(parsed.ok);
        const { x: spec } = parsed.config.argTypes as { x: ArgumentSpec };
        const expected =
          x === null ? 'missing or nil argument "x" in "t"' : decideValueFault("x", spec, x);
        const outcome = compileArguments(parsed.config)({ x });
        assert.equal(outcome.ok ? null : outcome.message, expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
