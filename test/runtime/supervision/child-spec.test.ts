import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ChildSpec,
  parseChildSpec,
  parseChildSpecs,
  parseSupervisorFlags,
  type SupervisorFlags,
} from "../../../runtime/supervision/child-spec.ts";

const start = { module: "counter" };
const flags = parseSupervisorFlags();
const shuttingDown = parseSupervisorFlags({ autoShutdown: "any_significant" });

/** A spec or flags as an untyped caller might write them. */
const untyped = <T>(value: unknown): T => value as T;

describe("supervisor flags", () => {
  it("default to OTP's: one_for_one, one restart in five seconds, no auto-shutdown", () => {
    assert.deepEqual(parseSupervisorFlags(), {
      strategy: "one_for_one",
      intensity: 1,
      periodMs: 5_000,
      autoShutdown: "never",
      backoff: { minMs: 100, maxMs: 30_000, factor: 2, jitter: 1, resetAfterMs: 10_000 },
    });
  });

  it("keep what is given and fill in the rest, backoff key by key", () => {
    const given = { strategy: "dynamic", intensity: 0, backoff: { minMs: 5 } } as const;
    const parsed = parseSupervisorFlags(given);
    assert.equal(parsed.strategy, "dynamic");
    assert.equal(parsed.intensity, 0);
    assert.deepEqual(parsed.backoff, { ...flags.backoff, minMs: 5 });
  });

  it("take undefined as left out", () => {
    assert.deepEqual(parseSupervisorFlags(untyped({ strategy: undefined })), flags);
  });

  const faults: [flags: unknown, name: string, message: RegExp][] = [
    [null, "TypeError", /^supervisor flags: expected an object, received null$/],
    [[], "TypeError", /expected an object, received \[\]/],
    [{ intensty: 3 }, "TypeError", /expected only the keys strategy, .* received 'intensty'/],
    [{ strategy: "all" }, "RangeError", /strategy: expected one of one_for_one, .* 'all'/],
    [{ strategy: 1 }, "TypeError", /strategy: expected one of .* received 1/],
    [{ intensity: -1 }, "RangeError", /intensity: expected an integer from 0 .* received -1/],
    [{ intensity: "3" }, "TypeError", /intensity: .* received '3'/],
    [{ intensity: Number.NaN }, "RangeError", /intensity: .* received NaN/],
    [{ periodMs: 0 }, "RangeError", /periodMs: expected an integer from 1 .* received 0/],
    [{ periodMs: 2 ** 31 }, "RangeError", /periodMs: .* to 2147483647, received 2147483648/],
    [{ autoShutdown: "always" }, "RangeError", /autoShutdown: expected one of never, /],
    [{ backoff: null }, "TypeError", /backoff: expected an object, received null/],
    [{ backoff: { min: 1 } }, "TypeError", /backoff: expected only the keys minMs, .* 'min'/],
    [{ backoff: { minMs: 1.5 } }, "RangeError", /backoff\.minMs: expected an integer/],
    [{ backoff: { maxMs: 99 } }, "RangeError", /backoff\.maxMs: expected an integer from 100 /],
    [{ backoff: { factor: 0.5 } }, "RangeError", /backoff\.factor: expected a number from 1 to/],
    [{ backoff: { factor: "2" } }, "TypeError", /backoff\.factor: .* received '2'/],
    [{ backoff: { jitter: 2 } }, "RangeError", /backoff\.jitter: expected a number from 0 to 1/],
    [{ backoff: { resetAfterMs: 0 } }, "RangeError", /backoff\.resetAfterMs: .* from 1 /],
  ];
  for (const [given, name, message] of faults) {
    it(`refuse ${JSON.stringify(given)}`, () => {
      assert.throws(() => parseSupervisorFlags(untyped<SupervisorFlags>(given)), { name, message });
    });
  }
});

