import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Circuit, type CircuitChange } from "../../../actors/breaker/circuit.ts";
import { type BreakerSettings, breakerDefaults } from "../../../actors/breaker/settings.ts";
import { CircuitModel } from "./circuit-model.ts";

interface Held {
  readonly circuit: Circuit;
  readonly changes: CircuitChange[];
}

function hold(settings: Partial<BreakerSettings> = {}, start = {}): Held {
  const changes: CircuitChange[] = [];
  const all = { ...breakerDefaults, ...settings };
  const circuit = new Circuit(all, { nowMs: 0, ...start }, (change) => changes.push(change));
  return { circuit, changes };
}

function fail(circuit: Circuit, times: number, nowMs = 0): void {
  for (let n = 0; n < times; n += 1) circuit.report(0, 1, 1, nowMs);
}

function succeed(circuit: Circuit, times: number, nowMs = 0): void {
  circuit.report(times, 0, 0, nowMs);
}

describe("a closed circuit", () => {
  it("opens with the last of ten failures in a row, not before", () => {
    const { circuit, changes } = hold();
    fail(circuit, 9);
    assert.equal(circuit.state, "closed");
    fail(circuit, 1, 20);
    assert.equal(circuit.state, "open");
    assert.deepEqual(changes, [{ from: "closed", to: "open", reason: "10 failures in a row" }]);
    assert.deepEqual([circuit.openUntilMs, circuit.dueAtMs], [5_020, 5_020]);
    assert.deepEqual(circuit.counts(20), { calls: 10, failures: 10 });
  });

  it("counts a row anew after each success", () => {
    const { circuit } = hold();
    for (let n = 0; n < 5; n += 1) {
      fail(circuit, 9, n);
      succeed(circuit, 20, n);
    }
    assert.equal(circuit.state, "closed");
    assert.equal(circuit.consecutiveFailures, 0);
  });

  it("takes a batch by its end: only failures after the last success go on", () => {
    const { circuit } = hold();
    circuit.report(1, 20, 9, 0);
    assert.equal(circuit.consecutiveFailures, 9);
    assert.equal(circuit.state, "closed");
    fail(circuit, 1);
    assert.equal(circuit.state, "open");
  });

  it("opens when half of at least fifty calls failed, with a failure", () => {
    const { circuit, changes } = hold();
    for (let n = 0; n < 24; n += 1) circuit.report(1, 1, 1, n);
    circuit.report(1, 0, 0, 30);
    assert.equal(circuit.state, "closed", "49 calls");
    fail(circuit, 1, 40);
    assert.equal(circuit.state, "open");
    assert.equal(changes[0]?.reason, "25 of 50 calls failed within 10000 ms");
  });

  it("stays closed just under the rate", () => {
    const { circuit } = hold();
    for (let n = 0; n < 10_000; n += 1) circuit.report(11, 9, n % 10, n / 100);
    assert.equal(circuit.state, "closed");
  });

  it("forgets what is older than the window, for the row as well", () => {
    const { circuit } = hold();
    fail(circuit, 9, 0);
    fail(circuit, 9, 10_000);
    assert.equal(circuit.state, "closed");
    assert.deepEqual(circuit.counts(10_000), { calls: 9, failures: 9 });
    assert.equal(circuit.isIdle(19_999), false);
    assert.equal(circuit.isIdle(20_000), true);
  });
});

