import { type ExitReason, HERE, nodeDownExit, TroupeError, threadDownExit } from "../core/index.ts";
import type { Bonds } from "./bonds.ts";
import type { Cell } from "./cell.ts";
import type { DeadLetterReason } from "./dead-letters.ts";
import type { Kernel } from "./kernel.ts";
import { obey } from "./obey.ts";
import type { ActorRef } from "./ref.ts";
import type { NodeRoutes, Route, ThreadRoute } from "./route.ts";
import { Arrivals } from "./spawner.ts";

/** The ways from one thread to the actors of others, and what follows when one is lost. */
export class Routes {
  readonly #kernel: Kernel;
  readonly #threads = new Map<number, ThreadRoute>();
  readonly #arrivals: Arrivals;
  /** The cells that the loss of another thread or node may concern. */
  readonly #bound = new Set<Cell>();
  /** The ways to other nodes; null while this one is part of no cluster. */
  nodes: NodeRoutes | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#arrivals = new Arrivals(kernel.clock);
  }

  /** The way to an actor that does not live on this thread; undefined when there is none. */
  to(target: ActorRef): Route | undefined {
    if (target.node !== HERE) return this.nodes?.to(target.node);
    const route = this.#threads.get(target.thread);
    return route?.incarnation === target.incarnation ? route : undefined;
  }

  /** The ways to the other threads. */
  threads(): IterableIterator<ThreadRoute> {
    return this.#threads.values();
  }

  /** Why a message for `target` was not taken by `route`. */
  refusalOf(target: ActorRef, route: Route | undefined): DeadLetterReason {
    if (route !== undefined) return "link_full";
    if (target.node !== HERE) return "unreachable";
    return target.thread === this.#kernel.thread ? "no_actor" : "thread_down";
  }

  /** The present incarnation of a thread of this node; undefined when there is no way to it. */
  incarnationOf(thread: number): number | undefined {
    const { thread: here, incarnation } = this.#kernel;
    return thread === here ? incarnation : this.#threads.get(thread)?.incarnation;
  }

  /** The way to a thread is open: both sides tell each other their tables. */
  add(route: ThreadRoute): void {
    const { groups, tables } = this.#kernel;
    this.#threads.set(route.thread, route);
    groups.follow(route.thread);
    for (const message of tables.snapshots()) route.table(message);
    this.#arrivals.announce(route.thread);
  }

  /** Resolves when there is a way to the thread. @throws TroupeError `thread_down` after the wait. */
  whenReachable(thread: number, timeoutMs: number, parent: Cell): Promise<void> {
    if (this.#threads.has(thread)) return Promise.resolve();
    return this.#arrivals.wait(thread, timeoutMs, parent);
  }

  /** Notes that the loss of another thread or node may concern the cell. */
  bind(cell: Cell): void {
    this.#bound.add(cell);
  }

  unbind(cell: Cell): void {
    this.#bound.delete(cell);
  }

  /**
   * A thread died: whoever here watched, parented, was linked to or was a child of one of its
   * actors learns of it. `culprits` are the actor numbers that brought it down.
   */
  threadDown(thread: number, message: string, culprits: readonly number[]): void {
    this.#threads.delete(thread);
    this.#kernel.groups.dropThread(thread);
    const isThere = (ref: ActorRef): boolean => ref.node === HERE && ref.thread === thread;
    const isCulprit = (ref: ActorRef): boolean => culprits.includes(ref.id);
    const reasonFor = (ref: ActorRef): ExitReason => threadDownExit(message, isCulprit(ref));
    for (const cell of [...this.#bound]) {
      const ends = cell.bonds.endsAt(isThere);
      // The culprit first: a supervisor that restarts a group charges the exit that it hears first.
      const ended = [...ends.ended.filter(isCulprit), ...ends.ended.filter((r) => !isCulprit(r))];
      tellEnds(cell, { ...ends, ended }, reasonFor);
      if (cell.parent !== null && isThere(cell.parent)) {
        cell.stop({ kind: "shutdown", message: `the thread of its parent died: ${message}` });
      }
    }
  }

  /** The way to a node was lost: what was bound to its actors learns of it. */
  nodeDown(node: string, message: string): void {
    const reason = nodeDownExit(message);
    for (const cell of [...this.#bound]) {
      tellEnds(
        cell,
        cell.bonds.endsAt((ref) => ref.node === node),
        () => reason,
      );
    }
  }

  /** The failure of an ask that could not be sent at all. */
  failureOf(target: ActorRef): TroupeError {
    if (target.node !== HERE) {
      return new TroupeError(
        "unreachable",
        `${target} cannot be reached: its node is not connected`,
      );
    }
    const isHere = target.thread === this.#kernel.thread;
    const why = isHere ? "is no living actor" : "was on a thread that died";
    return new TroupeError("no_actor", `${target} ${why}`);
  }
}

function tellEnds(
  cell: Cell,
  { ended, links }: ReturnType<Bonds["endsAt"]>,
  reasonFor: (ref: ActorRef) => ExitReason,
): void {
  for (const ref of ended) obey(cell, { type: "terminated", ref, reason: reasonFor(ref) });
  for (const ref of links) obey(cell, { type: "exit", ref, reason: reasonFor(ref) });
}
