import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Type from "typebox";
import { parseFunConfig } from "../../../actors/registry/fun-config.ts";

const MINIMAL = {
  service: "user_service",
  requestType: "get_user",
  mfa: { module: "user_service", function: "get_user" },
};

function accepted(input: unknown) {
  const outcome = parseFunConfig(input);
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.faults.join("\n"));
  return outcome.config;
}

function faultsOf(input: unknown): readonly string[] {
  const outcome = parseFunConfig(input);
  assert.equal(outcome.ok, false);
  return outcome.ok ? [] : outcome.faults;
}

function assertFrozen(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  assert.ok(Object.isFrozen(value));
  for (const item of Object.values(value)) assertFrozen(item);
}

describe("an accepted config", () => {
  it("has every default", () => {
    assert.deepEqual(accepted(MINIMAL), {
      service: "user_service",
      requestType: "get_user",
      version: null,
      disabled: false,
      nodes: "local",
      timeout: 5_000,
      mfa: { module: "user_service", function: "get_user", args: [] },
      argTypes: null,
      argOrders: "map",
      responseType: "sync",
    });
  });

  const camel = {
    ...MINIMAL,
    version: "1.2.0",
    disabled: true,
    nodes: "local",
    timeout: 300,
    mfa: { module: "m", function: "f", args: [1, { a: ["b"] }] },
    argTypes: {
      name: { type: "string", maxBytes: 8, allowNil: true },
      tags: { type: "list_string", maxItems: 3, maxItemBytes: 5, defaultValue: ["a"] },
      extra: { type: "map", required: ["a"], accept: ["a", "b"] },
    },
    argOrders: ["tags", "name", "extra"],
    responseType: "sync",
  };

  it("reads the same in both spellings", () => {
    const snake = {
      service: "user_service",
      request_type: "get_user",
      version: "1.2.0",
      disabled: true,
      nodes: "local",
      timeout: 300,
      mfa: { module: "m", function: "f", args: [1, { a: ["b"] }] },
      arg_types: {
        name: { type: "string", max_bytes: 8, "allow_nil?": true },
        tags: { type: "list_string", max_items: 3, max_item_bytes: 5, default_value: ["a"] },
        extra: { type: "map", required: ["a"], accept: ["a", "b"] },
      },
      arg_orders: ["tags", "name", "extra"],
      response_type: "sync",
    };
    assert.deepEqual(accepted(snake), accepted(camel));
    assert.deepEqual(accepted(snake).argTypes, {
      name: { type: "string", allowNil: true, maxBytes: 8 },
      tags: {
        type: "list_string",
        allowNil: false,
        maxItems: 3,
        maxItemBytes: 5,
        defaultValue: ["a"],
      },
      extra: {
        type: "map",
        allowNil: false,
        maxItems: 1_000,
        required: ["a"],
        accept: ["a", "b"],
      },
    });
  });

  it("is frozen, shares nothing with the input, survives a clone and reads back as itself", () => {
    const schema = Type.Object({ id: Type.String(), at: Type.Optional(Type.Array(Type.Number())) });
    for (const input of [camel, { ...MINIMAL, argTypes: schema, argOrders: ["id", "at"] }]) {
      const config = accepted(input);
      assertFrozen(config);
      assert.deepEqual(structuredClone(config), config);
      assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
      assert.deepEqual(accepted(config), config);
    }
    camel.mfa.args.push(2);
    assert.deepEqual(accepted(MINIMAL).mfa.args, []);
  });

  it("keeps a TypeBox object schema as plain JSON schema", () => {
    const argTypes = Type.Object({ id: Type.String(), n: Type.Optional(Type.Integer()) });
    assert.deepEqual(accepted({ ...MINIMAL, argTypes }).argTypes, {
      type: "object",
      required: ["id"],
      properties: { id: { type: "string" }, n: { type: "integer" } },
    });
  });

  const same: readonly (readonly [input: object, field: string, expected: unknown])[] = [
    [{ version: "0.0.0" }, "version", null],
    [{ version: null }, "version", null],
    [{ version: "1.0.0-rc.1+5" }, "version", "1.0.0-rc.1+5"],
    [{ timeout: 100 }, "timeout", 100],
    [{ timeout: 300_000 }, "timeout", 300_000],
    [{ timeout: "infinity" }, "timeout", "infinity"],
    [{ timeout: Number.POSITIVE_INFINITY }, "timeout", "infinity"],
    [{ timeout: undefined }, "timeout", 5_000],
    [{ argTypes: {} }, "argTypes", null],
    [{ argTypes: { x: "num" }, argOrders: [] }, "argOrders", ["x"]],
    [{ argTypes: { x: "num" } }, "argOrders", "map"],
    [{ argTypes: { x: "num" }, argOrders: "map" }, "argOrders", "map"],
    [{ argOrders: [] }, "argOrders", []],
  ];
  for (const [input, field, expected] of same) {
    it(`${JSON.stringify(input)}: ${field} is ${JSON.stringify(expected)}`, () => {
      const config: Record<string, unknown> = { ...accepted({ ...MINIMAL, ...input }) };
      assert.deepEqual(config[field], expected);
    });
  }
});

