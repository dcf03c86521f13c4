import {
  type Address,
  type Clock,
  type ExitReason,
  formatPid,
  type Log,
  type Random,
  TroupeError,
  threadDownExit,
} from "../core/index.ts";
import type { Activity } from "./activity.ts";
import type { ActorClass } from "./actor.ts";
import { type Method, methodName } from "./actor-class.ts";
import { type AskOptions, Asks, defaultAskTimeoutMs } from "./ask.ts";
import { Cell } from "./cell.ts";
import { checkSpawnOptions, type SpawnOptions } from "./context.ts";
import { type DeadLetterReason, DeadLetters, refusalText } from "./dead-letters.ts";
import type { Scheduler } from "./dispatcher.ts";
import { Envelope } from "./envelope.ts";
import { Groups } from "./groups.ts";
import { Host, hostId } from "./host.ts";
import { loadActorClass, type ModuleLoader } from "./load.ts";
import { type Names, namesId, namesTable } from "./names.ts";
import { answerForTheDead, obey } from "./obey.ts";
import { ActorRef, type Sender } from "./ref.ts";
import type { Route } from "./route.ts";
import type { SystemSignal } from "./signal.ts";
import { Arrivals, type Code, Spawner, type SpawnOptionsWithArgs } from "./spawner.ts";
import { strictCopy } from "./strict.ts";
import { Tables } from "./tables.ts";

/** What a kernel is made of; everything that varies between production and tests. */
export interface KernelParts {
  readonly thread: number;
  readonly incarnation: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scheduler: Scheduler;
  readonly activity: Activity;
  readonly loadModule: ModuleLoader;
  /** Copy and freeze every message, as crossing a thread would: finds shared mutable state. */
  readonly strictMessages: boolean;
  /** Called when an actor that was started for another thread has stopped. */
  readonly onHostedStopped?: (() => void) | null;
}

/** Everything that the actors of one thread share. */
export class Kernel implements Sender {
  readonly thread: number;
  readonly incarnation: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scheduler: Scheduler;
  readonly activity: Activity;
  readonly strictMessages: boolean;
  readonly asks: Asks;
  readonly deadLetters: DeadLetters = new DeadLetters();
  readonly tables: Tables;
  readonly groups: Groups;
  readonly host: ActorRef<Host>;
  readonly onHostedStopped: (() => void) | null;
  readonly #cells = new Map<number, Cell>();
  readonly #bound = new Set<Cell>();
  readonly #routes = new Map<number, Route>();
  readonly #arrivals: Arrivals;
  readonly #spawner: Spawner;
  readonly #loadModule: ModuleLoader;
  #flushes: (() => void)[] = [];
  #lastId = 15;

