import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ManualClock } from "#runtime/testing";
import {
  type Clock,
  DeadlineWheel,
  type Timer,
  type WheelEntry,
} from "../../../runtime/core/index.ts";

const twoTicksMs = 16;

class Deadline implements WheelEntry {
  readonly deadlineAt: number;
  readonly #clock: Clock;
  readonly #andThen: (() => void) | undefined;
  readonly firedAt: number[] = [];
  removed = false;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  inWheel = false;

  constructor(clock: Clock, deadlineAt: number, andThen?: () => void) {
    this.#clock = clock;
    this.deadlineAt = deadlineAt;
    this.#andThen = andThen;
  }

  onDeadline(): void {
    this.firedAt.push(this.#clock.now());
    this.#andThen?.();
  }
}

/** The clock of a thread that was busy: its one timer fires after the time has passed. */
class BusyClock implements Clock {
  #now = 0;
  #due: { at: number; fire: () => void } | null = null;

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  after(delayMs: number, fire: () => void): Timer {
    this.#due = { at: this.#now + delayMs, fire };
    return { cancel: () => {} };
  }

  /** Time passes, then the timer fires if it is due, once. */
  beBusy(ms: number): void {
    this.#now += ms;
    const due = this.#due;
    if (due === null || due.at > this.#now) return;
    this.#due = null;
    due.fire();
  }
}

const delayMs = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 10_000 }),
  fc.double({ min: 0, max: 5_000, noNaN: true }),
);

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ op: fc.constant("add" as const), value: delayMs }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("remove" as const), value: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("advance" as const), value: delayMs }) },
  ),
  { maxLength: 60 },
);

test("fires like a list of deadlines: never early, at most two ticks late, each once", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const clock = new ManualClock();
      const wheel = new DeadlineWheel(clock);
      const all: Deadline[] = [];
      for (const { op, value } of script) {
        if (op === "add") {
          const deadline = new Deadline(clock, clock.now() + value);
          all.push(deadline);
          wheel.add(deadline);
        } else if (op === "remove" && all.length > 0) {
          const deadline = all[value % all.length] as Deadline;
          if (deadline.firedAt.length === 0) deadline.removed = true;
          wheel.remove(deadline);
        } else if (op === "advance") clock.advance(value);
        const waiting = all.filter((it) => !it.removed && it.firedAt.length === 0);
        assert.equal(wheel.size, waiting.length);
        for (const it of waiting) {
          assert.ok(clock.now() < it.deadlineAt + twoTicksMs, `${it.deadlineAt} is overdue`);
        }
      }
      clock.advance(10_000 + twoTicksMs);
      for (const it of all) {
        assert.equal(it.firedAt.length, it.removed ? 0 : 1);
        const [firedAt = it.deadlineAt] = it.firedAt;
        assert.ok(firedAt >= it.deadlineAt, `${it.deadlineAt} fired early, at ${firedAt}`);
        assert.ok(firedAt < it.deadlineAt + twoTicksMs, `${it.deadlineAt} fired at ${firedAt}`);
      }
      assert.equal(wheel.size, 0);
      clock.advance(8);
      assert.equal(clock.pendingTimers, 0, "an empty wheel has stopped its timer");
    }),
  );
});

test("a deadline that is due when it is added fires within two ticks", () => {
  // A slot that the hand had just passed was looked at one round, 4,096 ms, later.
  const clock = new ManualClock();
  const wheel = new DeadlineWheel(clock);
  for (const startMs of [0, 8, 4_096, 3]) {
    clock.advance(startMs);
    const deadline = new Deadline(clock, clock.now());
    wheel.add(deadline);
    clock.advance(twoTicksMs);
    assert.equal(deadline.firedAt.length, 1, `added at ${deadline.deadlineAt}`);
  }
});

test("a thread that was busy for longer than a round catches up on all that was due", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 30_000, noNaN: true }), { minLength: 1, maxLength: 50 }),
      fc.array(fc.double({ min: 8, max: 20_000, noNaN: true }), { minLength: 1, maxLength: 8 }),
      (deadlines, busy) => {
        const clock = new BusyClock();
        const wheel = new DeadlineWheel(clock);
        const all = deadlines.map((at) => new Deadline(clock, at));
        for (const it of all) wheel.add(it);
        for (const ms of busy) {
          clock.beBusy(ms);
          for (const it of all) {
            if (it.firedAt.length > 0) assert.ok((it.firedAt[0] ?? 0) >= it.deadlineAt);
            else assert.ok(it.deadlineAt + 2 * twoTicksMs > clock.now() || it.inWheel);
          }
        }
        clock.beBusy(60_000);
        assert.deepEqual(
          all.map((it) => it.firedAt.length),
          all.map(() => 1),
        );
        assert.equal(wheel.size, 0);
      },
    ),
  );
});

test("what a deadline does may add and remove deadlines of its own slot", () => {
  const clock = new ManualClock();
  const wheel = new DeadlineWheel(clock);
  const sameSlot = new Deadline(clock, 12 + 4_096);
  const added = new Deadline(clock, 40);
  const first = new Deadline(clock, 12, () => {
    wheel.remove(sameSlot);
    wheel.add(added);
  });
  wheel.add(first);
  wheel.add(sameSlot);
  clock.advance(10_000);
  assert.deepEqual(
    [first, sameSlot, added].map((it) => it.firedAt.length),
    [1, 0, 1],
  );
  assert.equal(wheel.size, 0);
});

test("removing twice, or after the deadline, changes nothing", () => {
  const clock = new ManualClock();
  const wheel = new DeadlineWheel(clock);
  const deadlines = [1, 2, 3].map((at) => new Deadline(clock, at));
  for (const it of deadlines) wheel.add(it);
  wheel.remove(deadlines[1] as Deadline);
  wheel.remove(deadlines[1] as Deadline);
  assert.equal(wheel.size, 2);
  clock.advance(100);
  for (const it of deadlines) wheel.remove(it);
  assert.equal(wheel.size, 0);
});
