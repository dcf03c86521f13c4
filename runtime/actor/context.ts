import type { Clock, ExitReason, Log, Random, ReadonlyTable, Timer } from "../core/index.ts";
import type { ActorArgs, ActorClass } from "./actor.ts";
import type { Nodes } from "./nodes.ts";
import type { ActorRef } from "./ref.ts";
import type { TableWriter } from "./tables.ts";

/** What a full mailbox does with one message more. */
export type OverflowPolicy = "fail" | "drop_oldest" | "drop_newest";

/** Limits of a dedicated thread, MB; what V8 assumes where a value is missing. */
export interface ResourceLimits {
  readonly maxOldGenerationSizeMb?: number;
  readonly maxYoungGenerationSizeMb?: number;
  readonly stackSizeMb?: number;
}

/** How an actor is to live. */
export interface SpawnOptions {
  /** Registers the actor under a name that is unique among the living actors of the node. */
  readonly name?: string;
  /**
   * The thread to live on: a number, `"dedicated"` for a thread of its own that ends with it, or
   * `"any"`, the scheduler threads in turn. Default: the thread of the caller, from the main
   * thread `"any"`. Other threads need the class to have a `source`.
   */
  readonly thread?: number | "dedicated" | "any";
  /**
   * The name of another node to live on, which has to allow the module (`spawnModules`); `thread` is
   * then one of that node. The actor ends when the connection between the two is lost.
   */
  readonly node?: string;
  readonly resourceLimits?: ResourceLimits;
  /** Messages that may wait; default 10,000. */
  readonly mailboxCapacity?: number;
  /**
   * - `fail` (default): the message is refused; `tell` is false, an ask fails with `mailbox_full`.
   * - `drop_oldest`: the oldest waiting message makes room.
   * - `drop_newest`: the message is dropped and the sender of a tell is not told.
   * What is dropped or refused is a dead letter; an ask always learns of it.
   */
  readonly overflow?: OverflowPolicy;
  /** Messages that may be in progress at once; default 1. */
  readonly concurrency?: number;
  /** Time for `terminate` and the children before a kill; default 5,000 ms; 0 kills at once. */
  readonly shutdownMs?: number;
  /** Time for `init`; default 30,000 ms. */
  readonly startTimeoutMs?: number;
  /** Hear of linked actors' crashes as `exit` signals instead of stopping with them. */
  readonly trapExit?: boolean;
  /** How often the supervisor has restarted this child; shown in the tree. */
  readonly restarts?: number;
}

/** The options that count while an actor lives, and not for its start alone. */
export type LifeOptions = Omit<SpawnOptions, "thread" | "node" | "resourceLimits" | "concurrency">;

const noLifeOptions: LifeOptions = Object.freeze({});

/** Picks them, so that an actor keeps neither its arguments nor, as mostly, any options. */
export function selectLifeOptions(options: SpawnOptions): LifeOptions {
  const { name, mailboxCapacity, overflow, shutdownMs } = options;
  const { startTimeoutMs, trapExit, restarts } = options;
  const any = name ?? mailboxCapacity ?? overflow ?? shutdownMs ?? startTimeoutMs ?? trapExit;
  if ((any ?? restarts) === undefined) return noLifeOptions;
  const { args: _args, ...kept } = options as SpawnOptions & { readonly args?: unknown };
  return kept;
}

/**
 * Checks the numbers among the options.
 * @throws RangeError that names the option, what is expected and what came.
 */
export function checkSpawnOptions(options: SpawnOptions): void {
  checkNumber("concurrency", options.concurrency, 1);
  checkNumber("mailboxCapacity", options.mailboxCapacity, 1);
  checkNumber("shutdownMs", options.shutdownMs, 0);
  checkNumber("startTimeoutMs", options.startTimeoutMs, 0);
}

function checkNumber(name: string, value: number | undefined, atLeast: number): void {
  if (value === undefined || value >= atLeast) return;
  throw new RangeError(`${name}: expected a number >= ${atLeast}, received ${value}`);
}

/** The ask that an actor is working on. */
export interface CurrentMessage {
  readonly method: string;
  /** Milliseconds that the asker will still wait. */
  readonly remainingMs: number;
  /** Aborted when the asker gives up or the actor stops. */
  readonly signal: AbortSignal;
}

/** The groups as an actor uses them: its own membership, and everybody's. */
export interface GroupMembership {
  /** The members on all nodes. Do not change the list. */
  members(group: string): readonly ActorRef[];
  /** Those on this node, on all its threads. Do not change the list. */
  localMembers(group: string): readonly ActorRef[];
  /** Ends with the actor. */
  join(group: string): void;
  leave(group: string): void;
}

/** An actor's hold on the system. */
export interface ActorContext {
  readonly self: ActorRef;
  readonly name: string | null;
  readonly thread: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Writes log lines that carry the actor's pid and name. */
  readonly log: Log;
  readonly groups: GroupMembership;
  /** This node and those that are connected to it; none when it is part of no cluster. */
  readonly nodes: Nodes;
  /**
   * The ask at hand; null between messages, and for a tell, for which nobody waits. Take it before
   * the first `await`: afterwards another message may be at hand.
   */
  readonly message: CurrentMessage | null;

  /**
   * Starts a child and waits for its `init`. The child stops with this actor; when it stops by
   * itself, `onSignal` hears `terminated`. Only a Supervisor restarts its children.
   * @throws TroupeError `start_failed`, `load_failed`, `name_taken`, `thread_down`, `stopping`.
   */
  spawn<C extends ActorClass>(
    actorClass: C,
    options?: SpawnOptions & { readonly args?: ActorArgs<C> },
  ): Promise<ActorRef<InstanceType<C>>>;
  /** As `spawn`, for a class known by the URL of its module. */
  spawnFrom(
    source: string,
    exportName: string,
    options?: SpawnOptions & { readonly args?: readonly unknown[] },
  ): Promise<ActorRef>;
  /** The children, in the order of their start. */
  children(): readonly ActorRef[];
  /** Stops a child and waits for its end; killed after its shutdown time. */
  stopChild(ref: ActorRef, shutdownMs?: number): Promise<void>;
  /** Stops this actor after the present message. */
  stop(reason?: ExitReason): void;

  /** Hears `terminated` when `ref` stops, at once when it is already gone. */
  watch(ref: ActorRef): void;
  unwatch(ref: ActorRef): void;
  /** Stops with `ref` when either ends other than normally. */
  link(ref: ActorRef): void;
  unlink(ref: ActorRef): void;

  /** Runs `fire` in a turn of this actor after `delayMs`; cancelled with the actor. */
  after(delayMs: number, fire: () => void | Promise<void>): Timer;
  /** The same again and again; a turn that is late is not made up for. */
  every(intervalMs: number, fire: () => void | Promise<void>): Timer;

  /**
   * The living actor of that name, on this node, or on the node named. With {@link ANY_NODE}: here,
   * else on the first node that has one, in the order of their names.
   */
  whereis(name: string, node?: string): ActorRef | undefined;
  /** This thread's replica of a table. */
  table<V>(name: string): ReadonlyTable<V>;
  /** Becomes the one writer of a table, going on from what the replica here holds. */
  writeTable<V>(name: string): TableWriter<V>;
}
