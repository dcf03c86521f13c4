import assert from "node:assert/strict";
import test from "node:test";
import { Actor, type ActorRef, handlerScope, systemClock } from "#runtime";
import { realKernel } from "./real-kernel.ts";

class Witness extends Actor {
  static seen: unknown[] = [];

  look(): number {
    return Witness.seen.push(handlerScope.getStore());
  }

  lookLater(): void {
    this.context.after(1, () => {
      Witness.seen.push(handlerScope.getStore());
    });
  }
}

test("a handler's scope reaches no turn and no timer of the actors that it wakes", async () => {
  const kernel = realKernel(systemClock);
  const witness = (await kernel.spawnHere(Witness, [], {}, null)) as ActorRef<Witness>;
  // Nothing is left to do: the next message wakes the dispatcher from within the scope.
  await new Promise((resolve) => setImmediate(resolve));
  Witness.seen = [];
  await handlerScope.run({ actorId: 7, requestId: "r" }, async () => {
    await witness.ask.look();
    witness.tell.lookLater();
    while (Witness.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(handlerScope.getStore(), { actorId: 7, requestId: "r" });
  });
  assert.deepEqual(Witness.seen, [undefined, undefined]);
});

test("a scope begins and ends with its handler, and goes on in what that has started", async () => {
  const outer = { actorId: 1, requestId: "outer" };
  const inner = { actorId: 2, requestId: "inner" };
  const seen = (): unknown => handlerScope.getStore();
  const goesOn = handlerScope.run(
    outer,
    async (text: string) => {
      const began = handlerScope.run(inner, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return seen();
      });
      assert.equal(seen(), outer);
      assert.throws(
        () =>
          handlerScope.run(inner, () => {
            throw new Error(text);
          }),
        /thrown/,
      );
      assert.equal(seen(), outer);
      assert.equal(await began, inner);
      return seen();
    },
    "thrown",
  );
  assert.equal(seen(), undefined);
  assert.equal(await goesOn, outer);
  assert.equal(seen(), undefined);
});
