import assert from "node:assert/strict";
import { test } from "node:test";
import Type from "typebox";
import {
  defineFunction,
  defineService,
  type HandlerContext,
  ServiceError,
  serviceOf,
} from "#actors";
import { ReplyError } from "#runtime";
import { parseServiceConfigs, type ServicePlace } from "../../../actors/service/fun-configs.ts";
import { toServiceError } from "../../../actors/service/service-error.ts";

const place = (module: string, more: Partial<ServicePlace> = {}): ServicePlace => ({
  ...{ module, url: "file:///srv/own.ts?v=7", hasMethod: null, hasExport: () => true },
  ...more,
});

test("the types of a handler follow from its schema", () => {
  const service = defineService("typed", {
    plain: () => 1,
    plain_context: (_args, { requestId }) => requestId.length,
    schema: {
      args: Type.Object({ id: Type.String(), n: Type.Optional(Type.Number()) }),
      handler({ id, n }, ctx) {
        const text: string = id;
        const count: number | undefined = n;
        const user: string | null = ctx.userId;
        return [text, count, user];
      },
    },
    by_type: { argTypes: { a: "num" }, handler: ({ a }) => a },
    versions: [
      defineFunction({
        version: "1.0.0",
        args: Type.Object({ a: Type.Boolean() }),
        handler: ({ a }) => a === true,
      }),
      defineFunction({
        version: "2.0.0",
        argTypes: { a: "num", b: "string" },
        argOrders: ["b", "a"],
        handler: (b: string, a: number, ctx: HandlerContext) => [a, b, ctx.deviceId],
      }),
    ],
  });
  defineService("untyped", {
    wrong: {
      args: Type.Object({ id: Type.String() }),
      // @ts-expect-error there is no such argument
      handler: ({ other }) => other,
    },
  });
  const batch = parseServiceConfigs(service, place("typed@2"));
  assert.ok(batch.ok);
  const shown = [...batch.configs].map(([key, { mfa, argOrders }]) => [key, mfa, argOrders]);
  const target = (name: string): object => ({ module: "typed@2", function: name, args: [] });
  assert.deepEqual(shown, [
    ["typed/plain", target("plain"), "map"],
    ["typed/plain_context", target("plain_context"), "map"],
    ["typed/schema", target("schema"), "map"],
    ["typed/by_type", target("by_type"), "map"],
    ["typed/versions@1.0.0", target("versions@1.0.0"), "map"],
    ["typed/versions@2.0.0", target("versions@2.0.0"), ["b", "a"]],
  ]);
});

test("args and argTypes at once, and handlers of an actor class, are faults", () => {
  const both = { args: Type.Object({}), argTypes: {}, handler: () => 1 };
  const record = parseServiceConfigs(defineService("s", { both }), place("s"));
  assert.ok(!record.ok);
  assert.deepEqual(record.faults, ["s/both: args: unknown field"]);
  const actor = serviceOf("s", { add: { handler: () => 1 } as never, value: { method: "read" } });
  const seen: string[] = [];
  const hasMethod = (method: string): boolean => seen.push(method) > 0;
  const methods = parseServiceConfigs(actor, place("s", { hasMethod }));
  assert.ok(!methods.ok);
  assert.deepEqual(methods.faults, ["s/add: handler: an actor class has methods, not handlers"]);
  assert.deepEqual(seen, ["read"]);
});

test("a generator that is not a stream is a fault: nobody would get what it yields", () => {
  const functions = {
    count: { handler: async function* () {} },
    steps: { responseType: "async", handler: function* () {} },
    fine: { responseType: "stream", handler: async function* () {} },
  } as const;
  const read = parseServiceConfigs(defineService("s", functions), place("s"));
  assert.ok(!read.ok);
  const fault = 'handler: a generator brings a stream, which responseType: "stream" sends';
  assert.deepEqual(read.faults, [`s/count: ${fault}`, `s/steps: ${fault}`]);
});

