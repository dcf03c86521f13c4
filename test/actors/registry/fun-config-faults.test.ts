import assert from "node:assert/strict";
import { describe, it } from "node:test";
import Type from "typebox";
import { parseFunConfig } from "../../../actors/registry/fun-config.ts";

const MINIMAL = {
  service: "user_service",
  requestType: "get_user",
  mfa: { module: "user_service", function: "get_user" },
};

function faultsOf(input: unknown): readonly string[] {
  const outcome = parseFunConfig(input);
  assert.equal(outcome.ok, false);
  return outcome.ok ? [] : outcome.faults;
}

describe("a refused config", () => {
  const NAME = "expected a non-empty string of at most 256 bytes";
  const LIMIT = "expected an integer of 0 to 2147483647";
  const TIMEOUT = 'timeout: expected an integer of 100 to 300000 ms, or "infinity"';
  const TYPES =
    "expected one of string, num, boolean, uuid, datetime, naive_datetime, list, list_string, list_num, list_uuid, list_map, map, any";
  const NODES =
    'nodes: expected "local", a list of 1 to 1000 names, {role: name}, or {module, function, args}';
  const MODES =
    'chooseNodeMode: expected one of "random", "hash", "round_robin", "least_loaded", {hash: argument}, {sticky: argument}, {module, function, args}';
  const PERMISSION =
    'checkPermission: expected false, "any_authenticated", {arg: name} or {role: [name, …]}';
  const loop: unknown[] = [];
  loop.push(loop);

  const rows: readonly (readonly [input: object, ...faults: string[]])[] = [
    [{ service: "" }, `service: ${NAME}, received ""`],
    [{ service: 5 }, `service: ${NAME}, received 5`],
    [{ requestType: null }, `requestType: ${NAME}, received null`],
    [{ request_type: "again" }, "request_type: given twice, also as requestType"],
    [{ colour: "red" }, "colour: unknown field"],
    [{ retries: 3, "a b": 1 }, "retries: unknown field", '"a b": unknown field'],
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
    [{ nodes: "remote" }, `${NODES}, received "remote"`],
    [{ nodes: [] }, `${NODES}, received []`],
    [{ nodes: null }, `${NODES}, received null`],
    [{ nodes: { role: "" } }, `nodes.role: ${NAME}, received ""`],
    [{ nodes: { role: ["a"] } }, `nodes.role: ${NAME}, received ["a"]`],
    [{ nodes: { role: "service", of: 1 } }, 'nodes."of": a role stands alone'],
    [{ nodes: ["a", "a"] }, 'nodes: "a" is listed twice'],
    [
      { nodes: ["a", 5] },
      'nodes: expected a list of non-empty strings of at most 256 bytes, received ["a",5]',
    ],
    [
      { nodes: { module: "nodes", function: "f" } },
      'nodes.module: expected an absolute path or a file: URL, received "nodes"',
    ],
    [{ chooseNodeMode: "fastest" }, `${MODES}, received "fastest"`],
    [
      { chooseNodeMode: { hash: "a", sticky: "b" } },
      `${MODES}, received {"hash":"a","sticky":"b"}`,
    ],
    [{ choose_node_mode: { hash: "" } }, `choose_node_mode.hash: ${NAME}, received ""`],
    [{ chooseNodeMode: { hash: "x" } }, 'chooseNodeMode.hash: "x" is not an argument of argTypes'],
    [
      { chooseNodeMode: { sticky: "x" }, argTypes: { y: "num" } },
      'chooseNodeMode.sticky: "x" is not an argument of argTypes',
    ],
    [{ chooseNodeMode: { module: "/a.ts" } }, `chooseNodeMode.function: ${NAME}, received nothing`],
    [
      { responseType: "later" },
      'responseType: expected one of "sync", "async", "stream", "none", received "later"',
    ],
    [{ executor: "thread" }, 'executor: expected one of "actor", "pool", received "thread"'],
    [{ cpu: true, executor: "actor" }, 'cpu: expected false with executor "actor", received true'],
    [{ cpu: 1 }, "cpu: expected true or false, received 1"],
    [{ checkPermission: true }, `${PERMISSION}, received true`],
    [{ checkPermission: null }, `${PERMISSION}, received null`],
    [
      { checkPermission: { arg: "a", role: ["b"] } },
      `${PERMISSION}, received {"arg":"a","role":["b"]}`,
    ],
    [
      { checkPermission: { arg: "id" } },
      'checkPermission.arg: "id" is not an argument of argTypes',
    ],
    [
      { checkPermission: { role: [] } },
      "checkPermission.role: expected at least one role, received []",
    ],
    [
      { checkPermission: { role: "admin" } },
      'checkPermission.role: expected a list of non-empty strings of at most 256 bytes, received "admin"',
    ],
    [
      { permissionCallback: "f" },
      'permissionCallback: expected {module, function, args}, received "f"',
    ],
    ...[
      "fs",
      "node:fs",
      "./hooks.ts",
      "data:text/javascript,1",
      "https://h/a.js",
      "file://h/a.js",
      "/a\0b",
    ].map(
      (module) =>
        [
          { before_execute: { module, function: "f" } },
          `before_execute.module: expected an absolute path or a file: URL, received ${JSON.stringify(module)}`,
        ] as const,
    ),
    ...["constructor", "__proto__", "prototype", "eval", "then"].map(
      (name) =>
        [
          { afterExecute: { module: "/a.ts", function: name } },
          `afterExecute.function: the name "${name}" is reserved`,
        ] as const,
    ),
    ...["./lib.ts", "lib/a.ts", "node:fs", "file:a"].map(
      (module) =>
        [
          { mfa: { module, function: "f" } },
          `mfa.module: expected an absolute path or a file: URL, received "${module}"`,
        ] as const,
    ),
    [{ mfa: { module: "/a.ts", function: "eval" } }, 'mfa.function: the name "eval" is reserved'],
    [{ hookTimeout: 0 }, "hookTimeout: expected an integer of 1 to 300000 ms, received 0"],
    [{ hook_timeout: "5" }, 'hook_timeout: expected an integer of 1 to 300000 ms, received "5"'],
    [{ retry: -1 }, "retry: expected an integer of 0 to 10, received -1"],
    [{ retry: 1.5 }, "retry: expected an integer of 0 to 10, received 1.5"],
    [{ retry: { same_node: 11 } }, "retry.same_node: expected an integer of 0 to 10, received 11"],
    [{ retry: {} }, "retry: expected null, a number, {sameNode: n} or {allNodes: n}, received {}"],
    [{ retry: { sameNode: 1, all_nodes: 1 } }, 'retry."all_nodes": one of them only'],
    [{ idempotent: "yes" }, 'idempotent: expected true or false, received "yes"'],
    [{ requestInfo: null }, "requestInfo: expected true or false, received null"],
    [{ maxConcurrent: 0 }, "maxConcurrent: expected an integer of 1 to 1000000, received 0"],
    [{ max_queue: -1 }, "max_queue: expected an integer of 0 to 1000000, received -1"],
    [
      { argTypes: { x: { type: "map", required: ["a", "b"], maxItems: 1 } } },
      "argTypes.x.required: more names than the 1 entries of maxItems",
    ],
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
      `mfa.module: ${NAME}, received nothing`,
      `mfa.function: ${NAME}, received nothing`,
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
    [{ argTypes: { x: { max_bytes: 1 } } }, `argTypes.x.type: ${TYPES}, received nothing`],
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