  constructor(parts: KernelParts) {
    this.thread = parts.thread;
    this.incarnation = parts.incarnation;
    this.clock = parts.clock;
    this.random = parts.random;
    this.log = parts.log;
    this.scheduler = parts.scheduler;
    this.activity = parts.activity;
    this.strictMessages = parts.strictMessages;
    this.#loadModule = parts.loadModule;
    this.#arrivals = new Arrivals(parts.clock);
    this.#spawner = new Spawner(this);
    this.onHostedStopped = parts.onHostedStopped ?? null;
    this.asks = new Asks(parts.clock);
    this.tables = new Tables((message) => {
      for (const route of this.#routes.values()) route.table(message);
    }, this.log);
    this.groups = new Groups(this.thread, this.incarnation, this.tables, (address) =>
      this.ref(address),
    );
    this.host = this.spawnFixed(hostId, Host, [this], { concurrency: 1_000 });
  }

  // --- sending -------------------------------------------------------------------------------

  send(target: ActorRef, method: Method, args: readonly unknown[]): boolean {
    const { local } = target;
    const checked = this.strictMessages ? strictCopy(args, methodName(method)) : args;
    if (local !== null) return local.post(new Envelope(method, checked, null));
    const route = this.#routeTo(target);
    const name = methodName(method);
    if (route?.tell(target.id, name, checked)) return true;
    this.deadLetter(formatPid(target), name, this.#unreachable(target, route));
    return false;
  }

  request(
    target: ActorRef,
    method: Method,
    args: readonly unknown[],
    options: AskOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const name = methodName(method);
      const checked = this.strictMessages ? strictCopy(args, name) : args;
      const { timeoutMs = defaultAskTimeoutMs, signal } = options;
      const answer = this.strictMessages
        ? (value: unknown) => {
            // The ask counts as answered by now: a throw from here would leave it to wait for ever.
            try {
              resolve(strictCopy([value], name)[0]);
            } catch (error) {
              reject(error);
            }
          }
        : resolve;
      const ask = this.asks.begin(target, name, timeoutMs, signal, answer, reject);
      if (ask.settled) return;
      if (target.local !== null) {
        target.local.post(new Envelope(method, checked, ask));
        return;
      }
      const route = this.#routeTo(target);
      if (route !== undefined) route.ask(target.id, name, checked, ask);
      else {
        this.deadLetter(formatPid(target), name, this.#unreachable(target, route));
        ask.reject(this.#noActor(target));
      }
    });
  }

  signal(target: ActorRef, signal: SystemSignal): void {
    const cell = target.local;
    if (cell instanceof Cell) {
      if (cell.state !== "stopped") obey(cell, signal);
      else answerForTheDead(this, target, cell.parent, signal);
      return;
    }
    const route = this.#routeTo(target);
    if (route !== undefined) route.signal(target.id, signal);
    else answerForTheDead(this, target, null, signal);
  }

  /** Makes a message a dead letter, and tells its asker. */
  refuse(target: ActorRef, envelope: Envelope, reason: DeadLetterReason): void {
    this.deadLetter(formatPid(target), methodName(envelope.method), reason);
    envelope.reply?.reject(new TroupeError(reason, `${target} ${refusalText[reason]}`));
  }

  /** The same for a message to an actor number of this thread that nobody has. */
  refuseUnknown(id: number, envelope: Envelope): void {
    const { thread, incarnation } = this;
    this.refuse(
      new ActorRef(this, { node: 0, thread, id, incarnation }, null),
      envelope,
      "no_actor",
    );
  }

  deadLetter(to: string, method: string, reason: DeadLetterReason): void {
    this.deadLetters.add({ to, method, reason, at: this.clock.wallTime() });
  }

  // --- actors --------------------------------------------------------------------------------

  /** The ref for an address; the very ref of the actor where it lives here. */
  ref(address: Address): ActorRef {
    if (this.#isHere(address)) {
      const cell = this.#cells.get(address.id);
      if (cell !== undefined) return cell.ref;
    }
    return new ActorRef(this, address, null);
  }

  /** The same address, as a ref that knows its class. */
  typed<C extends ActorClass>(ref: ActorRef, actorClass: C): ActorRef<InstanceType<C>> {
    const typed = ref.actorClass === null ? new ActorRef(this, ref, actorClass) : ref;
    return typed as ActorRef<InstanceType<C>>;
  }

  /** The present incarnation of a thread; undefined when there is no way to it. */
  incarnationOf(thread: number): number | undefined {
    return thread === this.thread ? this.incarnation : this.#routes.get(thread)?.incarnation;
  }

  find(id: number): Cell | undefined {
    return this.#cells.get(id);
  }

  cells(): IterableIterator<Cell> {
    return this.#cells.values();
  }

  whereis(name: string): ActorRef | undefined {
    return this.tables.open<ActorRef>(namesTable).get(name);
  }

  /** A text that names an actor for people: pid, name, class. */
  describe(cell: Cell): string {
    const { name } = cell.options;
    return name === undefined
      ? `${cell.ref} ${cell.info.name}`
      : `${cell.ref} ${name} (${cell.info.name})`;
  }

  /** Starts a child of `parent` on the thread that its options ask for. */
  spawn(code: Code, options: SpawnOptionsWithArgs, parent: Cell): Promise<ActorRef> {
    return this.#spawner.spawn(code, options, parent);
  }

  /** Starts an actor on this thread; resolves when its `init` is done. */
  spawnHere(
    actorClass: ActorClass,
    args: readonly unknown[],
    options: SpawnOptions,
    parent: ActorRef | null,
    onStopped: (() => void) | null = null,
  ): Promise<ActorRef> {
    return new Promise((resolve, reject) => {
      checkSpawnOptions(options);
      this.#lastId += 1;
      const cell = this.#create(this.#lastId, actorClass, args, options, parent, onStopped, (e) => {
        if (e === null) resolve(cell.ref);
        else {
          if (parent?.local instanceof Cell) parent.local.bonds.removeChild(cell.ref);
          reject(startFailure(actorClass.name, e));
        }
      });
      if (parent?.local instanceof Cell) parent.local.bonds.addChild(cell.ref);
      cell.start();
    });
  }

