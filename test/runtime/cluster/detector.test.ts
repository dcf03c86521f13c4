import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FailureDetector } from "../../../runtime/cluster/detector.ts";

const options = { heartbeatMs: 500, suspicionMs: 5_000 };

/** A detector that has heard something at each of the times. */
function heardAt(times: readonly number[]): FailureDetector {
  const detector = new FailureDetector(options);
  for (const time of times) detector.heard(time);
  return detector;
}

const evenly = (count: number, everyMs: number): number[] =>
  Array.from({ length: count }, (_, index) => index * everyMs);

test("suspects nothing before anything was heard", () => {
  const detector = new FailureDetector(options);
  assert.equal(detector.phi(1e9), 0);
  assert.equal(detector.suspects(1e9), false);
  assert.equal(detector.dueInMs(0), Number.POSITIVE_INFINITY);
});

test("phi grows with the silence, from almost 0 when heartbeats are on time to 8 at suspicion", () => {
  const detector = heardAt(evenly(20, 500));
  const last = 19 * 500;
  assert.ok(detector.phi(last + 500) < 0.01);
  const silences = [0, 1_000, 2_000, 2_500, 3_000, 3_500];
  const phis = silences.map((silentMs) => detector.phi(last + silentMs));
  assert.deepEqual(
    phis,
    phis.toSorted((a, b) => a - b),
  );
  const dueInMs = detector.dueInMs(last);
  assert.ok(Math.abs(detector.phi(last + dueInMs) - 8) < 1e-6);
  assert.equal(detector.suspects(last + dueInMs - 1), false);
  assert.equal(detector.suspects(last + dueInMs), true);
});

test("waits longer for a peer that has always been irregular, never longer than suspicionMs", () => {
  const even = heardAt(evenly(100, 500)).dueInMs(99 * 500);
  const uneven = heardAt(evenly(100, 500).map((time, i) => time + (i % 4 === 0 ? 400 : 0)));
  assert.ok(even >= 3_500 && even < 4_500, `${even}`);
  assert.ok(uneven.dueInMs(99 * 500) > even);
  const erratic = heardAt([0, 500, 4_000, 4_500, 8_500, 9_000]);
  assert.equal(erratic.dueInMs(9_000), 5_000);
  assert.equal(erratic.phi(14_000), Number.POSITIVE_INFINITY);
});

test("much traffic does not make a short silence suspicious", () => {
  const busy = heardAt(evenly(20_000, 1));
  const idle = heardAt(evenly(40, 500));
  assert.ok(busy.dueInMs(19_999) >= idle.dueInMs(39 * 500) - 1);
});

test("remembers the last hundred intervals, not older ones", () => {
  const detector = heardAt(evenly(10, 3_000));
  for (let time = 30_000; time < 30_000 + 200 * 500; time += 500) detector.heard(time);
  const fresh = heardAt(evenly(200, 500));
  const last = 30_000 + 199 * 500;
  assert.ok(Math.abs(detector.dueInMs(last) - fresh.dueInMs(199 * 500)) < 0.001);
});

test("a sign of life ends the suspicion", () => {
  const detector = heardAt([0]);
  assert.equal(detector.suspects(6_000), true);
  detector.heard(6_000);
  assert.equal(detector.suspects(6_000), false);
});

test("refuses times that make no sense", () => {
  assert.throws(() => new FailureDetector({ heartbeatMs: 0, suspicionMs: 1 }), {
    name: "RangeError",
    message: /^heartbeatMs: expected .* received 0$/,
  });
  assert.throws(() => new FailureDetector({ heartbeatMs: 10, suspicionMs: 9 }), {
    name: "RangeError",
    message: /^suspicionMs: expected .* received 9$/,
  });
});

test("whatever was heard: due within suspicionMs, phi and suspicion agree", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 4_999 }), { maxLength: 150 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 0, max: 6_000 }), (intervals, silentMs) => {
      const detector = new FailureDetector(options);
      let now = 0;
      detector.heard(now);
      for (const interval of intervals) {
        now += interval;
        detector.heard(now);
      }
      const dueInMs = detector.dueInMs(now);
      assert.ok(dueInMs > options.heartbeatMs && dueInMs <= options.suspicionMs);
      const suspected = detector.suspects(now + silentMs);
      assert.equal(suspected, silentMs >= dueInMs);
      const phi = detector.phi(now + silentMs);
      assert.ok(suspected ? phi > 7.999 : phi < 8.001, `phi ${phi} after ${silentMs}`);
    }),
  );
});
