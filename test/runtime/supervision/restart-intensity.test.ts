import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  decideRestartAllowed,
  type RestartWindow,
} from "../../../runtime/supervision/restart-intensity.ts";

/** Feeds restarts at the given times and lists the verdicts. */
function verdicts(timesMs: readonly number[], intensity: number, periodMs: number): boolean[] {
  let window: RestartWindow = [];
  return timesMs.map((nowMs) => {
    const verdict = decideRestartAllowed(window, nowMs, { intensity, periodMs });
    window = verdict.window;
    return verdict.allowed;
  });
}

describe("restart intensity", () => {
  it("allows as many restarts as the intensity says, and refuses the next", () => {
    assert.deepEqual(verdicts([0, 1, 2, 3], 3, 5_000), [true, true, true, false]);
  });

  it("allows none at intensity 0", () => {
    assert.deepEqual(verdicts([0], 0, 5_000), [false]);
  });

  it("still counts a restart that is exactly one period old, not one that is older", () => {
    assert.deepEqual(verdicts([0, 5_000], 1, 5_000), [true, false]);
    assert.deepEqual(verdicts([0, 5_001], 1, 5_000), [true, true]);
  });

  it("slides: old restarts leave the window one by one", () => {
    assert.deepEqual(verdicts([0, 600, 1_001, 1_500, 1_601], 2, 1_000), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("leaves the window it was given as it was", () => {
    const window = Object.freeze([1, 2]);
    const verdict = decideRestartAllowed(window, 3, { intensity: 2, periodMs: 10 });
    assert.deepEqual(window, [1, 2]);
    assert.deepEqual(verdict, { allowed: false, window: [1, 2, 3] });
  });

  it("agrees with a count over the whole history, and keeps no more than it needs", () => {
    const steps = fc.array(fc.nat(40), { maxLength: 60 });
    fc.assert(
      fc.property(
        steps,
        fc.nat(5),
        fc.integer({ min: 1, max: 50 }),
        (gaps, intensity, periodMs) => {
          const history: number[] = [];
          let window: RestartWindow = [];
          let nowMs = 0;
          for (const gapMs of gaps) {
            nowMs += gapMs;
            history.push(nowMs);
            const recent = history.filter((atMs) => nowMs - atMs <= periodMs);
            const verdict = decideRestartAllowed(window, nowMs, { intensity, periodMs });
            assert.equal(verdict.allowed, recent.length <= intensity);
            assert.deepEqual(verdict.window, recent);
            window = verdict.window;
          }
        },
      ),
    );
  });
});
