import assert from "node:assert/strict";
import test from "node:test";
import { Actor, type ActorRef } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import { admitMember } from "../../../actors/relay/admission.ts";
import type { RelayShard } from "../../../actors/relay/shard.ts";

/** The home of a user, that says what the test wants. */
class FakeHome extends Actor {
  readonly #answer: () => unknown;

  constructor(answer: () => unknown) {
    super();
    this.#answer = answer;
  }

  admit(): unknown {
    return this.#answer();
  }
}

async function homeThatSays(
  kernel: TestKernel,
  answer: () => unknown,
): Promise<ActorRef<RelayShard>> {
  const ref = await kernel.spawn(FakeHome, { args: [answer] });
  return ref as unknown as ActorRef<RelayShard>;
}

test("a newcomer is admitted, or is not, as the home of the user says", async () => {
  const kernel = testKernel();
  for (const isAdmitted of [true, false]) {
    const home = await homeThatSays(kernel, () => isAdmitted);
    assert.equal(await kernel.until(admitMember(home, "ann", "room")), isAdmitted);
  }
});

test("a user without a home is admitted", async () => {
  assert.equal(await admitMember(undefined, "ann", "room"), true);
});

test("a home that fails, or is gone, is no reason to refuse", async () => {
  const kernel = testKernel();
  const home = await homeThatSays(kernel, () => {
    throw new Error("the test wants it");
  });
  assert.equal(await kernel.until(admitMember(home, "ann", "room")), true);
  assert.equal(await kernel.until(admitMember(home, "ann", "room")), true);
});

test("a home that does not answer is waited for a second, and is no reason to refuse", async () => {
  const kernel = testKernel();
  const home = await homeThatSays(kernel, () => new Promise(() => {}));
  let admitted: boolean | null = null;
  void admitMember(home, "ann", "room").then((isAdmitted) => {
    admitted = isAdmitted;
  });
  await kernel.advance(999);
  assert.equal(admitted, null);
  await kernel.advance(1);
  assert.equal(admitted, true);
});
