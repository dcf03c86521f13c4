import assert from "node:assert/strict";
import test from "node:test";
import { type TestKernel, testKernel } from "#runtime/testing";
import {
  Actor,
  type ActorRef,
  Names,
  type NamesPort,
  namesTable,
} from "../../../runtime/actor/index.ts";
import { shutdownExit } from "../../../runtime/core/index.ts";

class Named extends Actor {
  nameAndSelf(): [string | null, ActorRef | undefined] {
    return [this.context.name, this.context.whereis(this.context.name ?? "")];
  }

  crash(): void {
    throw new Error("crash");
  }
}

const stop = (t: TestKernel, ref: ActorRef) =>
  t.kernel.signal(ref, { type: "stop", reason: shutdownExit });

test("a name finds its actor from init on, and is free after its end", async () => {
  const t = testKernel();
  const ref = await t.spawn(Named, { name: "users" });
  assert.equal(t.kernel.whereis("users")?.key, ref.key);
  const [name, self] = await t.until(ref.ask.nameAndSelf());
  assert.equal(name, "users");
  assert.equal(self?.key, ref.key);
  stop(t, ref);
  await t.settle();
  assert.equal(String(t.kernel.whereis("users")), "undefined");
  const next = await t.spawn(Named, { name: "users" });
  assert.equal(t.kernel.whereis("users")?.key, next.key);
});

test("a name that a living actor holds is refused; the second is never constructed", async () => {
  const t = testKernel();
  let constructed = 0;
  class Second extends Actor {
    constructor() {
      super();
      constructed += 1;
    }
  }
  const ref = await t.spawn(Named, { name: "users" });
  await assert.rejects(t.spawn(Second, { name: "users" }), {
    code: "name_taken",
    message: `the name users is taken by ${ref}`,
  });
  await t.settle();
  assert.equal(constructed, 0);
  assert.equal(t.kernel.whereis("users")?.key, ref.key, "the loser's end does not free the name");
});

test("of many that want one name at once exactly one gets it, whatever the order", async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const t = testKernel({ seed });
    const wanted = Array.from({ length: 5 }, () =>
      t.kernel.spawnHere(Named, [], { name: "one" }, null),
    );
    const results = await t.until(Promise.allSettled(wanted));
    const winners = results.filter((it) => it.status === "fulfilled");
    assert.equal(winners.length, 1, `seed ${seed}`);
    assert.equal(t.kernel.whereis("one")?.key, winners[0]?.value.key);
  }
});

test("a name passes to the next actor after a crash, whatever the order of the messages", async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const t = testKernel({ seed });
    const first = await t.spawn(Named, { name: "users" });
    first.tell.crash();
    // The name is wanted as soon as the first is gone, before the names actor has heard of it.
    while (t.kernel.find(first.id) !== undefined) {
      t.steps.step();
      await Promise.resolve();
    }
    const second = await t.spawn(Named, { name: "users" });
    await t.settle();
    assert.equal(t.kernel.whereis("users")?.key, second.key, `seed ${seed}`);
  }
});

/** Names whose idea of who is alive the test decides. */
async function namesWith(alive: Set<number>) {
  const t = testKernel();
  const downs: ((thread: number) => void)[] = [];
  const asked: string[] = [];
  const port: NamesPort = {
    isAlive: (ref) => {
      asked.push(String(ref));
      return Promise.resolve(alive.has(ref.id));
    },
    onThreadDown: (listener) => downs.push(listener),
  };
  const names = await t.spawn(Names, { args: [port] });
  const ref = (thread: number, id: number) =>
    t.kernel.ref({ node: "0", thread, id, incarnation: 1 });
  const table = t.kernel.tables.open<ActorRef>(namesTable);
  const down = (n: number) => {
    for (const listener of downs) listener(n);
  };
  return { t, names, ref, table, asked, threadDown: down };
}

test("a name whose holder is dead is taken over; the late word of its end does no harm", async () => {
  const { t, names, ref, table, asked } = await namesWith(new Set([21]));
  const dead = ref(1, 20);
  const next = ref(2, 21);
  assert.equal(await t.until(names.ask.register("users", dead)), true);
  assert.deepEqual(asked, [], "a free name is given without asking");
  assert.equal(await t.until(names.ask.register("users", next)), true);
  assert.deepEqual(asked, ["<0.1.20>"]);
  names.tell.unregister("users", dead);
  await t.settle();
  assert.equal(table.get("users")?.key, next.key);
  assert.equal(await t.until(names.ask.register("users", ref(1, 22))), false);
});

test("registering the same actor again is no conflict", async () => {
  const { t, names, ref } = await namesWith(new Set([20]));
  assert.equal(await t.until(names.ask.register("users", ref(1, 20))), true);
  assert.equal(await t.until(names.ask.register("users", ref(1, 20))), true);
});

test("the names of a thread that died are free", async () => {
  const { t, names, ref, table, threadDown } = await namesWith(new Set([20, 21]));
  await t.until(names.ask.register("a", ref(1, 20)));
  await t.until(names.ask.register("b", ref(2, 21)));
  threadDown(1);
  await t.settle();
  assert.deepEqual(
    [...table.entries()].map(([name]) => name),
    ["b"],
  );
});
