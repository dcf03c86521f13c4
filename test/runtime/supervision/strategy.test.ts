import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AutoShutdown,
  parseSupervisorFlags,
  type RestartType,
  type Strategy,
} from "../../../runtime/supervision/child-spec.ts";
import {
  decideSupervision,
  type ExitKind,
  type SupervisedChild,
  type SupervisionDecision,
  type SupervisionEvent,
  type SupervisionState,
  selectStopOrder,
} from "../../../runtime/supervision/strategy.ts";

type Status = SupervisedChild["status"];

/** Children in start order, each written `"permanent"`, `"transient significant stopped"`, … */
function supervisor(specs: Record<string, string>): SupervisionState {
  const children = new Map<string, SupervisedChild>();
  for (const [id, spec] of Object.entries(specs)) {
    const words = spec.split(" ");
    children.set(id, {
      restart: words[0] as RestartType,
      significant: words.includes("significant"),
      status: (["stopped", "restarting"] as Status[]).find((s) => words.includes(s)) ?? "running",
    });
  }
  return { children, restarts: [] };
}

function exited(id: string, kind: ExitKind = "crash", charge = true): SupervisionEvent {
  return { type: "exited", id, kind, charge };
}

/** What is decided at time 0 with intensity 1, without the keys that are empty. */
function decide(
  state: SupervisionState,
  strategy: Strategy,
  event: SupervisionEvent,
  autoShutdown: AutoShutdown = "never",
): Partial<SupervisionDecision> {
  const flags = parseSupervisorFlags({ strategy, autoShutdown });
  const decision = decideSupervision(state, flags, event, 0);
  const told = Object.entries(decision).filter(
    ([, value]) => value !== null && value !== false && !(Array.isArray(value) && !value.length),
  );
  return Object.fromEntries(told);
}

const restarted = { charge: true, restarts: [0] };

describe("restart types", () => {
  const kinds: ExitKind[] = ["normal", "shutdown", "crash"];

  it("restart a permanent child whatever its reason", () => {
    for (const kind of kinds) {
      const state = supervisor({ a: "permanent", b: "permanent" });
      const decision = decide(state, "one_for_one", exited("a", kind));
      assert.deepEqual(decision, { start: ["a"], ...restarted });
    }
  });

  it("restart a transient child after a crash, and else keep it stopped", () => {
    const state = supervisor({ a: "transient", b: "permanent" });
    assert.deepEqual(decide(state, "one_for_one", exited("a")), { start: ["a"], ...restarted });
    assert.deepEqual(decide(state, "one_for_one", exited("a", "normal")), {});
    assert.deepEqual(decide(state, "one_for_one", exited("a", "shutdown")), {});
  });

  it("forget a temporary child whatever its reason, and leave its siblings alone", () => {
    for (const strategy of ["one_for_one", "one_for_all", "rest_for_one", "dynamic"] as const) {
      for (const kind of kinds) {
        const state = supervisor({ a: "temporary", b: "permanent" });
        assert.deepEqual(decide(state, strategy, exited("a", kind)), { remove: ["a"] });
      }
    }
  });

  it("let an orderly end of a transient child leave its siblings alone", () => {
    const state = supervisor({ a: "transient", b: "permanent" });
    assert.deepEqual(decide(state, "one_for_all", exited("a", "normal")), {});
  });
});

describe("strategies", () => {
  const tree = { a: "permanent", b: "temporary", c: "permanent", d: "temporary", e: "transient" };

  it("one_for_one concerns the crashed child alone", () => {
    const decision = decide(supervisor(tree), "one_for_one", exited("c"));
    assert.deepEqual(decision, { start: ["c"], ...restarted });
  });

  it("one_for_all stops all in reverse, forgets temporary ones, starts the rest in order", () => {
    assert.deepEqual(decide(supervisor(tree), "one_for_all", exited("c")), {
      stop: ["e", "d", "b", "a"],
      remove: ["b", "d"],
      start: ["a", "c", "e"],
      ...restarted,
    });
  });

  it("rest_for_one does so with the crashed child and those started after it", () => {
    assert.deepEqual(decide(supervisor(tree), "rest_for_one", exited("c")), {
      stop: ["e", "d"],
      remove: ["d"],
      start: ["c", "e"],
      ...restarted,
    });
  });

  it("a group restart also starts those that had ended or were waiting", () => {
    const state = supervisor({ a: "permanent", b: "transient stopped", c: "permanent restarting" });
    const decision = decide(state, "one_for_all", exited("a"));
    assert.deepEqual(decision, { start: ["a", "b", "c"], ...restarted });
  });

  it("dynamic restarts the child alone, and forgets one that ended", () => {
    const state = supervisor({ a: "transient", b: "transient" });
    assert.deepEqual(decide(state, "dynamic", exited("a")), { start: ["a"], ...restarted });
    assert.deepEqual(decide(state, "dynamic", exited("a", "normal")), { remove: ["a"] });
  });
});

