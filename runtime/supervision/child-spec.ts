/**
 * What a supervisor is told: its flags, and a spec per child. Keys, defaults and forbidden
 * combinations are those of OTP's `supervisor`; `backoff` is added, and unknown keys are refused.
 */
import { inspect } from "node:util";
import type { BackoffPolicy } from "./backoff.ts";

/**
 * When a child that exited is started again: `permanent` always, `transient` only after a crash,
 * `temporary` never, not even when a sibling's crash is what stopped it.
 */
export type RestartType = "permanent" | "transient" | "temporary";

/**
 * How a child is stopped: asked to, and killed after that many ms; `brutal`: killed at once;
 * `infinity`: waited for as long as it takes.
 */
export type Shutdown = number | "brutal" | "infinity";

/**
 * Whom a crash concerns: the crashed child (`one_for_one`), all (`one_for_all`), it and those
 * started after it (`rest_for_one`). `dynamic` is OTP's `simple_one_for_one`: any number of
 * children from one spec, added while the supervisor runs, each on its own.
 */
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "dynamic";

/**
 * Whether significant children that end of themselves take the supervisor with them: `never`, the
 * first that ends (`any_significant`), or the last one still active (`all_significant`).
 */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** One child, as its author writes it. `Start` is what the supervisor starts it from. */
export interface ChildSpec<Start> {
  /** Non-empty, unique among the supervisor's children. Required. */
  readonly id: string;
  /** How to start it; not looked into here. Required. */
  readonly start: Start;
  /** Default `permanent`. */
  readonly restart?: RestartType;
  /**
   * Default 5,000 ms for a worker, `infinity` for a supervisor (which anything else may kill while
   * it still stops its own children).
   */
  readonly shutdown?: Shutdown;
  /** Whether the child is itself a supervisor. Default `worker`. */
  readonly type?: "worker" | "supervisor";
  /**
   * Whether its end counts for `autoShutdown`. Default false; true is refused for a `permanent`
   * child, and where `autoShutdown` is `never`.
   */
  readonly significant?: boolean;
  /** Keys left out are the supervisor's. */
  readonly backoff?: Partial<BackoffPolicy>;
}

/** A child spec that was checked, every key filled in. */
export interface CompleteChildSpec<Start> extends Required<ChildSpec<Start>> {
  readonly backoff: BackoffPolicy;
}

/** What holds for a supervisor as a whole, as its author writes it. */
export interface SupervisorFlags {
  /** Default `one_for_one`. */
  readonly strategy?: Strategy;
  /** Restarts allowed within `periodMs`, at least 0; one more ends the supervisor. Default 1. */
  readonly intensity?: number;
  /** At least 1 ms. Default 5,000. */
  readonly periodMs?: number;
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown;
  /** Each key's default stands with {@link BackoffPolicy}. */
  readonly backoff?: Partial<BackoffPolicy>;
}

/** Supervisor flags that were checked, every key filled in. */
export interface CompleteSupervisorFlags extends Required<SupervisorFlags> {
  readonly backoff: BackoffPolicy;
}

// The longest delay that a Node.js timer takes; a longer one would fire at once.
const MAX_MS = 2_147_483_647;

const FLAGS: CompleteSupervisorFlags = {
  strategy: "one_for_one",
  intensity: 1,
  periodMs: 5_000,
  autoShutdown: "never",
  backoff: { minMs: 100, maxMs: 30_000, factor: 2, jitter: 1, resetAfterMs: 10_000 },
};

/**
 * Checks supervisor flags and fills in the defaults.
 *
 * @throws TypeError for a value of the wrong type or an unknown key, RangeError for one out of
 *   range; both name the key, what was expected and what came.
 */
export function parseSupervisorFlags(flags: SupervisorFlags = {}): CompleteSupervisorFlags {
  const at = "supervisor flags";
  checkRecord(at, flags, Object.keys(FLAGS));
  const given = fill(flags, FLAGS);
  const strategies = ["one_for_one", "one_for_all", "rest_for_one", "dynamic"];
  checkChoice(`${at}: strategy`, given.strategy, strategies);
  checkInteger(`${at}: intensity`, given.intensity, 0);
  checkInteger(`${at}: periodMs`, given.periodMs, 1);
  const autoShutdowns = ["never", "any_significant", "all_significant"];
  checkChoice(`${at}: autoShutdown`, given.autoShutdown, autoShutdowns);
  return { ...given, backoff: parseBackoff(`${at}: backoff`, given.backoff, FLAGS.backoff) };
}

/**
 * Checks one child spec against its supervisor's flags and fills in the defaults.
 *
 * @throws TypeError for a value of the wrong type or an unknown key, RangeError for one out of
 *   range or in a forbidden combination; both name child, key, what was expected and what came.
 */
