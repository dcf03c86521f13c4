/**
 * Supervision strategy: what a supervisor does when a child exits or fails to start. Semantics of
 * OTP's `supervisor` (manual page; `do_restart`, `restart` and `do_auto_shutdown` in its source).
 * Two things differ: an exit may go uncharged, and each child of a restart that waits or was cut
 * short is `restarting`, thus active for `all_significant` (in OTP only the one that failed).
 */
import type { CompleteSupervisorFlags, RestartType } from "./child-spec.ts";
import { decideRestartAllowed, type RestartWindow } from "./restart-intensity.ts";

/**
 * How a child exited: `normal` of its own accord, `shutdown` because it was asked to (OTP's
 * `shutdown` and `{shutdown, Term}`), `crash` for all else: thrown, killed, thread or node lost.
 */
export type ExitKind = "normal" | "shutdown" | "crash";

/** What the decision needs to know of a child. */
export interface SupervisedChild {
  readonly restart: RestartType;
  readonly significant: boolean;
  /** `restarting` from the decision to its start; `stopped` if it ended and is only kept. */
  readonly status: "running" | "restarting" | "stopped";
}

type ChildEntry = readonly [id: string, child: SupervisedChild];

/** What the decision needs to know of the supervisor. */
export interface SupervisionState {
  /** Children by id, in start order: the order in which the map's keys were added. */
  readonly children: ReadonlyMap<string, SupervisedChild>;
  /** Charged restarts: `[]` at first, then each decision's `restarts`. */
  readonly restarts: RestartWindow;
}

/** The flags that decide. */
export type StrategyFlags = Omit<CompleteSupervisorFlags, "backoff">;

/**
 * What happened to a child. `charge: false` is for an exit that is somebody else's fault (a
 * sibling got the thread killed): the same rules, but the restart is not counted. The culprit's
 * own exit must be handed over first: after a group restart it is late, and would go uncharged.
 * A failed start is retried as one more restart, charged unless a neighbour took down the thread on
 * which the child was starting.
 */
export type SupervisionEvent =
  | Readonly<{ type: "exited"; id: string; kind: ExitKind; charge: boolean }>
  | Readonly<{ type: "start_failed"; id: string; charge?: boolean }>;

/**
 * What to do, in this order: stop, remove, then start or end the supervisor. The child of the event
 * becomes `restarting` if it is in `start`, is gone if in `remove`, and else is `stopped`.
 */
export interface SupervisionDecision {
  /** Running children to stop one by one, last started first (under `dynamic` all at once). */
  readonly stop: readonly string[];
  /** Children to forget: temporary ones, and under `dynamic` whichever ended. */
  readonly remove: readonly string[];
  /**
   * Children to start one by one in this order, after the backoff if charged; all are `restarting`
   * until then, and an earlier start of theirs that still waits is void. After one that fails, start
   * no more and decide on `start_failed`; exits meanwhile are decided on when the list is done.
   */
  readonly start: readonly string[];
  /** Whether a restart was counted against the intensity. */
  readonly charge: boolean;
  /**
   * Why the supervisor ends itself (its exit is `shutdown`, as in OTP), or null. If not null, `stop`
   * holds all running children and `start` is empty; starts that still wait are void.
   */
  readonly shutdownSelf: "intensity_exceeded" | "auto_shutdown" | null;
  /** The restart window to keep. */
  readonly restarts: RestartWindow;
}

/**
 * Decides what follows from an event at `nowMs` (monotonic). An unknown child, the exit of one that
 * is not running and the failed start of one that is not restarting are late news: nothing follows.
 */
export function decideSupervision(
  state: SupervisionState,
  flags: StrategyFlags,
  event: SupervisionEvent,
  nowMs: number,
): SupervisionDecision {
  const child = state.children.get(event.id);
  const expected = event.type === "exited" ? "running" : "restarting";
  if (child?.status !== expected) return decision(state.restarts, {});
  const failed = event.type === "start_failed" || event.kind === "crash";
  const restarts = child.restart === "permanent" || (child.restart === "transient" && failed);
  return (restarts ? decideRestart : decideEnd)(state, flags, event, child, nowMs);
}

/** Ids of the running children, except one, in the order to stop them: last started first. */
export function selectStopOrder(children: Iterable<ChildEntry>, exceptId?: string): string[] {
  const running = [...children].filter(([, { status }]) => status === "running");
  return selectIds(running.filter(([id]) => id !== exceptId)).reverse();
}

function decideRestart(
  { children, restarts }: SupervisionState,
  flags: StrategyFlags,
  event: SupervisionEvent,
  child: SupervisedChild,
  nowMs: number,
): SupervisionDecision {
  const { id } = event;
  const { strategy } = flags;
  const charge = event.charge ?? true;
  const counted = decideRestartAllowed(restarts, nowMs, flags);
  if (charge && !counted.allowed) {
    const stop = selectStopOrder(children, id);
    const remove = strategy === "dynamic" ? [id] : [];
    return decision(counted.window, { stop, remove, charge, shutdownSelf: "intensity_exceeded" });
  }
  // Only a group's children are listed: a dynamic supervisor may have a hundred thousand.
  const isGroup = strategy === "one_for_all" || strategy === "rest_for_one";
  const all: ChildEntry[] = isGroup ? [...children] : [[id, child]];
  const first = strategy === "rest_for_one" ? all.findIndex(([key]) => key === id) : 0;
  const concerned = all.slice(first);
  return decision(charge ? counted.window : restarts, {
    stop: selectStopOrder(concerned, id),
    remove: selectIds(concerned.filter(([, { restart }]) => restart === "temporary")),
    // Those that ended earlier are started as well: the group begins anew, as in OTP.
    start: selectIds(concerned.filter(([, { restart }]) => restart !== "temporary")),
    charge,
  });
}

function decideEnd(
  { children, restarts }: SupervisionState,
  { strategy, autoShutdown }: StrategyFlags,
  { id }: SupervisionEvent,
  ended: SupervisedChild,
): SupervisionDecision {
  const remove = ended.restart === "temporary" || strategy === "dynamic" ? [id] : [];
  const isActive = ([otherId, other]: ChildEntry): boolean =>
    otherId !== id && other.significant && other.status !== "stopped";
  const endsAll =
    ended.significant &&
    (autoShutdown === "any_significant" ||
      (autoShutdown === "all_significant" && !children.entries().some(isActive)));
  if (!endsAll) return decision(restarts, { remove });
  const stop = selectStopOrder(children, id);
  return decision(restarts, { stop, remove, shutdownSelf: "auto_shutdown" });
}

function selectIds(entries: readonly ChildEntry[]): string[] {
  return entries.map(([id]) => id);
}

function decision(
  restarts: RestartWindow,
  rest: Partial<SupervisionDecision>,
): SupervisionDecision {
  return { stop: [], remove: [], start: [], charge: false, shutdownSelf: null, restarts, ...rest };
}
