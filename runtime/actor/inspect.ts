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

/** What an operator sees of a thread. */
export interface ThreadInfo {
  readonly thread: number;
  readonly incarnation: number;
  readonly actors: number;
  readonly pendingAsks: number;
  readonly lateReplies: number;
  readonly deadLetters: number;
  readonly heapUsedBytes: number;
}

/** An actor as it stands. */
export function inspectActor(cell: Cell, nowMs: number): ActorInfo {
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

/** All actors of a thread, and the thread itself. */
export function inspectKernel(kernel: Kernel): { actors: ActorInfo[]; info: ThreadInfo } {
  const now = kernel.clock.now();
  const actors = [...kernel.cells()].map((cell) => inspectActor(cell, now));
  return {
    actors,
    info: {
      thread: kernel.thread,
      incarnation: kernel.incarnation,
      actors: actors.length,
      pendingAsks: kernel.asks.pending,
      lateReplies: kernel.asks.late,
      deadLetters: kernel.deadLetters.total,
      heapUsedBytes: process.memoryUsage().heapUsed,
    },
  };
}