export function parseChildSpec<Start>(
  spec: ChildSpec<Start>,
  flags: CompleteSupervisorFlags,
): CompleteChildSpec<Start> {
  const keys = ["id", "start", "restart", "shutdown", "type", "significant", "backoff"];
  checkRecord("child spec", spec, keys);
  const { id, start, type = "worker" } = spec;
  check(typeof id === "string" && id !== "", "child spec: id", "a non-empty string", id, "string");
  const at = `child spec ${inspect(id)}`;
  check(start !== undefined && start !== null, `${at}: start`, "a start recipe", start);
  const defaults: CompleteChildSpec<Start> = {
    ...{ id, start, type, restart: "permanent", significant: false, backoff: flags.backoff },
    shutdown: type === "supervisor" ? "infinity" : 5_000,
  };
  const given = fill(spec, defaults);
  checkChoice(`${at}: type`, type, ["worker", "supervisor"]);
  checkChoice(`${at}: restart`, given.restart, ["permanent", "transient", "temporary"]);
  const { restart, shutdown, significant } = given;
  const isNamed = shutdown === "brutal" || shutdown === "infinity";
  if (typeof shutdown === "number") checkInteger(`${at}: shutdown`, shutdown, 0);
  else check(isNamed, `${at}: shutdown`, 'ms, "brutal" or "infinity"', shutdown, "string");
  check(typeof significant === "boolean", `${at}: significant`, "a boolean", significant);
  const mayBe = flags.autoShutdown !== "never" && restart !== "permanent";
  const rule = `false for restart "${restart}" under autoShutdown "${flags.autoShutdown}"`;
  check(!significant || mayBe, `${at}: significant`, rule, significant, "boolean");
  return { ...given, backoff: parseBackoff(`${at}: backoff`, given.backoff, flags.backoff) };
}

/**
 * Checks the child specs that a supervisor begins with, in start order.
 *
 * @throws as {@link parseChildSpec}; RangeError for an id that two share, and when a `dynamic`
 *   supervisor is not given exactly one spec.
 */
export function parseChildSpecs<Start>(
  specs: readonly ChildSpec<Start>[],
  flags: CompleteSupervisorFlags,
): CompleteChildSpec<Start>[] {
  check(Array.isArray(specs), "child specs", "an array", specs);
  const fits = flags.strategy !== "dynamic" || specs.length === 1;
  check(fits, 'child specs of strategy "dynamic"', "exactly one", specs.length, "number");
  const ids = new Set<string>();
  return specs.map((spec) => {
    const parsed = parseChildSpec(spec, flags);
    check(!ids.has(parsed.id), "child specs: id", "each id once", parsed.id, "string");
    ids.add(parsed.id);
    return parsed;
  });
}

function parseBackoff(at: string, part: object, defaults: BackoffPolicy): BackoffPolicy {
  checkRecord(at, part, Object.keys(defaults));
  const given = fill(part, defaults);
  checkInteger(`${at}.minMs`, given.minMs, 0);
  checkInteger(`${at}.maxMs`, given.maxMs, given.minMs);
  checkNumber(`${at}.factor`, given.factor, 1, 100);
  checkNumber(`${at}.jitter`, given.jitter, 0, 1);
  checkInteger(`${at}.resetAfterMs`, given.resetAfterMs, 1);
  return given;
}

/** `given` over `defaults`; a key that is undefined counts as left out. */
function fill<T extends object>(given: object, defaults: T): T {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(entries) };
}

function checkRecord(at: string, value: unknown, keys: readonly string[]): void {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  check(isRecord, at, "an object", value);
  const unknownKey = Object.keys(value as object).find((key) => !keys.includes(key));
  check(unknownKey === undefined, at, `only the keys ${keys.join(", ")}`, unknownKey);
}

function checkChoice(at: string, value: unknown, choices: readonly unknown[]): void {
  check(choices.includes(value), at, `one of ${choices.join(", ")}`, value, "string");
}

function checkNumber(at: string, value: unknown, min: number, max: number): void {
  const isOne = typeof value === "number" && value >= min && value <= max;
  check(isOne, at, `a number from ${min} to ${max}`, value, "number");
}

function checkInteger(at: string, value: unknown, min: number): void {
  const isOne = Number.isInteger(value) && Number(value) >= min && Number(value) <= MAX_MS;
  check(isOne, at, `an integer from ${min} to ${MAX_MS}`, value, "number");
}

/** Throws unless `holds`: a RangeError if `received` is at least of `type`, else a TypeError. */
function check(holds: boolean, at: string, expected: string, received: unknown, type = ""): void {
  if (holds) return;
  const receivedType: string = typeof received;
  const Fault = receivedType === type ? RangeError : TypeError;
  const shown = inspect(received, { depth: 0, maxStringLength: 80, breakLength: Infinity });
  throw new Fault(`${at}: expected ${expected}, received ${shown}`);
}
