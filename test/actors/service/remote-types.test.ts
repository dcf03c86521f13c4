import assert from "node:assert/strict";
import { it } from "node:test";
import Type from "typebox";
import { defineFunction, defineService, remote, serviceOf } from "#actors";
import { Actor } from "#runtime";

const users = defineService("user_service", {
  list_users: () => [{ name: "Ada" }],
  get_user: {
    args: Type.Object({ user_id: Type.String(), deep: Type.Optional(Type.Boolean()) }),
    handler: async ({ user_id }, { userId }) => ({ user_id, by: userId }),
  },
  count: [
    defineFunction({
      version: "1.0.0",
      args: Type.Object({ of: Type.String() }),
      handler: ({ of }) => of.length,
    }),
  ],
  find: {
    args: Type.Object({ name: Type.Optional(Type.String()) }),
    handler: ({ name }) => name ?? null,
  },
  watch: {
    responseType: "stream",
    async *handler() {
      yield 1;
    },
  },
});

class Counter extends Actor {
  static readonly service = serviceOf("counter", {
    add: { args: Type.Object({ by: Type.Number() }) },
  });
  #count = 0;
  add({ by }: { by: number }): number {
    this.#count += by;
    return this.#count;
  }
}

/** Nobody calls it: that it compiles is the test. */
async function check(): Promise<void> {
  const functions = remote<typeof users>("user_service");
  const list: { name: string }[] = await functions.list_users();
  const user: { user_id: string; by: string | null } = await functions.get_user({ user_id: "1" });
  const count: number = await functions.count({ of: "x" }, { version: "1.0.0", timeoutMs: 100 });
  const found: string | null = await functions.find();
  // @ts-expect-error: an argument is missing
  await functions.get_user();
  // @ts-expect-error: an argument has another type
  await functions.get_user({ user_id: 1 });
  // @ts-expect-error: the service has no such function
  await functions.nope();
  const counter = remote<typeof Counter>("counter");
  const sum: number = await counter.add({ by: 1 });
  // @ts-expect-error: an argument has another type
  await counter.add({ by: "1" });
  const any = remote("any_service");
  const whatever: string = await any["some_function"]?.({ a: 1 });
  assert.ok([list, user, count, found, sum, whatever]);
}
it("a remote service has the types of its module", () => {
  assert.equal(check.length, 0);
});
