import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { breakerDefaults, parseBreakerSettings } from "../../../actors/breaker/index.ts";

function faultsOf(input: unknown): readonly string[] {
  const outcome = parseBreakerSettings(input);
  assert.equal(outcome.ok, false);
  return outcome.ok ? [] : outcome.faults;
}

describe("breaker settings", () => {
  it("are the defaults where nothing is said", () => {
    const expected = {
      ...{ enabled: true, consecutiveFailures: 10, failureRate: 0.5, minimumCalls: 50 },
      ...{ windowMs: 10_000, cooldownMs: 5_000, halfOpenProbes: 3, probeTimeoutMs: 30_000 },
    };
    for (const input of [undefined, {}]) {
      assert.deepEqual(parseBreakerSettings(input), { ok: true, settings: expected });
    }
    assert.deepEqual(breakerDefaults, expected);
  });

  it("load in both spellings, mixed as well", () => {
    const input = { enabled: false, consecutive_failures: 3, failureRate: 1, half_open_probes: 1 };
    const more = { minimum_calls: 7, window_ms: 100, cooldown_ms: 10, probe_timeout_ms: 20 };
    const outcome = parseBreakerSettings({ ...input, ...more });
    assert.ok(outcome.ok);
    assert.deepEqual(outcome.settings, {
      ...{ enabled: false, consecutiveFailures: 3, failureRate: 1, minimumCalls: 7 },
      ...{ windowMs: 100, cooldownMs: 10, halfOpenProbes: 1, probeTimeoutMs: 20 },
    });
    assert.ok(Object.isFrozen(outcome.settings));
    assert.deepEqual(parseBreakerSettings(outcome.settings), outcome);
  });

  const all = [
    ...["enabled", "consecutiveFailures", "failureRate", "minimumCalls"],
    ...["windowMs", "cooldownMs", "halfOpenProbes", "probeTimeoutMs"],
  ];
  const wrong: readonly [unknown, string][] = [
    [null, `breaker: expected a map { ${all.join("?, ")}? }, received null`],
    [[], `breaker: expected a map { ${all.join("?, ")}? }, received []`],
    [{ enabled: "no" }, 'breaker.enabled: expected true or false, received "no"'],
    [{ failureRate: 0 }, "breaker.failureRate: expected a number above 0, at most 1, received 0"],
    [
      { failure_rate: 1.01 },
      "breaker.failure_rate: expected a number above 0, at most 1, received 1.01",
    ],
    [
      { failureRate: Number.NaN },
      "breaker.failureRate: expected a number above 0, at most 1, received NaN",
    ],
    [
      { consecutiveFailures: 0 },
      "breaker.consecutiveFailures: expected a whole number from 1 to 1000000, received 0",
    ],
    [
      { half_open_probes: 1.5 },
      "breaker.half_open_probes: expected a whole number from 1 to 1000000, received 1.5",
    ],
    [
      { windowMs: "1s" },
      'breaker.windowMs: expected a whole number of ms from 10 to 3600000, received "1s"',
    ],
    [
      { cooldownMs: 9 },
      "breaker.cooldownMs: expected a whole number of ms from 10 to 3600000, received 9",
    ],
    [{ cooldownMs: 10, cooldown_ms: 10 }, "breaker.cooldown_ms: given twice, also as cooldownMs"],
    [{ constructor: 1 }, `breaker: unknown key "constructor": expected one of ${all.join(", ")}`],
  ];
  for (const [input, fault] of wrong) {
    it(`refuse ${JSON.stringify(input)}`, () => assert.deepEqual(faultsOf(input), [fault]));
  }

  it("list every fault under the name that they were given", () => {
    const outcome = parseBreakerSettings({ windowMs: 1, minimumCalls: -1 }, "file: breaker");
    assert.ok(!outcome.ok);
    assert.deepEqual(
      outcome.faults.map((fault) => fault.split(": expected")[0]),
      ["file: breaker.minimumCalls", "file: breaker.windowMs"],
    );
  });
});
