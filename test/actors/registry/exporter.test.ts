import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import Type, { type TSchema } from "typebox";
import { compileArguments } from "../../../actors/arguments/arguments.ts";
import {
  ARGUMENT_TYPES,
  encodeRequests,
  exportRequests,
  type FunConfig,
  parseFunConfig,
} from "../../../actors/registry/index.ts";

function configOf(more: object): FunConfig {
  const outcome = parseFunConfig({
    ...{ service: "users", requestType: "get", mfa: { module: "users", function: "get" } },
    ...more,
  });
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.faults.join("\n"));
  return outcome.config;
}

function exampleOf(more: object) {
  const config = configOf(more);
  const [example] = exportRequests([config])["users"] ?? [];
  assert.ok(example !== undefined);
  const checked = compileArguments(config)(structuredClone(example.payload.args));
  return { example, checked };
}

function assertPasses(more: object): void {
  const { example, checked } = exampleOf(more);
  assert.equal(example.note, undefined);
  assert.ok(checked.ok, `${JSON.stringify(example.payload.args)}: ${JSON.stringify(checked)}`);
}

const limit = fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined });
const specs: Record<string, fc.Arbitrary<object>> = Object.fromEntries(
  Object.entries(ARGUMENT_TYPES).map(([type, constraints]) => [
    type,
    fc.record({
      type: fc.constant(type),
      allowNil: fc.boolean(),
      ...Object.fromEntries(
        constraints.filter((name) => name.startsWith("max")).map((name) => [name, limit]),
      ),
    }),
  ]),
);
const keys = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 5 });
const map = fc.tuple(keys, keys).map(([required, more]) => ({
  ...{ type: "map", required, maxItems: 5 },
  ...(more.length > 0 ? { accept: [...new Set([...required, ...more])] } : {}),
}));

test("every exported example of argument types passes that function's validation", () => {
  const spec = fc.oneof(...Object.values(specs), map);
  const argument = fc.oneof(fc.stringMatching(/^[a-z_]{1,8}$/), fc.constant("constructor"));
  fc.assert(
    fc.property(
      fc.dictionary(argument, spec, { maxKeys: 6 }),
      fc.boolean(),
      (argTypes, inOrder) => {
        assertPasses({ argTypes, argOrders: inOrder ? Object.keys(argTypes) : "map" });
      },
    ),
  );
});

const leaf: fc.Arbitrary<TSchema> = fc.oneof(
  fc
    .tuple(fc.nat(9), fc.nat(9))
    .map(([a, b]) => Type.String({ minLength: Math.min(a, b), maxLength: Math.max(a, b) })),
  fc
    .constantFrom("date-time", "date", "time", "email", "uuid", "ipv4", "ipv6", "uri")
    .map((format) => Type.String({ format })),
  fc
    .tuple(fc.integer(), fc.nat(50))
    .map(([minimum, more]) => Type.Integer({ minimum, maximum: minimum + more })),
  fc
    .tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: 1, max: 9 }))
    .map(([from, step]) => Type.Number({ exclusiveMinimum: from, multipleOf: step })),
  fc
    .integer({ min: -9, max: 9 })
    .map((from) => Type.Number({ exclusiveMinimum: from, exclusiveMaximum: from + 1 })),
  fc.constant(Type.Boolean()),
  fc.constant(Type.Null()),
  fc.constant(Type.Unknown()),
  fc.string().map((text) => Type.Literal(text)),
  fc.constant(Type.String({ pattern: "^[A-Z]{3}-\\d+$", examples: ["ABC-1"] })),
  fc.constant(Type.Enum(["red", "green"])),
);
const schema: fc.Arbitrary<TSchema> = fc.letrec<{ any: TSchema }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.tuple(tie("any"), fc.nat(3)).map(([item, minItems]) => Type.Array(item, { minItems })),
    fc.tuple(tie("any"), tie("any")).map((items) => Type.Tuple(items)),
    fc.tuple(tie("any"), tie("any")).map((sides) => Type.Union(sides)),
    fc
      .dictionary(fc.stringMatching(/^[a-z]{2,5}$/), tie("any"), { maxKeys: 3 })
      .map((properties) => Type.Object(properties)),
    tie("any").map((inner) => Type.Object({ inner: Type.Optional(inner) })),
  ),
})).any;

test("every exported example of a schema passes that function's validation", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{2,5}$/), schema, { maxKeys: 4 }), (all) => {
      assertPasses({ argTypes: Type.Object(all) });
    }),
  );
});

test("compositions, references and recursion have examples too", () => {
  const Node = Type.Cyclic(
    {
      Node: Type.Object({ id: Type.Integer(), next: Type.Optional(Type.Ref("Node")) }),
    },
    "Node",
  );
  for (const argTypes of [
    Type.Object({
      both: Type.Intersect([
        Type.Object({ a: Type.String() }),
        Type.Object({ b: Type.Number({ minimum: 5 }) }),
      ]),
    }),
    Type.Object({ node: Node }),
    {
      type: "object",
      properties: { x: { $ref: "#/$defs/n" } },
      required: ["x"],
      $defs: { n: { type: "integer", minimum: 3 } },
    },
    {
      type: "object",
      properties: { x: { type: ["string", "null"], minLength: 9 } },
      required: ["x", "y"],
      additionalProperties: true,
    },
    {
      type: "object",
      properties: { x: { oneOf: [{ type: "string", pattern: "^z" }, { type: "number" }] } },
      required: ["x"],
    },
    { type: "object", properties: { odd: { type: "string", pattern: "^z" } } },
  ]) {
    assertPasses({ argTypes });
  }
});

test("what cannot be made up is said, not passed off as an example", () => {
  for (const argTypes of [
    Type.Object({ code: Type.String({ pattern: "^z{9}$" }) }),
    { type: "object", properties: {}, required: ["nowhere"] },
  ]) {
    const { example, checked } = exampleOf({ argTypes });
    assert.equal(checked.ok, false);
    assert.match(example.note ?? "", /^no arguments found/);
  }
});

test("a schema that fans out over itself costs a bounded time", () => {
  const self = { $ref: "#" };
  const names = Array.from({ length: 20 }, (_, n) => `p${n}`);
  const properties = Object.fromEntries(names.map((name) => [name, self]));
  const { example } = exampleOf({ argTypes: { type: "object", properties } });
  assert.deepEqual(example.payload.args, {});
});

test("requests are grouped by service, with their version, without disabled functions", () => {
  const configs = [
    configOf({ argTypes: { id: "uuid", tags: { type: "list_string", default_value: ["a"] } } }),
    configOf({ version: "1.2.0" }),
    configOf({ version: "2.0.0", disabled: true }),
    configOf({ service: "__proto__" }),
  ];
  const requests = exportRequests(configs, "api");
  assert.deepEqual(Object.keys(requests), ["users", "__proto__"]);
  assert.deepEqual(requests["users"], [
    {
      event: "api",
      payload: {
        service: "users",
        request_type: "get",
        request_id: "example-1",
        args: { id: "3f2b8c1e-5d47-4a90-9b6e-0c1d2e3f4a5b", tags: ["a"] },
      },
    },
    {
      event: "api",
      payload: {
        service: "users",
        request_type: "get",
        request_id: "example-2",
        args: {},
        version: "1.2.0",
      },
    },
  ]);
  assert.deepEqual(JSON.parse(encodeRequests(configs, "api")), requests);
  assert.equal(exportRequests(configs)["users"]?.[0]?.event, "phoenix_gen_api");
});