test("every option of a function is a field of its entry", () => {
  const service = defineService("s", {
    all: {
      ...{ version: "1.0.0", disabled: true, timeout: 300, responseType: "async" },
      ...{ nodes: ["n1"], chooseNodeMode: "round_robin", cpu: true, hookTimeout: 50 },
      ...{ checkPermission: { role: ["admin"] }, retry: 2, idempotent: true, requestInfo: true },
      ...{ maxConcurrent: 3, maxQueue: 4 },
      permissionCallback: { function: "may" },
      beforeExecute: { module: "./hooks/before.ts", function: "before", args: [1] },
      afterExecute: { module: "file:///opt/after.ts", function: "after" },
      handler: (_args, _ctx, info) => info?.request_id,
    },
    picked: {
      nodes: { function: "listNodes" },
      chooseNodeMode: { module: "/opt/pick.ts", function: "pick" },
      argTypes: { function: "string" },
      handler: () => 1,
    },
  });
  const batch = parseServiceConfigs(service, place("s"));
  assert.ok(batch.ok, batch.ok ? "" : batch.faults.join("\n"));
  const target = (module: string, name: string, ...args: unknown[]): object => ({
    ...{ module, function: name, args },
  });
  const own = "file:///srv/own.ts?v=7";
  assert.deepEqual(batch.configs.get("s/all@1.0.0"), {
    ...{ service: "s", requestType: "all", version: "1.0.0", disabled: true, timeout: 300 },
    ...{ mfa: target("s", "all@1.0.0"), argTypes: null, argOrders: "map", responseType: "async" },
    ...{ nodes: ["n1"], chooseNodeMode: "round_robin", executor: "pool", cpu: true },
    ...{ checkPermission: { role: ["admin"] }, hookTimeout: 50, retry: { allNodes: 2 } },
    ...{ idempotent: true, requestInfo: true, maxConcurrent: 3, maxQueue: 4 },
    permissionCallback: target(own, "may"),
    beforeExecute: target("file:///srv/hooks/before.ts", "before", 1),
    afterExecute: target("file:///opt/after.ts", "after"),
  });
  const picked = batch.configs.get("s/picked");
  assert.deepEqual(picked?.nodes, target(own, "listNodes"));
  assert.deepEqual(picked?.chooseNodeMode, target("file:///opt/pick.ts", "pick"));
});

test("what a function names of its own module has to be exported there", () => {
  const service = defineService("s", {
    f: {
      beforeExecute: { function: "gone" },
      afterExecute: { module: "./other.ts", function: "gone" },
      nodes: { function: "there" },
      handler: () => 1,
    },
  });
  const hasExport = (name: string): boolean => name === "there";
  const batch = parseServiceConfigs(service, place("s", { hasExport }));
  assert.ok(!batch.ok);
  assert.deepEqual(batch.faults, ['s/f: beforeExecute: the module exports no function "gone"']);
  assert.deepEqual(
    batch.refused.map(({ faults }) => faults),
    [['beforeExecute: the module exports no function "gone"']],
  );
});

test("methods of an actor class do not go to a pool", () => {
  for (const options of [{ executor: "pool" }, { cpu: true }] as const) {
    const service = serviceOf("s", { f: options });
    const batch = parseServiceConfigs(service, place("s", { hasMethod: () => true }));
    assert.ok(!batch.ok);
    assert.match(batch.faults.join(), /^s\/f: executor: a method of an actor class/);
  }
});

test("a name or functions that are none are refused where they are written", () => {
  assert.throws(() => defineService(7 as never, {}), /defineService: expected a name, received 7/);
  assert.throws(() => defineService("./s.ts", {}), /expected a name, not a path or URL/);
  assert.throws(() => serviceOf("s", null as never), /serviceOf: expected a map of functions/);
});

test("a ServiceError is an answer, not a crash", () => {
  const error = new ServiceError("not_found", "No user 9");
  assert.ok(error instanceof ReplyError);
  assert.equal(error.name, "ServiceError");
  assert.equal(error.code, "not_found");
});

test("a ServiceError without a code or a message is refused where it is made", () => {
  for (const [code, message, fault] of [
    ["", "", 'ServiceError.code: expected a non-empty string, received ""'],
    [7, "text", "ServiceError.code: expected a non-empty string, received 7"],
    ["a", "", 'ServiceError.message: expected a non-empty string, received ""'],
    ["a", undefined, "ServiceError.message: expected a non-empty string, received undefined"],
  ] as [never, never, string][]) {
    const make = (): unknown => new ServiceError(code, message);
    assert.throws(make, { name: "TypeError", message: fault });
  }
});

test("what a call of another function was refused with always has a code and a message", () => {
  const told = toServiceError(new ReplyError("sold_out", "None left", undefined, 70));
  assert.deepEqual([told.code, told.message, told.retryAfterMs], ["sold_out", "None left", 70]);
  const mute = toServiceError(new ReplyError("", ""));
  assert.deepEqual([mute.code, mute.message], ["internal", "Internal Server Error"]);
});
