import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Type from "typebox";
import { compile, refusal } from "./argument-check.ts";

describe("an object schema for all arguments", () => {
  const schema = Type.Object({
    user_id: Type.String({ maxLength: 4 }),
    fields: Type.Optional(Type.Array(Type.String(), { maxItems: 2 })),
    age: Type.Optional(Type.Union([Type.Number({ minimum: 0 }), Type.Null()])),
    at: Type.Optional(Type.Object({ lat: Type.Number() }, { additionalProperties: false })),
    page: Type.Integer({ default: 1 }),
  });
  const check = compile(schema);

  it("hands accepted arguments on, defaults filled in", () => {
    assert.deepEqual(check({ user_id: "1", fields: ["a"], age: null }), {
      ok: true,
      values: { user_id: "1", fields: ["a"], age: null, page: 1 },
    });
    const args = { user_id: "1", page: 3 };
    const outcome = check(args);
    assert.ok(outcome.ok);
    assert.equal(outcome.values, args);
    const positional = compile(schema, ["user_id", "page", "fields", "age", "at"]);
    assert.deepEqual(positional({ user_id: "1" }), {
      ok: true,
      values: ["1", 1, null, null, null],
    });
  });

  const refusals: readonly (readonly [args: unknown, message: string])[] = [
    [{}, 'missing or nil argument "user_id" in "types"'],
    [{ user_id: null }, 'missing or nil argument "user_id" in "types"'],
    [{ user_id: 1 }, 'invalid argument type for "user_id", expected string, got 1'],
    [{ user_id: "12345" }, 'invalid argument size for "user_id", max 4 characters'],
    [{ user_id: "1", more: 1 }, 'extra arguments for "types", extra: ["more"]'],
    [{ user_id: "1", fields: "a" }, 'invalid argument type for "fields", expected array, got "a"'],
    [
      { user_id: "1", fields: ["a", 2] },
      'invalid argument type for "fields[1]", expected string, got 2',
    ],
    [{ user_id: "1", fields: ["a", "b", "c"] }, 'invalid argument size for "fields", max 2 items'],
    [
      { user_id: "1", age: "x" },
      'invalid argument type for "age", expected number or null, got "x"',
    ],
    [{ user_id: "1", at: {} }, 'missing or nil argument "at.lat" in "types"'],
    [{ user_id: "1", at: { lat: 1, lon: 2 } }, 'extra arguments for "types", extra: ["at.lon"]'],
    [{ user_id: "1", page: 1.5 }, 'invalid argument type for "page", expected integer, got 1.5'],
    [[], "expected a map, got: []"],
  ];
  for (const [args, message] of refusals) {
    it(`${JSON.stringify(args)}: ${message}`, () => {
      assert.equal(refusal(check, args), message);
    });
  }

  it("names the limit where TypeBox does", () => {
    const bounded = compile(Type.Object({ n: Type.Number({ minimum: 3 }) }));
    assert.equal(refusal(bounded, { n: 1 }), 'invalid argument value for "n", must be >= 3, got 1');
  });

  it("admits what the schema itself leaves open, but never __proto__", () => {
    const open = compile(
      Type.Object({ a: Type.Number() }, { additionalProperties: Type.Number() }),
    );
    assert.ok(open({ a: 1, b: 2 }).ok);
    assert.equal(
      refusal(open, { a: 1, b: "2" }),
      'invalid argument type for "b", expected number, got "2"',
    );
    assert.equal(
      refusal(open, JSON.parse('{"a":1,"__proto__":1}')),
      'extra arguments for "types", extra: ["__proto__"]',
    );
  });

  it("admits the names of a pattern", () => {
    const check = compile({
      type: "object",
      properties: { a: { type: "number" } },
      patternProperties: { "^x_": { type: "string" } },
      additionalProperties: false,
    });
    assert.ok(check({ a: 1, x_b: "c" }).ok);
    assert.equal(refusal(check, { y: 1 }), 'extra arguments for "types", extra: ["y"]');
    const open = compile({ type: "object", patternProperties: { "^x_": { type: "string" } } });
    assert.ok(open({ x_b: "c" }).ok);
    assert.equal(
      refusal(open, { x_b: 1 }),
      'invalid argument type for "x_b", expected string, got 1',
    );
  });
});
