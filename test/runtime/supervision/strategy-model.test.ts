/**
 * Random lives of a supervisor: the decider, applied by the smallest shell that obeys it, against a
 * model that does not decide but acts, and against what must hold of every decision by itself.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { parseSupervisorFlags, type RestartType } from "../../../runtime/supervision/child-spec.ts";
import {
  decideSupervision,
  type ExitKind,
  type StrategyFlags,
  type SupervisionDecision,
  type SupervisionEvent,
  type SupervisionState,
} from "../../../runtime/supervision/strategy.ts";

type Status = "running" | "restarting" | "stopped";

interface Child {
  readonly restart: RestartType;
  readonly significant: boolean;
  status: Status;
}

/** One thing that happens, after `gapMs`; `pick` chooses among all children there ever were. */
type Step = { readonly gapMs: number } & (
  | { readonly what: "exit"; readonly pick: number; readonly kind: ExitKind; charge: boolean }
  | { readonly what: "start"; readonly succeeds: readonly boolean[] }
  | { readonly what: "add"; readonly restart: RestartType; readonly significant: boolean }
);

/** What both sides can do, and what is compared after each step. */
interface Supervisor {
  readonly log: string[];
  readonly ended: string | null;
  rows(): string[];
  add(id: string, child: Child): void;
  exit(id: string, kind: ExitKind, charge: boolean, nowMs: number): void;
  /** Starts what waits, in start order, up to the first that fails. */
  start(succeeds: readonly boolean[], nowMs: number): void;
}

class Decided implements Supervisor {
  readonly log: string[] = [];
  readonly #flags: StrategyFlags;
  readonly #children = new Map<string, Child>();
  readonly #chargedAtMs: number[] = [];
  #restarts: SupervisionState["restarts"] = [];
  ended: string | null = null;

  constructor(flags: StrategyFlags) {
    this.#flags = flags;
  }

