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
      chooseNodeMode: "random",
      timeout: 5_000,
      mfa: { module: "user_service", function: "get_user", args: [] },
      argTypes: null,
      argOrders: "map",
      responseType: "sync",
      executor: "actor",
      cpu: false,
      checkPermission: false,
      permissionCallback: null,
      beforeExecute: null,
      afterExecute: null,
      hookTimeout: 5_000,
      retry: null,
      idempotent: false,
      requestInfo: false,
      maxConcurrent: null,
      maxQueue: 1_000,
    });
  });

  const camel = {
    ...MINIMAL,
    version: "1.2.0",
    disabled: true,
    nodes: { module: "/srv/nodes.ts", function: "all", args: ["x"] },
    chooseNodeMode: { hash: "name" },
    timeout: 300,
    mfa: { module: "m", function: "f", args: [1, { a: ["b"] }] },
    checkPermission: { role: ["admin"] },
    permissionCallback: { module: "/srv/hooks.ts", function: "may" },
    beforeExecute: { module: "file:///srv/hooks.ts?v=1", function: "before", args: [1] },
    afterExecute: { module: "/srv/hooks.ts", function: "after" },
    hookTimeout: 100,
    retry: { sameNode: 2 },
    idempotent: true,
    requestInfo: true,
    cpu: true,
    maxConcurrent: 5,
    maxQueue: 0,
    argTypes: {
      name: { type: "string", maxBytes: 8, allowNil: true },
      tags: { type: "list_string", maxItems: 3, maxItemBytes: 5, defaultValue: ["a"] },
      extra: { type: "map", required: ["a"], accept: ["a", "b"] },
    },
    argOrders: ["tags", "name", "extra"],
    responseType: "async",
  };

  it("reads the same in both spellings", () => {
    const snake = {
      service: "user_service",
      request_type: "get_user",
      version: "1.2.0",
      disabled: true,
      nodes: { module: "/srv/nodes.ts", function: "all", args: ["x"] },
      choose_node_mode: { hash: "name" },
      timeout: 300,
      mfa: { module: "m", function: "f", args: [1, { a: ["b"] }] },
      check_permission: { role: ["admin"] },
      permission_callback: { module: "/srv/hooks.ts", function: "may" },
      before_execute: { module: "file:///srv/hooks.ts?v=1", function: "before", args: [1] },
      after_execute: { module: "/srv/hooks.ts", function: "after" },
      hook_timeout: 100,
      retry: { same_node: 2 },
      idempotent: true,
      request_info: true,
      cpu: true,
      max_concurrent: 5,
      max_queue: 0,
      arg_types: {
        name: { type: "string", max_bytes: 8, "allow_nil?": true },
        tags: { type: "list_string", max_items: 3, max_item_bytes: 5, default_value: ["a"] },
        extra: { type: "map", required: ["a"], accept: ["a", "b"] },
      },
      arg_orders: ["tags", "name", "extra"],
      response_type: "async",
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
    [{ nodes: ["a@h", "b@h"] }, "nodes", ["a@h", "b@h"]],
    [{ nodes: { role: "service" } }, "nodes", { role: "service" }],
    [
      { nodes: { module: "/srv/a b.ts", function: "f" } },
      "nodes",
      { module: "file:///srv/a%20b.ts", function: "f", args: [] },
    ],
    ...["random", "hash", "round_robin", "least_loaded"].map(
      (mode) => [{ chooseNodeMode: mode }, "chooseNodeMode", mode] as const,
    ),
    [
      { chooseNodeMode: { sticky: "x" }, argTypes: { x: "num" } },
      "chooseNodeMode",
      { sticky: "x" },
    ],
    [{ chooseNodeMode: { sticky: "user_id" } }, "chooseNodeMode", { sticky: "user_id" }],
    [{ chooseNodeMode: { hash: "device_id" } }, "chooseNodeMode", { hash: "device_id" }],
    [
      { chooseNodeMode: { module: "/srv/pick.ts", function: "pick" } },
      "chooseNodeMode",
      { module: "file:///srv/pick.ts", function: "pick", args: [] },
    ],
    ...["sync", "async", "stream", "none"].map(
      (type) => [{ responseType: type }, "responseType", type] as const,
    ),
    [{ executor: "pool" }, "executor", "pool"],
    [{ cpu: true }, "executor", "pool"],
    [{ cpu: true, executor: "pool" }, "executor", "pool"],
    [{ checkPermission: "any_authenticated" }, "checkPermission", "any_authenticated"],
    [
      { checkPermission: { arg: "id" }, argTypes: { id: "string" } },
      "checkPermission",
      { arg: "id" },
    ],
    [
      { checkPermission: { arg: "id" }, argTypes: Type.Object({ id: Type.String() }) },
      "checkPermission",
      { arg: "id" },
    ],
    [
      {
        chooseNodeMode: { hash: "any" },
        argTypes: Type.Object({}, { additionalProperties: true }),
      },
      "chooseNodeMode",
      { hash: "any" },
    ],
    [{ retry: 3 }, "retry", { allNodes: 3 }],
    [{ retry: 10 }, "retry", { allNodes: 10 }],
    [{ retry: 0 }, "retry", null],
    [{ retry: null }, "retry", null],
    [{ retry: { all_nodes: 2 } }, "retry", { allNodes: 2 }],
    [{ retry: { sameNode: 0 } }, "retry", null],
    [{ beforeExecute: null }, "beforeExecute", null],
    [{ hookTimeout: 1 }, "hookTimeout", 1],
    [{ hookTimeout: 300_000 }, "hookTimeout", 300_000],
    [{ maxConcurrent: null }, "maxConcurrent", null],
    [
      { mfa: { module: "m", function: "eval" } },
      "mfa",
      { module: "m", function: "eval", args: [] },
    ],
    [
      { mfa: { module: "/srv/lib.js", function: "run" } },
      "mfa",
      { module: "file:///srv/lib.js", function: "run", args: [] },
    ],
  ];
  for (const [input, field, expected] of same) {
    it(`${JSON.stringify(input)}: ${field} is ${JSON.stringify(expected)}`, () => {
      const config: Record<string, unknown> = { ...accepted({ ...MINIMAL, ...input }) };
      assert.deepEqual(config[field], expected);
    });
  }
});
