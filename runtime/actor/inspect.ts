import { formatPid } from "../core/index.ts";
import type { Cell, CellState } from "./cell.ts";
import type { Kernel } from "./kernel.ts";

/** What an operator sees of an actor. */
export interface ActorInfo {
  readonly pid: string;
  readonly name: string | null;
  readonly class: string;
  readonly thread: number;
  readonly state: CellState;
  /** Messages that wait. */
  readonly mailbox: number;
  /** Messages in progress. */
  readonly active: number;
  /** Messages begun since the start. */
  readonly handled: number;
  readonly restarts: number;
  readonly uptimeMs: number;
  /** Pid of the parent; null for the runtime's own and for the root. */
  readonly parent: string | null;
  readonly groups: readonly string[];
}

/** The asks of a link: those that wait for the other thread, and those that it waits for. */
export interface LinkLoad {
  readonly asking: number;
  readonly serving: number;
}

/** What an operator sees of a thread. */
export interface ThreadInfo {
  readonly thread: number;
  readonly incarnation: number;
  readonly actors: number;
  readonly pendingAsks: number;
  /** Asks to and from other threads that wait for an answer. */
  readonly linkAsks: LinkLoad;
  readonly lateReplies: number;
  readonly deadLetters: number;
  readonly heapUsedBytes: number;
}

/** An actor as it stands. */
function inspectActor(cell: Cell, nowMs: number): ActorInfo {
  return {
    pid: formatPid(cell.ref),
    name: cell.options.name ?? null,
    class: cell.info.name,
    thread: cell.ref.thread,
    state: cell.state,
    mailbox: cell.waiting,
    active: cell.active,
    handled: cell.handled,
    restarts: cell.options.restarts ?? 0,
    uptimeMs: Math.round(nowMs - cell.startedAt),
    parent: cell.parent === null ? null : formatPid(cell.parent),
    groups: [...(cell.joined ?? [])],
  };
}

/** All actors of a thread, and the thread itself with its links. */
export function inspectKernel(
  kernel: Kernel,
  links: Iterable<{ readonly load: LinkLoad }>,
): { actors: ActorInfo[]; info: ThreadInfo } {
  const loads = [...links].map((link) => link.load);
  const sum = (count: (load: LinkLoad) => number): number =>
    loads.reduce((total, load) => total + count(load), 0);
  const now = kernel.clock.now();
  const actors = [...kernel.cells()].map((cell) => inspectActor(cell, now));
  return {
    actors,
    info: {
      thread: kernel.thread,
      incarnation: kernel.incarnation,
      actors: actors.length,
      pendingAsks: kernel.asks.pending,
      linkAsks: { asking: sum((load) => load.asking), serving: sum((load) => load.serving) },
      lateReplies: kernel.asks.late,
      deadLetters: kernel.deadLetters.total,
      heapUsedBytes: process.memoryUsage().heapUsed,
    },
  };
}
