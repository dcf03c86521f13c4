import {
  type Clock,
  type ExitReason,
  type Log,
  normalExit,
  type Random,
  type ReadonlyTable,
  shutdownExit,
  type Timer,
} from "../core/index.ts";
import type { ActorArgs, ActorClass } from "./actor.ts";
import { methodName } from "./actor-class.ts";
import type { Cell } from "./cell.ts";
import type { ActorContext, CurrentMessage, GroupMembership, SpawnOptions } from "./context.ts";
import type { Envelope } from "./envelope.ts";
import type { Nodes } from "./nodes.ts";
import type { ActorRef } from "./ref.ts";
import type { TableWriter } from "./tables.ts";

const noOptions: SpawnOptions = {};

/** A class, because an object literal with getters costs several times as much to make. */
class MessageAtHand implements CurrentMessage {
  readonly #envelope: Envelope;
  readonly #clock: Clock;

  constructor(envelope: Envelope, clock: Clock) {
    this.#envelope = envelope;
    this.#clock = clock;
  }

  get method(): string {
    return methodName(this.#envelope.method);
  }

  get remainingMs(): number {
    const { reply } = this.#envelope;
    if (reply === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, reply.deadlineAt - this.#clock.now());
  }

  get signal(): AbortSignal {
    return this.#envelope.signal;
  }
}

/** The {@link ActorContext} of a cell. */
export class CellContext implements ActorContext {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  get self(): ActorRef {
    return this.#cell.ref;
  }

  get name(): string | null {
    return this.#cell.options.name ?? null;
  }

  get thread(): number {
    return this.#cell.kernel.thread;
  }

  get clock(): Clock {
    return this.#cell.kernel.clock;
  }

  get random(): Random {
    return this.#cell.kernel.random;
  }

  get log(): Log {
    const { kernel } = this.#cell;
    const actor = kernel.describe(this.#cell);
    return (level, message, fields) => kernel.log(level, message, { actor, ...fields });
  }

  get groups(): GroupMembership {
    const cell = this.#cell;
    const { groups } = cell.kernel;
    return {
      members: (group) => groups.members(group),
      localMembers: (group) => groups.localMembers(group),
      join(group) {
        if (cell.isEnding) return;
        cell.joined ??= new Set();
        cell.joined.add(group);
        groups.join(group, cell.ref);
      },
      leave(group) {
        if (cell.joined?.delete(group)) groups.leave(group, cell.ref);
      },
    };
  }

  get nodes(): Nodes {
    return this.#cell.kernel.nodes;
  }

  get message(): CurrentMessage | null {
    const { envelope, kernel } = this.#cell;
    return envelope === null ? null : new MessageAtHand(envelope, kernel.clock);
  }

  spawn<C extends ActorClass>(
    actorClass: C,
    options: SpawnOptions & { readonly args?: ActorArgs<C> } = noOptions,
  ): Promise<ActorRef<InstanceType<C>>> {
    const ref = this.#cell.kernel.spawn(actorClass, options, this.#cell);
    return ref as Promise<ActorRef<InstanceType<C>>>;
  }

  spawnFrom(
    source: string,
    exportName: string,
    options: SpawnOptions & { readonly args?: readonly unknown[] } = noOptions,
  ): Promise<ActorRef> {
    return this.#cell.kernel.spawn({ source, exportName }, options, this.#cell);
  }

  children(): readonly ActorRef[] {
    return this.#cell.bonds.children();
  }

  stopChild(ref: ActorRef, shutdownMs?: number): Promise<void> {
    return this.#cell.bonds.stopChild(ref, shutdownExit, shutdownMs);
  }

  stop(reason: ExitReason = normalExit): void {
    this.#cell.stop(reason);
  }

  watch(ref: ActorRef): void {
    this.#cell.bonds.watch(ref);
  }

  unwatch(ref: ActorRef): void {
    this.#cell.bonds.unwatch(ref);
  }

  link(ref: ActorRef): void {
    this.#cell.bonds.link(ref);
  }

  unlink(ref: ActorRef): void {
    this.#cell.bonds.unlink(ref);
  }

  after(delayMs: number, fire: () => void | Promise<void>): Timer {
    const cell = this.#cell;
    let cancelled = false;
    const clockTimer = cell.kernel.clock.after(delayMs, () => {
      cell.removeTimer(timer);
      // Cancelled between its time and its turn, it does not fire either.
      cell.urgent(() => (cancelled ? undefined : fire()));
    });
    const timer: Timer = {
      cancel() {
        cancelled = true;
        clockTimer.cancel();
        cell.removeTimer(timer);
      },
    };
    if (cell.state === "stopped") clockTimer.cancel();
    cell.addTimer(timer);
    return timer;
  }

  every(intervalMs: number, fire: () => void | Promise<void>): Timer {
    let next: Timer;
    const again = (): void | Promise<void> => {
      next = this.after(intervalMs, again);
      return fire();
    };
    next = this.after(intervalMs, again);
    return { cancel: () => next.cancel() };
  }

  whereis(name: string, node?: string): ActorRef | undefined {
    return this.#cell.kernel.whereis(name, node);
  }

  table<V>(name: string): ReadonlyTable<V> {
    return this.#cell.kernel.tables.open(name);
  }

  writeTable<V>(name: string): TableWriter<V> {
    return this.#cell.kernel.tables.write(name);
  }
}