describe("a refused config", () => {
  const NAME = "expected a non-empty string of at most 256 bytes";
  const LIMIT = "expected an integer of 0 to 2147483647";
  const TIMEOUT = 'timeout: expected an integer of 100 to 300000 ms, or "infinity"';
  const TYPES =
    "expected one of string, num, boolean, uuid, datetime, naive_datetime, list, list_string, list_num, list_uuid, list_map, map, any";
  const loop: unknown[] = [];
  loop.push(loop);

  const rows: readonly (readonly [input: object, ...faults: string[]])[] = [
    [{ service: "" }, `service: ${NAME}, received ""`],
    [{ service: 5 }, `service: ${NAME}, received 5`],
    [{ requestType: null }, `requestType: ${NAME}, received null`],
    [{ request_type: "again" }, "request_type: given twice, also as requestType"],
    [{ colour: "red" }, "colour: unknown field"],
    [{ retry: 3, "a b": 1 }, "retry: unknown field", '"a b": unknown field'],
    [
      { version: "1" },
      'version: expected null or a semantic version such as "1.2.0", at most 256 bytes, received "1"',
    ],
    [
      { version: 1 },
      'version: expected null or a semantic version such as "1.2.0", at most 256 bytes, received 1',
    ],
    [{ disabled: "no" }, 'disabled: expected true or false, received "no"'],
    [{ disabled: null }, "disabled: expected true or false, received null"],
    [{ nodes: ["a@h"] }, 'nodes: expected "local", received ["a@h"]'],
    [{ responseType: "async" }, 'responseType: expected "sync", received "async"'],
    [{ timeout: 99 }, `${TIMEOUT}, received 99`],
    [{ timeout: 300_001 }, `${TIMEOUT}, received 300001`],
    [{ timeout: 100.5 }, `${TIMEOUT}, received 100.5`],
    [{ timeout: "5000" }, `${TIMEOUT}, received "5000"`],
    [{ timeout: Number.NaN }, `${TIMEOUT}, received NaN`],
    [{ mfa: null }, "mfa: expected {module, function, args}, received null"],
    [{ mfa: ["m", "f", []] }, 'mfa: expected {module, function, args}, received ["m","f",[]]'],
    [
      { mfa: { args: {}, arity: 1 } },
      'mfa."arity": unknown field',
      `mfa.module: ${NAME}, received undefined`,
      `mfa.function: ${NAME}, received undefined`,
      "mfa.args: expected a list, received {}",
    ],
    [
      { mfa: { module: "m", function: "constructor" } },
      'mfa.function: the name "constructor" is reserved',
    ],
    [
      { mfa: { module: "m", function: "f", args: [JSON.parse('{"__proto__":1}')] } },
      'mfa.args[0]: the key "__proto__" is reserved',
    ],
    [
      { mfa: { module: "m", function: "f", args: [() => 1] } },
      "mfa.args[0]: expected plain data (JSON), received function",
    ],
    [
      { mfa: { module: "m", function: "f", args: [{ a: 1n, b: new Map() }] } },
      "mfa.args[0].a: expected plain data (JSON), received 1n",
      "mfa.args[0].b: expected plain data (JSON), received {}",
    ],
    [
      { argTypes: "string" },
      'argTypes: expected null, a map of argument types, or an object schema, received "string"',
    ],
    [{ argTypes: { x: "int" } }, `argTypes.x: ${TYPES}, received "int"`],
    [{ argTypes: { x: "toString" } }, `argTypes.x: ${TYPES}, received "toString"`],
    [{ argTypes: { x: { max_bytes: 1 } } }, `argTypes.x.type: ${TYPES}, received undefined`],
    [
      { argTypes: { x: { type: "string", max_bytes: -1 } } },
      `argTypes.x.max_bytes: ${LIMIT}, received -1`,
    ],
    [
      { argTypes: { x: { type: "string", max_bytes: 1.5 } } },
      `argTypes.x.max_bytes: ${LIMIT}, received 1.5`,
    ],
    [
      { argTypes: { x: { type: "string", max_bytes: 1, maxBytes: 2 } } },
      "argTypes.x.maxBytes: given in two spellings",
    ],
    [
      { argTypes: { x: { type: "num", max_bytes: 8 } } },
      "argTypes.x.max_bytes: does not apply to num",
    ],
    [
      { argTypes: { x: { type: "list", required: ["a"] } } },
      "argTypes.x.required: does not apply to list",
    ],
    [
      { argTypes: { x: { type: "string", min_bytes: 8 } } },
      'argTypes.x: unknown constraint "min_bytes"',
    ],
    [
      { argTypes: { x: { type: "string", "allow_nil?": "yes" } } },
      'argTypes.x.allow_nil?: expected true or false, received "yes"',
    ],
    [
      { argTypes: { x: { type: "map", required: "a" } } },
      'argTypes.x.required: expected a list of non-empty strings of at most 256 bytes, received "a"',
    ],
    [
      { argTypes: { x: { type: "map", accept: ["a", "a"] } } },
      'argTypes.x.accept: "a" is listed twice',
    ],
    [
      { argTypes: { x: { type: "map", required: ["a", "b"], accept: ["a"] } } },
      'argTypes.x.required: "b" is not among accept',
    ],
    [
      { argTypes: { x: { type: "num", default_value: "18" } } },
      'argTypes.x.defaultValue: invalid argument type for "defaultValue", expected num, got "18"',
    ],
    [
      { argTypes: { x: { type: "string", max_bytes: 1, default_value: "ab" } } },
      'argTypes.x.defaultValue: invalid argument size for "defaultValue", max 1 bytes',
    ],
    [
      { arg_types: JSON.parse('{"__proto__":"num"}') },
      `arg_types: argument name: ${NAME}, not "__proto__", received "__proto__"`,
    ],
    [
      { argTypes: { x: "num" }, argOrders: "list" },
      'argOrders: expected a list of argument names, or "map", received "list"',
    ],
    [
      { argTypes: { x: "num", y: "num" }, argOrders: ["x", "z"] },
      'argOrders: "z" is not an argument of argTypes',
      'argOrders: the argument "y" is missing',
    ],
    [
      { argTypes: { x: "num", y: "num" }, argOrders: [] },
      'argOrders: the argument "x" is missing',
      'argOrders: the argument "y" is missing',
    ],
    [{ argTypes: { x: "num" }, argOrders: ["x", "x"] }, 'argOrders: "x" is listed twice'],
    [{ argOrders: ["x"] }, 'argOrders: "x" is not an argument of argTypes'],
    [
      { argTypes: Type.Object({ a: Type.Refine(Type.String(), () => true) }) },
      "argTypes.properties.a: a refinement or codec is a function and cannot be sent to other threads",
    ],
    [
      { argTypes: { type: "object", properties: { a: { type: "int" } } } },
      'argTypes.properties.a.type: expected one of array, boolean, integer, null, number, object, string, received "int"',
    ],
    [
      { argTypes: { type: "object", properties: { a: 5 } } },
      "argTypes.properties.a: expected a schema, received 5",
    ],
    [
      { argTypes: { type: "object", properties: { toString: {} } } },
      'argTypes.properties: the name "toString" is reserved',
    ],
    [
      {
        argTypes: { type: "object", properties: { a: { type: "object", required: ["valueOf"] } } },
      },
      'argTypes.properties.a.required: the name "valueOf" is reserved',
    ],
    [
      { argTypes: { type: "object", properties: { a: { pattern: "(" } } } },
      "argTypes: does not compile: Invalid regular expression: /(/u: Unterminated group",
    ],
  ];
  for (const [input, ...faults] of rows) {
    it(faults.join(" · "), () => {
      assert.deepEqual([...faultsOf({ ...MINIMAL, ...input })].sort(), [...faults].sort());
    });
  }

  it("names every required field that is missing", () => {
    assert.deepEqual(faultsOf({}), [
      "service: required, received nothing",
      "requestType: required, received nothing",
      "mfa: required, received nothing",
    ]);
  });

  it("must be a map", () => {
    for (const [input, received] of [
      [null, "null"],
      [[MINIMAL], /^\[/],
      ["x", '"x"'],
      [undefined, "undefined"],
    ] as const) {
      const [fault = ""] = faultsOf(input);
      assert.ok(fault.startsWith("expected a map, received "), fault);
      if (typeof received === "string") assert.ok(fault.endsWith(received), fault);
    }
  });

  it("may be endless: a cycle, a deep nest, a flood of values", () => {
    const [cycle = ""] = faultsOf({ ...MINIMAL, mfa: { ...MINIMAL.mfa, args: loop } });
    assert.match(cycle, /^mfa\.args(\[0\])+: expected at most 32 levels$/);
    const flood = faultsOf({ ...MINIMAL, mfa: { ...MINIMAL.mfa, args: new Array(1e6).fill(0) } });
    assert.equal(flood.length, 1);
    assert.match(flood[0] ?? "", /expected at most 10000 values in all$/);
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`a${n}`, "num"]));
    assert.deepEqual(faultsOf({ ...MINIMAL, argTypes: many }), [
      "argTypes: expected at most 256 arguments, received 257",
    ]);
  });

  it("leaves no trace of inherited names", () => {
    const input = JSON.parse('{"__proto__":{"disabled":true},"constructor":1}');
    assert.deepEqual(faultsOf({ ...MINIMAL, ...input }), [
      "__proto__: unknown field",
      "constructor: unknown field",
    ]);
  });
});
