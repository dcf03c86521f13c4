import assert from "node:assert/strict";
import test from "node:test";
import { Heartbeat } from "../../../runtime/cluster/heartbeat.ts";
import type { Clock } from "../../../runtime/core/index.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";

const options = { heartbeatMs: 500, suspicionMs: 5_000 };

interface Beating {
  readonly heartbeat: Heartbeat;
  readonly pings: number[];
  readonly suspicions: string[];
}

function beating(clock: Clock): Beating {
  const pings: number[] = [];
  const suspicions: string[] = [];
  const heartbeat = new Heartbeat(clock, options, {
    ping: () => pings.push(clock.now()),
    suspect: (reason) => suspicions.push(reason),
  });
  return { heartbeat, pings, suspicions };
}

test("a ping every heartbeat, with one timer", () => {
  const clock = new ManualClock();
  const { heartbeat, pings } = beating(clock);
  for (let n = 0; n < 8; n += 1) {
    clock.advance(250);
    heartbeat.heard();
    assert.equal(clock.pendingTimers, 1);
  }
  assert.deepEqual(pings, [500, 1_000, 1_500, 2_000]);
  heartbeat.stop();
  assert.equal(clock.pendingTimers, 0);
});

test("silence is suspected once, by the time that was promised, and all ends", () => {
  const clock = new ManualClock();
  const { suspicions } = beating(clock);
  clock.advance(2_000);
  assert.deepEqual(suspicions, []);
  clock.advance(3_000);
  assert.equal(suspicions.length, 1);
  assert.match(suspicions[0] ?? "", /^no sign of life for [2-5]\d\d\d ms$/);
  clock.advance(60_000);
  assert.deepEqual([suspicions.length, clock.pendingTimers], [1, 0]);
});

test("a stall of this thread is no silence of the other: it is looked at twice", () => {
  let now = 0;
  let due: (() => void) | null = null;
  const clock: Clock = {
    now: () => now,
    wallTime: () => now,
    after(_delayMs, fire) {
      due = fire;
      return { cancel: () => {} };
    },
  };
  const fire = (): void => {
    const timer = due as (() => void) | null;
    due = null;
    timer?.();
  };
  const { heartbeat, suspicions } = beating(clock);
  // The thread did nothing for 20 s; its timers come before what it has received.
  now = 20_000;
  fire();
  assert.deepEqual(suspicions, []);
  heartbeat.heard();
  now = 20_020;
  fire();
  assert.deepEqual(suspicions, []);
  // The next silence is looked at twice as well.
  now = 40_000;
  fire();
  assert.deepEqual(suspicions, []);
  now = 40_020;
  fire();
  assert.equal(suspicions.length, 1);
});

test("stopping it within a ping stops it", () => {
  const clock = new ManualClock();
  const heartbeat: Heartbeat = new Heartbeat(clock, options, {
    ping: () => heartbeat.stop(),
    suspect: () => assert.fail("it was stopped"),
  });
  clock.advance(10_000);
  assert.equal(clock.pendingTimers, 0);
});