describe("child spec", () => {
  it("defaults to a permanent, insignificant worker with five seconds to stop", () => {
    assert.deepEqual(parseChildSpec({ id: "counter", start }, flags), {
      id: "counter",
      start,
      restart: "permanent",
      shutdown: 5_000,
      type: "worker",
      significant: false,
      backoff: flags.backoff,
    });
  });

  it("waits for a supervisor as long as it takes, unless told otherwise", () => {
    const spec = { id: "tree", start, type: "supervisor" } as const;
    assert.equal(parseChildSpec(spec, flags).shutdown, "infinity");
    assert.equal(parseChildSpec({ ...spec, shutdown: "brutal" }, flags).shutdown, "brutal");
    assert.equal(parseChildSpec({ ...spec, shutdown: 0 }, flags).shutdown, 0);
  });

  it("takes the backoff keys that it lacks from its supervisor", () => {
    const own = parseSupervisorFlags({ backoff: { factor: 3 } });
    const spec = { id: "a", start, backoff: { minMs: 7 } };
    assert.deepEqual(parseChildSpec(spec, own).backoff, { ...own.backoff, minMs: 7 });
  });

  it("may be significant when not permanent and the supervisor shuts down by it", () => {
    for (const restart of ["transient", "temporary"] as const) {
      const spec = { id: "a", start, restart, significant: true };
      assert.equal(parseChildSpec(spec, shuttingDown).significant, true);
    }
  });

  const faults: [spec: unknown, name: string, message: RegExp][] = [
    ["a", "TypeError", /^child spec: expected an object, received 'a'$/],
    [{ start }, "TypeError", /^child spec: id: expected a non-empty string, received undefined$/],
    [{ id: "", start }, "RangeError", /id: expected a non-empty string, received ''/],
    [{ id: "a" }, "TypeError", /^child spec 'a': start: expected a start recipe, .* undefined$/],
    [{ id: "a", start, restrat: 1 }, "TypeError", /expected only the keys id, .* 'restrat'/],
    [{ id: "a", start, restart: "always" }, "RangeError", /'a': restart: expected one of perm/],
    [{ id: "a", start, type: true }, "TypeError", /'a': type: expected one of worker, superv/],
    [{ id: "a", start, shutdown: -1 }, "RangeError", /'a': shutdown: expected an integer from 0/],
    [{ id: "a", start, shutdown: Infinity }, "RangeError", /shutdown: .* received Infinity/],
    [{ id: "a", start, shutdown: "5s" }, "RangeError", /shutdown: expected ms, "brutal" or "inf/],
    [{ id: "a", start, shutdown: null }, "TypeError", /shutdown: .* received null/],
    [{ id: "a", start, significant: 1 }, "TypeError", /significant: expected a boolean, rec/],
    [{ id: "a", start, backoff: { maxMs: 1 } }, "RangeError", /'a': backoff\.maxMs: expected/],
    [{ id: "a", start, backoff: null }, "TypeError", /'a': backoff: expected an object/],
  ];
  for (const [given, name, message] of faults) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      const spec = untyped<ChildSpec<typeof start>>(given);
      assert.throws(() => parseChildSpec(spec, flags), { name, message });
    });
  }

  it("refuses significant: true for a permanent child, the default included", () => {
    const message = /significant: expected false for restart "permanent" .*, received true/;
    const spec = { id: "a", start, significant: true };
    assert.throws(() => parseChildSpec(spec, shuttingDown), { name: "RangeError", message });
  });

  it("refuses significant: true where autoShutdown is never", () => {
    const message = /significant: expected false .* autoShutdown "never", received true/;
    const spec = { id: "a", start, restart: "temporary", significant: true } as const;
    assert.throws(() => parseChildSpec(spec, flags), { name: "RangeError", message });
  });
});

describe("child specs of a supervisor", () => {
  it("keep their order", () => {
    const specs = ["c", "a", "b"].map((id) => ({ id, start }));
    const ids = parseChildSpecs(specs, flags).map(({ id }) => id);
    assert.deepEqual(ids, ["c", "a", "b"]);
  });

  it("may not share an id", () => {
    const specs = ["a", "b", "a"].map((id) => ({ id, start }));
    const message = /^child specs: id: expected each id once, received 'a'$/;
    assert.throws(() => parseChildSpecs(specs, flags), { name: "RangeError", message });
  });

  it("are exactly one for a dynamic supervisor", () => {
    const dynamic = parseSupervisorFlags({ strategy: "dynamic" });
    const specs = ["a", "b"].map((id) => ({ id, start }));
    assert.equal(parseChildSpecs(specs.slice(1), dynamic).length, 1);
    for (const wrong of [[], specs]) {
      const message = /strategy "dynamic": expected exactly one, received [02]/;
      assert.throws(() => parseChildSpecs(wrong, dynamic), { name: "RangeError", message });
    }
  });

  it("are an array", () => {
    const given = untyped<ChildSpec<typeof start>[]>({ id: "a", start });
    assert.throws(() => parseChildSpecs(given, flags), { name: "TypeError", message: /an array/ });
  });
});