  rows(): string[] {
    return [...this.#children].map(([id, { status }]) => `${id} ${status}`);
  }

  add(id: string, child: Child): void {
    this.#children.set(id, { ...child });
  }

  exit(id: string, kind: ExitKind, charge: boolean, nowMs: number): void {
    this.#apply({ type: "exited", id, kind, charge }, nowMs);
  }

  start(succeeds: readonly boolean[], nowMs: number): void {
    const waiting = [...this.#children].filter(([, child]) => child.status === "restarting");
    for (const [index, [id, child]] of waiting.entries()) {
      if (succeeds[index] === false) {
        this.log.push(`fail ${id}`);
        this.#apply({ type: "start_failed", id }, nowMs);
        return;
      }
      this.log.push(`start ${id}`);
      child.status = "running";
    }
  }

  #apply(event: SupervisionEvent, nowMs: number): void {
    const state = { children: this.#children, restarts: this.#restarts };
    const decision = decideSupervision(state, this.#flags, event, nowMs);
    if (decision.charge) this.#chargedAtMs.push(nowMs);
    checkDecision(state, this.#flags, event, decision, this.#chargedAtMs, nowMs);
    const exited = this.#children.get(event.id);
    if (exited?.status === "running" && event.type === "exited") exited.status = "stopped";
    for (const id of decision.stop) {
      this.log.push(`stop ${id}`);
      this.#child(id).status = "stopped";
    }
    for (const id of decision.remove) this.#children.delete(id);
    for (const id of decision.start) this.#child(id).status = "restarting";
    this.#restarts = decision.restarts;
    this.ended = decision.shutdownSelf;
  }

  #child(id: string): Child {
    const child = this.#children.get(id);
    assert.ok(child, `no child ${id}`);
    return child;
  }
}

/** What must hold of every decision, whatever the model says. */
function checkDecision(
  { children }: { children: ReadonlyMap<string, Readonly<Child>> },
  flags: StrategyFlags,
  event: SupervisionEvent,
  decision: SupervisionDecision,
  chargedAtMs: readonly number[],
  nowMs: number,
): void {
  const { stop, start, remove, charge, shutdownSelf } = decision;
  const order = [...children.keys()];
  const inOrder = (ids: readonly string[]): string[] => order.filter((id) => ids.includes(id));
  const others = order.filter((id) => id !== event.id && children.get(id)?.status === "running");
  const child = children.get(event.id);

  assert.deepEqual(stop, inOrder(stop).reverse(), "stops in reverse start order");
  assert.deepEqual(start, inOrder(start), "starts in start order");
  assert.ok(
    stop.every((id) => others.includes(id)),
    "stops only what runs",
  );
  assert.ok(
    start.every((id) => children.get(id)?.restart !== "temporary" && !remove.includes(id)),
    "never restarts a temporary or a forgotten child",
  );
  if (shutdownSelf !== null) {
    assert.deepEqual(stop, others.reverse(), "ends with every running child stopped in reverse");
    assert.deepEqual(start, [], "ends without starting any");
  }
  const recent = chargedAtMs.filter((atMs) => nowMs - atMs <= flags.periodMs).length;
  const exceeded = charge && recent > flags.intensity;
  assert.equal(shutdownSelf === "intensity_exceeded", exceeded, "gives up exactly past intensity");
  assert.ok(!charge || event.type === "start_failed" || event.charge, "charges what is chargeable");

  const isNews = child?.status === (event.type === "exited" ? "running" : "restarting");
  if (!isNews) assert.deepEqual([stop, start, remove, shutdownSelf], [[], [], [], null]);
  if (!isNews || child === undefined) return;
  const crashed = event.type === "start_failed" || event.kind === "crash";
  if (child.restart === "permanent" || (child.restart === "transient" && crashed)) {
    assert.ok(start.includes(event.id) || exceeded, "restarts unless the intensity is exceeded");
    assert.notEqual(shutdownSelf, "auto_shutdown", "a restart is no end");
    const isGroup = flags.strategy === "one_for_all" || flags.strategy === "rest_for_one";
    if (!isGroup && !exceeded) assert.deepEqual([stop, start], [[], [event.id]]);
  } else {
    const forgets = child.restart === "temporary" || flags.strategy === "dynamic";
    assert.deepEqual(remove, forgets ? [event.id] : [], "forgets temporary, keeps transient ones");
    assert.deepEqual([start, charge], [[], false], "an end restarts nothing");
    if (shutdownSelf === null) assert.deepEqual(stop, [], "an end stops nobody else");
    if (flags.autoShutdown === "never" || !child.significant) assert.equal(shutdownSelf, null);
    else if (flags.autoShutdown === "any_significant") assert.equal(shutdownSelf, "auto_shutdown");
  }
}

/** A supervisor that does the thing at once, as OTP's does, instead of deciding on it. */
class Model implements Supervisor {
  readonly log: string[] = [];
  ended: string | null = null;
  readonly #flags: StrategyFlags;
  #list: (Child & { readonly id: string })[] = [];
  #countedAtMs: number[] = [];

  constructor(flags: StrategyFlags) {
    this.#flags = flags;
  }

  rows(): string[] {
    return this.#list.map(({ id, status }) => `${id} ${status}`);
  }

  add(id: string, child: Child): void {
    this.#list.push({ id, ...child });
  }

  exit(id: string, kind: ExitKind, charge: boolean, nowMs: number): void {
    const at = this.#list.findIndex((row) => row.id === id);
    const row = this.#list[at];
    if (row?.status !== "running") return;
    row.status = "stopped";
    switch (row.restart) {
      case "permanent":
        this.#restart(at, charge, nowMs);
        return;
      case "transient":
        if (kind === "crash") {
          this.#restart(at, charge, nowMs);
          return;
        }
        if (this.#flags.strategy === "dynamic") this.#list.splice(at, 1);
        break;
      case "temporary":
        this.#list.splice(at, 1);
    }
    if (!row.significant || this.#flags.autoShutdown === "never") return;
    const active = this.#list.filter((other) => other.significant && other.status !== "stopped");
    if (this.#flags.autoShutdown === "any_significant" || active.length === 0) {
      this.#end("auto_shutdown");
    }
  }

  start(succeeds: readonly boolean[], nowMs: number): void {
    let attempt = 0;
    for (let at = 0; at < this.#list.length; at++) {
      const row = this.#list[at];
      if (row?.status !== "restarting") continue;
      if (succeeds[attempt++] === false) {
        this.log.push(`fail ${row.id}`);
        this.#restart(at, true, nowMs);
        return;
      }
      this.log.push(`start ${row.id}`);
      row.status = "running";
    }
  }

  #restart(at: number, charge: boolean, nowMs: number): void {
    if (charge) {
      this.#countedAtMs.push(nowMs);
      this.#countedAtMs = this.#countedAtMs.filter((atMs) => atMs + this.#flags.periodMs >= nowMs);
      if (this.#countedAtMs.length > this.#flags.intensity) {
        if (this.#flags.strategy === "dynamic") this.#list.splice(at, 1);
        this.#end("intensity_exceeded");
        return;
      }
    }
    const alone = this.#flags.strategy === "one_for_one" || this.#flags.strategy === "dynamic";
    const from = this.#flags.strategy === "one_for_all" ? 0 : at;
    const to = alone ? at : this.#list.length - 1;
    for (let index = to; index >= from; index--) {
      const row = this.#list[index];
      if (row?.status === "running") this.log.push(`stop ${row.id}`);
      if (row?.restart === "temporary") this.#list.splice(index, 1);
      else if (row) row.status = "restarting";
    }
  }

  #end(why: string): void {
    for (const row of this.#list.toReversed()) {
      if (row.status !== "running") continue;
      this.log.push(`stop ${row.id}`);
      row.status = "stopped";
    }
    this.ended = why;
  }
}

const flagsArbitrary: fc.Arbitrary<StrategyFlags> = fc
  .record({
    strategy: fc.constantFrom("one_for_one", "one_for_all", "rest_for_one", "dynamic"),
    intensity: fc.nat(4),
    periodMs: fc.integer({ min: 1, max: 20 }),
    autoShutdown: fc.constantFrom("never", "any_significant", "all_significant"),
  })
  .map((flags) => parseSupervisorFlags(flags));

const addArbitrary = fc.record({
  what: fc.constant("add" as const),
  restart: fc.constantFrom<RestartType[]>("permanent", "transient", "temporary"),
  significant: fc.boolean(),
  gapMs: fc.nat(3),
});
const exitArbitrary = fc.record({
  what: fc.constant("exit" as const),
  pick: fc.nat(),
  kind: fc.constantFrom<ExitKind[]>("normal", "shutdown", "crash"),
  charge: fc.boolean(),
  gapMs: fc.nat(12),
});
const startArbitrary = fc.record({
  what: fc.constant("start" as const),
  succeeds: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false))),
  gapMs: fc.nat(12),
});
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: addArbitrary },
  { weight: 5, arbitrary: exitArbitrary },
  { weight: 4, arbitrary: startArbitrary },
);