describe("failed starts", () => {
  it("are retried as another restart", () => {
    const state = supervisor({ a: "permanent restarting", b: "permanent" });
    const decision = decide(state, "one_for_one", { type: "start_failed", id: "a" });
    assert.deepEqual(decision, { start: ["a"], ...restarted });
  });

  it("are not charged when somebody else took the thread down meanwhile", () => {
    const state = supervisor({ a: "permanent restarting" });
    const event: SupervisionEvent = { type: "start_failed", id: "a", charge: false };
    assert.deepEqual(decide(state, "one_for_one", event), { start: ["a"] });
  });

  it("of a group begin at its start again, with what had been started stopped first", () => {
    const specs = { a: "permanent", b: "transient restarting", c: "permanent restarting" };
    const event: SupervisionEvent = { type: "start_failed", id: "b" };
    assert.deepEqual(decide(supervisor(specs), "one_for_all", event), {
      stop: ["a"],
      start: ["a", "b", "c"],
      ...restarted,
    });
    const rest = decide(supervisor(specs), "rest_for_one", event);
    assert.deepEqual(rest, { start: ["b", "c"], ...restarted });
  });

  it("end the supervisor when they exceed the intensity", () => {
    const specs = { a: "permanent", b: "permanent restarting", c: "permanent" };
    const state = { ...supervisor(specs), restarts: [0] };
    assert.deepEqual(decide(state, "one_for_one", { type: "start_failed", id: "b" }), {
      stop: ["c", "a"],
      charge: true,
      shutdownSelf: "intensity_exceeded",
      restarts: [0, 0],
    });
  });
});

describe("restart intensity", () => {
  it("ends the supervisor with all running children stopped in reverse", () => {
    const specs = { a: "permanent", b: "temporary", c: "permanent", d: "transient stopped" };
    for (const strategy of ["one_for_one", "one_for_all", "rest_for_one"] as const) {
      const state = { ...supervisor(specs), restarts: [0] };
      assert.deepEqual(decide(state, strategy, exited("c")), {
        stop: ["b", "a"],
        charge: true,
        shutdownSelf: "intensity_exceeded",
        restarts: [0, 0],
      });
    }
  });

  it("is not touched by an uncharged exit, which restarts even past the limit", () => {
    const state = { ...supervisor({ a: "permanent", b: "permanent" }), restarts: [0] };
    const decision = decide(state, "one_for_all", exited("a", "crash", false));
    assert.deepEqual(decision, { stop: ["b"], start: ["a", "b"], restarts: [0] });
  });
});

describe("auto-shutdown", () => {
  const ended = (id: string): SupervisionEvent => exited(id, "normal");

  it("any_significant: the first significant child that ends takes all with it", () => {
    const specs = { a: "permanent", b: "transient significant", c: "temporary significant" };
    const state = supervisor(specs);
    const shutdownSelf = "auto_shutdown";
    assert.deepEqual(decide(state, "one_for_one", ended("b"), "any_significant"), {
      stop: ["c", "a"],
      shutdownSelf,
    });
    assert.deepEqual(decide(state, "one_for_one", exited("c"), "any_significant"), {
      stop: ["b", "a"],
      remove: ["c"],
      shutdownSelf,
    });
  });

  it("all_significant: only the last active one does; one that is restarting is active", () => {
    const rest = (b: string) => supervisor({ a: "transient significant", b, c: "permanent" });
    for (const b of ["transient significant", "transient significant restarting"]) {
      assert.deepEqual(decide(rest(b), "one_for_one", ended("a"), "all_significant"), {});
    }
    for (const b of ["transient significant stopped", "transient"]) {
      const decision = decide(rest(b), "one_for_one", ended("a"), "all_significant");
      assert.equal(decision.shutdownSelf, "auto_shutdown");
    }
  });

  it("is not brought about by a restart, nor by a child that is not significant", () => {
    const state = supervisor({ a: "transient significant", b: "transient" });
    const crash = decide(state, "one_for_one", exited("a"), "any_significant");
    assert.deepEqual(crash, { start: ["a"], ...restarted });
    assert.deepEqual(decide(state, "one_for_one", ended("b"), "any_significant"), {});
  });

  it("is not brought about by a significant child that a sibling's crash stopped", () => {
    const state = supervisor({ a: "permanent", b: "temporary significant" });
    assert.deepEqual(decide(state, "one_for_all", exited("a"), "any_significant"), {
      stop: ["b"],
      remove: ["b"],
      start: ["a"],
      ...restarted,
    });
  });
});

describe("late news", () => {
  it("changes nothing", () => {
    const state = supervisor({ a: "permanent restarting", b: "transient stopped", c: "permanent" });
    for (const id of ["a", "b", "gone"]) {
      assert.deepEqual(decide(state, "one_for_all", exited(id)), {});
    }
    for (const id of ["b", "c", "gone"]) {
      assert.deepEqual(decide(state, "one_for_all", { type: "start_failed", id }), {});
    }
  });
});

describe("stop order", () => {
  it("is the reverse of the start order and leaves out what does not run", () => {
    const specs = { b: "permanent", c: "temporary", a: "permanent restarting", d: "transient" };
    const { children } = supervisor(specs);
    assert.deepEqual(selectStopOrder(children), ["d", "c", "b"]);
    assert.deepEqual(selectStopOrder(children, "d"), ["c", "b"]);
  });
});
