import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "#runtime/testing";
import { Settling } from "../../../actors/relay/settling.ts";

/** Runs what waits for promises. */
async function turn(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await Promise.resolve();
}

describe("settling", () => {
  it("is over by itself, for all groups or for one", () => {
    const clock = new ManualClock();
    const settling = new Settling(clock);
    assert.equal(settling.isOpen("a"), false);
    settling.beginFor("a", 1_000);
    assert.deepEqual([settling.isOpen("a"), settling.isOpen("b")], [true, false]);
    clock.advance(600);
    settling.begin(1_000);
    assert.equal(settling.isOpen("b"), true);
    clock.advance(999);
    assert.equal(settling.isOpen("a"), true);
    clock.advance(1);
    assert.deepEqual([settling.isOpen("a"), settling.isOpen("b")], [false, false]);
  });

  it("is over for a group that has turned up", () => {
    const settling = new Settling(new ManualClock());
    settling.beginFor("a", 1_000);
    settling.found("a");
    assert.equal(settling.isOpen("a"), false);
  });

  it("wakes who waits for the group, or when the wait is over, and forgets them", async () => {
    const clock = new ManualClock();
    const settling = new Settling(clock);
    const woken: string[] = [];
    for (const [name, ms] of [
      ["a", 250],
      ["a", 300],
      ["b", 250],
    ] as const) {
      void settling.wait(name, ms).then(() => woken.push(`${name} ${ms}`));
    }
    assert.equal(settling.waiting, 3);
    settling.found("a");
    await turn();
    assert.deepEqual(woken, ["a 250", "a 300"]);
    clock.advance(250);
    await turn();
    assert.deepEqual(woken, ["a 250", "a 300", "b 250"]);
    assert.deepEqual([settling.waiting, clock.pendingTimers], [0, 0]);
  });
});