  /** Starts one of the runtime's own actors under its fixed number, without a parent. */
  spawnFixed<C extends ActorClass>(
    id: number,
    actorClass: C,
    args: ConstructorParameters<C>,
    options: SpawnOptions,
  ): ActorRef<InstanceType<C>> {
    const cell = this.#create(id, actorClass, args, options, null, null, (error) => {
      if (error !== null) throw startFailure(actorClass.name, error);
    });
    cell.start();
    return cell.ref as ActorRef<InstanceType<C>>;
  }

  load(source: string, exportName: string): Promise<ActorClass> {
    return loadActorClass(this.#loadModule, source, exportName);
  }

  /** Called by a cell that has stopped. */
  remove(cell: Cell): void {
    this.#cells.delete(cell.ref.id);
    this.#bound.delete(cell);
    this.groups.leaveAll(cell);
    if (cell.options.name !== undefined) this.#names().tell.unregister(cell.options.name, cell.ref);
  }

  /** @throws TroupeError `name_taken`. */
  async registerName(name: string, ref: ActorRef): Promise<void> {
    if (await this.#names().ask.register(name, ref)) return;
    throw new TroupeError("name_taken", `the name ${name} is taken by ${this.whereis(name)}`);
  }

  // --- other threads -------------------------------------------------------------------------

  /** The host of another thread, for as long as that thread lives. */
  hostOf(thread: number): ActorRef<Host> {
    return this.#fixed<Host>(thread, hostId, Host as ActorClass);
  }

  /** One of the runtime's own actors on the main thread. */
  runtimeActor<A>(id: number): ActorRef<A> {
    return this.#fixed<A>(0, id, null);
  }

  /** The way to a thread is open: both sides tell each other their tables. */
  addRoute(route: Route): void {
    this.#routes.set(route.thread, route);
    this.groups.follow(route.thread);
    for (const message of this.tables.snapshots()) route.table(message);
    this.#arrivals.announce(route.thread);
  }

  /** Resolves when there is a way to the thread. @throws TroupeError `thread_down` after the wait. */
  whenReachable(thread: number, timeoutMs: number, parent: Cell): Promise<void> {
    if (this.#routes.has(thread)) return Promise.resolve();
    return this.#arrivals.wait(thread, timeoutMs, parent);
  }

  /**
   * A thread died: whoever here watched, parented, was linked to or was a child of one of its
   * actors learns of it. `culprits` are the actor numbers that brought it down.
   */
  threadDown(thread: number, message: string, culprits: readonly number[]): void {
    this.#routes.delete(thread);
    this.groups.dropThread(thread);
    for (const cell of [...this.#bound]) {
      const ends = cell.bonds.endsOn(thread);
      const isCulprit = (ref: ActorRef): boolean => culprits.includes(ref.id);
      const reasonFor = (ref: ActorRef): ExitReason => threadDownExit(message, isCulprit(ref));
      // The culprit first: a supervisor that restarts a group charges the exit that it hears first.
      const ended = [...ends.children, ...ends.watched];
      for (const ref of [...ended.filter(isCulprit), ...ended.filter((ref) => !isCulprit(ref))]) {
        obey(cell, { type: "terminated", ref, reason: reasonFor(ref) });
      }
      for (const ref of ends.links) obey(cell, { type: "exit", ref, reason: reasonFor(ref) });
      if (cell.parent?.thread === thread) {
        cell.stop({ kind: "shutdown", message: `the thread of its parent died: ${message}` });
      }
    }
  }

  /** Notes that the death of another thread may concern the cell. */
  bind(cell: Cell): void {
    this.#bound.add(cell);
  }

  /** Runs `flush` once, when the present turns are over. */
  flushLater(flush: () => void): void {
    if (this.#flushes.push(flush) === 1) this.scheduler.onIdle(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    const flushes = this.#flushes;
    this.#flushes = [];
    for (const flush of flushes) flush();
  };

  #create(
    id: number,
    actorClass: ActorClass,
    args: readonly unknown[],
    options: SpawnOptions,
    parent: ActorRef | null,
    onStopped: (() => void) | null,
    onStarted: (error: unknown) => void,
  ): Cell {
    const { thread, incarnation } = this;
    const ref = new ActorRef(this, { node: 0, thread, id, incarnation }, actorClass);
    const cell = new Cell(this, ref, actorClass, args, options, parent, onStarted, onStopped);
    ref.local = cell;
    this.#cells.set(id, cell);
    if (parent !== null && parent.thread !== thread) this.bind(cell);
    return cell;
  }

  #isHere(address: Address): boolean {
    return (
      address.node === 0 &&
      address.thread === this.thread &&
      address.incarnation === this.incarnation
    );
  }

  #fixed<A>(thread: number, id: number, actorClass: ActorClass | null): ActorRef<A> {
    const incarnation = this.incarnationOf(thread) ?? 0;
    const address = { node: 0, thread, id, incarnation };
    const local = this.#isHere(address) ? this.#cells.get(id)?.ref : undefined;
    return (local ?? new ActorRef(this, address, actorClass)) as ActorRef<A>;
  }

  #names(): ActorRef<Names> {
    return this.runtimeActor<Names>(namesId);
  }

  #routeTo(target: ActorRef): Route | undefined {
    const route = this.#routes.get(target.thread);
    return route?.incarnation === target.incarnation ? route : undefined;
  }

  #unreachable(target: ActorRef, route: Route | undefined): DeadLetterReason {
    if (route !== undefined) return "link_full";
    return target.thread === this.thread ? "no_actor" : "thread_down";
  }

  #noActor(target: ActorRef): TroupeError {
    const why = target.thread === this.thread ? "is no living actor" : "was on a thread that died";
    return new TroupeError("no_actor", `${target} ${why}`);
  }
}

function startFailure(name: string, error: unknown): TroupeError {
  if (error instanceof TroupeError && error.code === "name_taken") return error;
  const text = error instanceof Error ? error.message : String(error);
  return new TroupeError("start_failed", `${name} did not start: ${text}`, error);
}