describe("an open circuit", () => {
  const opened = (settings: Partial<BreakerSettings> = {}): Held => {
    const held = hold(settings);
    fail(held.circuit, 10);
    return held;
  };

  it("refuses for the cooldown and says how long", () => {
    const { circuit } = opened();
    assert.deepEqual(circuit.probe(1), { kind: "refused", retryAfterMs: 4_999 });
    assert.deepEqual(circuit.probe(4_999.5), { kind: "refused", retryAfterMs: 1 });
    assert.equal(circuit.probe(5_000).kind, "probe");
    assert.equal(circuit.state, "half_open");
  });

  it("hears nothing of calls that began before", () => {
    const { circuit } = opened();
    succeed(circuit, 100, 10);
    fail(circuit, 100, 20);
    assert.deepEqual([circuit.state, circuit.openUntilMs], ["open", 5_000]);
  });

  it("is half-open by time alone", () => {
    const { circuit, changes } = opened();
    circuit.advance(4_999);
    assert.equal(circuit.state, "open");
    circuit.advance(5_000);
    assert.deepEqual(changes[1], {
      ...{ from: "open", to: "half_open", reason: "the cooldown is over" },
    });
  });

  it("can be taken over by another one, with the time that is left", () => {
    const { circuit } = hold({}, { nowMs: 100, openUntilMs: 700, reason: "as before" });
    assert.deepEqual([circuit.state, circuit.reason, circuit.dueAtMs], ["open", "as before", 700]);
    assert.equal(circuit.probe(699).kind, "refused");
    assert.equal(circuit.probe(700).kind, "probe");
  });
});

describe("a half-open circuit", () => {
  const halfOpened = (settings: Partial<BreakerSettings> = {}): Held => {
    const held = hold(settings);
    fail(held.circuit, 10);
    held.circuit.advance(5_000);
    return held;
  };
  const probe = (circuit: Circuit, nowMs = 5_000): number => {
    const answer = circuit.probe(nowMs);
    assert.equal(answer.kind, "probe");
    return answer.kind === "probe" ? answer.probe : 0;
  };

  it("lets three probes through, and closes when all three succeeded", () => {
    const { circuit, changes } = halfOpened();
    const probes = [probe(circuit), probe(circuit), probe(circuit)];
    assert.deepEqual(circuit.probe(5_000), { kind: "refused", retryAfterMs: 1_000 });
    for (const one of probes) circuit.probed(one, "success", 5_001);
    assert.equal(circuit.state, "closed");
    assert.equal(changes.at(-1)?.reason, "3 of 3 probes succeeded");
    assert.deepEqual(circuit.counts(5_001), { calls: 0, failures: 0 });
    fail(circuit, 9, 5_002);
    assert.equal(circuit.state, "closed", "it began afresh");
  });

  it("admits no fourth while two have succeeded and one is out", () => {
    const { circuit } = halfOpened();
    const probes = [probe(circuit), probe(circuit), probe(circuit)];
    circuit.probed(probes[0] ?? 0, "success", 5_001);
    circuit.probed(probes[1] ?? 0, "success", 5_001);
    assert.equal(circuit.probe(5_002).kind, "refused");
  });

  it("opens again with the first probe that fails; the others are no news then", () => {
    const { circuit, changes } = halfOpened();
    const [one, two, three] = [probe(circuit), probe(circuit), probe(circuit)];
    circuit.probed(two, "failure", 5_100);
    assert.deepEqual(changes.at(-1), { from: "half_open", to: "open", reason: "a probe failed" });
    assert.equal(circuit.openUntilMs, 10_100);
    circuit.advance(10_100);
    for (const old of [one, three]) circuit.probed(old, "success", 10_101);
    circuit.probed(one, "failure", 10_102);
    assert.equal(circuit.state, "half_open", "they belong to an earlier time");
    assert.equal(circuit.probesOut, 0);
  });

  it("gives the place of a probe that says nothing, or nothing in time, to another", () => {
    const { circuit } = halfOpened({ halfOpenProbes: 1, probeTimeoutMs: 1_000 });
    circuit.probed(probe(circuit), "ignored", 5_001);
    const lost = probe(circuit, 5_001);
    assert.equal(circuit.probe(6_000).kind, "refused");
    const next = probe(circuit, 6_001);
    circuit.probed(lost, "failure", 6_002);
    assert.equal(circuit.state, "half_open", "given up, it has no say");
    circuit.probed(next, "success", 6_003);
    assert.equal(circuit.state, "closed");
  });

  it("is closed when nobody has called for ten minutes", () => {
    const { circuit } = halfOpened();
    probe(circuit, 6_000);
    assert.equal(circuit.dueAtMs, 606_000);
    circuit.advance(606_000);
    assert.equal(circuit.state, "closed");
  });

  it("is closed by a reset, for the reason given", () => {
    const { circuit, changes } = halfOpened();
    circuit.reset("because", 5_001);
    assert.deepEqual(changes.at(-1), { from: "half_open", to: "closed", reason: "because" });
    circuit.reset("again", 5_002);
    assert.equal(changes.length, 3, "a closed one only forgets");
  });
});