it("the decider does what a supervisor of OTP would, step by step", () => {
  const children = fc.array(addArbitrary, { minLength: 1, maxLength: 6 });
  const events = fc.array(stepArbitrary, { maxLength: 40 });
  fc.assert(
    fc.property(flagsArbitrary, children, events, (flags, added, steps) => {
      const decided = new Decided(flags);
      const model = new Model(flags);
      const ids: string[] = [];
      let nowMs = 0;
      for (const step of [...added, ...steps]) {
        nowMs += step.gapMs;
        for (const supervisor of [decided, model]) take(supervisor, step, ids, nowMs);
        if (step.what === "add") ids.push(`c${ids.length}`);
        assert.deepEqual(decided.log, model.log);
        assert.equal(decided.ended, model.ended);
        assert.deepEqual(decided.rows(), model.rows());
        if (model.ended !== null) return;
      }
    }),
    { numRuns: 2_000 },
  );

  function take(supervisor: Supervisor, step: Step, ids: readonly string[], nowMs: number): void {
    if (step.what === "add") {
      const { restart, significant } = step;
      const isAllowed = restart !== "permanent";
      const child: Child = { restart, significant: significant && isAllowed, status: "running" };
      supervisor.add(`c${ids.length}`, child);
    } else if (step.what === "exit") {
      supervisor.exit(ids[step.pick % ids.length] ?? "", step.kind, step.charge, nowMs);
    } else {
      supervisor.start(step.succeeds, nowMs);
    }
  }
});
