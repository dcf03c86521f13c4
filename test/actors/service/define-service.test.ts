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
import { parseServiceConfigs } from "../../../actors/service/fun-configs.ts";

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
  const batch = parseServiceConfigs(service, "typed@2", null);
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
  const record = parseServiceConfigs(defineService("s", { both }), "s", null);
  assert.deepEqual(record, { ok: false, faults: ["s/both: args: unknown field"] });
  const actor = serviceOf("s", { add: { handler: () => 1 } as never, value: { method: "read" } });
  const seen: string[] = [];
  const methods = parseServiceConfigs(actor, "s", (method) => seen.push(method) > 0);
  assert.ok(!methods.ok);
  assert.deepEqual(methods.faults, ["s/add: handler: an actor class has methods, not handlers"]);
  assert.deepEqual(seen, ["read"]);
});

test("a name or functions that are none are refused where they are written", () => {
  assert.throws(() => defineService(7 as never, {}), /defineService: expected a name, received 7/);
  assert.throws(() => serviceOf("s", null as never), /serviceOf: expected a map of functions/);
});

test("a ServiceError is an answer, not a crash", () => {
  const error = new ServiceError("not_found", "No user 9");
  assert.ok(error instanceof ReplyError);
  assert.equal(error.name, "ServiceError");
  assert.equal(error.code, "not_found");
});