type Step =
  | { readonly what: "pass"; readonly ms: number }
  | { readonly what: "report"; readonly successes: number; readonly failures: number; run: number }
  | { readonly what: "probe" }
  | { readonly what: "probed"; readonly back: number; outcome: "success" | "failure" | "ignored" }
  | { readonly what: "reset" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("pass" as const),
      ms: fc.oneof(fc.nat(50), fc.nat(3_000), fc.constant(700_000)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat(3), fc.nat(4), fc.nat(4))
      .filter(([successes, failures]) => successes + failures > 0)
      .map(([successes, failures, run]) => ({
        ...{ what: "report" as const, successes, failures },
        run: successes === 0 ? failures : Math.min(run, failures),
      })),
  },
  { weight: 6, arbitrary: fc.record({ what: fc.constant("probe" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("probed" as const),
      back: fc.nat(4),
      outcome: fc.constantFrom("success", "success", "success", "failure", "ignored"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("reset" as const) }) },
);

const settingsOf: fc.Arbitrary<BreakerSettings> = fc.record({
  enabled: fc.constant(true),
  consecutiveFailures: fc.integer({ min: 1, max: 8 }),
  failureRate: fc.constantFrom(0.25, 0.5, 1),
  minimumCalls: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.constantFrom(100, 1_000, 5_000),
  cooldownMs: fc.constantFrom(10, 500, 2_000),
  halfOpenProbes: fc.integer({ min: 1, max: 4 }),
  probeTimeoutMs: fc.constantFrom(20, 1_000),
});

it("does what a model does that remembers everything", () => {
  const seen = new Set<string>();
  const life = fc.property(
    settingsOf,
    fc.array(steps, { maxLength: 120, size: "max" }),
    (settings, list) => {
      const { circuit, changes } = hold(settings);
      const model = new CircuitModel(settings);
      let nowMs = 0;
      for (const step of list) {
        if (step.what === "pass") {
          nowMs += step.ms;
          model.pass(step.ms);
        } else if (step.what === "report") {
          const { successes, failures, run } = step;
          circuit.report(successes, failures, run, nowMs);
          model.report(successes, failures, run);
        } else if (step.what === "probe") {
          const answer = circuit.probe(nowMs);
          const expected = model.probe();
          assert.equal(answer.kind === "probe" ? answer.probe : answer.kind, expected);
          if (answer.kind === "refused") assert.ok(answer.retryAfterMs >= 1);
        } else if (step.what === "probed") {
          const id = model.lastId - step.back;
          circuit.probed(id, step.outcome, nowMs);
          model.probed(id, step.outcome);
        } else {
          circuit.reset("reset", nowMs);
          model.reset();
        }
        assert.equal(circuit.state, model.state);
        assert.deepEqual(
          changes.map(({ from, to }) => `${from} → ${to}`),
          model.changes,
        );
        assert.ok(model.deciding <= settings.halfOpenProbes, "probes are bounded");
      }
      for (const change of model.changes) seen.add(change);
    },
  );
  fc.assert(life, { numRuns: 1_500 });
  const all = ["closed → open", "open → half_open", "open → closed", "half_open → open"];
  assert.deepEqual([...seen].sort(), [...all, "half_open → closed"].sort(), "all was tried");
});
