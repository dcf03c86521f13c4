import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ManualClock } from "#runtime/testing";

test("timers fire in the order of due time, then of setting, each at its own time", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ delayMs: fc.integer({ min: -5, max: 50 }), cancelled: fc.boolean() }), {
        maxLength: 30,
      }),
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 10 }),
      (timers, advances) => {
        const clock = new ManualClock();
        const fired: [number, number][] = [];
        const set = timers.map(({ delayMs }, i) =>
          clock.after(delayMs, () => fired.push([i, clock.now()])),
        );
        timers.forEach(({ cancelled }, i) => {
          if (cancelled) set[i]?.cancel();
          if (cancelled) set[i]?.cancel();
        });
        const model = timers
          .map(({ delayMs, cancelled }, i) => ({ i, dueAt: Math.max(0, delayMs), cancelled }))
          .filter((it) => !it.cancelled)
          .sort((a, b) => a.dueAt - b.dueAt);
        let now = 0;
        for (const ms of advances) {
          clock.advance(ms);
          now += ms;
          assert.equal(clock.now(), now);
          const due = model.filter((it) => it.dueAt <= now);
          assert.deepEqual(
            fired,
            due.map((it) => [it.i, it.dueAt]),
          );
          assert.equal(clock.pendingTimers, model.length - due.length);
        }
      },
    ),
  );
});

test("a timer that is set by a firing timer fires in the same advance when it is due", () => {
  const clock = new ManualClock();
  const fired: number[] = [];
  const again = (): void => {
    fired.push(clock.now());
    if (fired.length < 10) clock.after(10, again);
  };
  clock.after(10, again);
  clock.advance(35);
  assert.deepEqual(fired, [10, 20, 30]);
  assert.equal(clock.nextDueInMs, 5);
  assert.equal(clock.wallTime() - new ManualClock().wallTime(), 35);
});

test("a timer can cancel one that is due at the same time", () => {
  const clock = new ManualClock();
  let fired = 0;
  clock.after(10, () => second.cancel());
  const second = clock.after(10, () => {
    fired += 1;
  });
  clock.advance(10);
  assert.equal(fired, 0);
  assert.equal(clock.pendingTimers, 0);
});

test("time does not go backwards, nor nowhere", () => {
  const clock = new ManualClock();
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => clock.advance(ms), RangeError);
  }
  assert.throws(() => clock.after(Number.NaN, () => {}), RangeError);
  clock.after(Number.POSITIVE_INFINITY, () => assert.fail("never"));
  clock.advance(1e12);
  assert.equal(clock.pendingTimers, 1);
});
