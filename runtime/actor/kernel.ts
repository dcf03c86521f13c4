import {
  type Address,
  type Clock,
  formatPid,
  HERE,
  type Log,
  type Random,
  TroupeError,
} from "../core/index.ts";
import type { Activity } from "./activity.ts";
import type { ActorClass } from "./actor.ts";
import { type Method, methodName } from "./actor-class.ts";
import { type AskOptions, Asks, defaultAskTimeoutMs, type PendingAsk } from "./ask.ts";
import { Cell } from "./cell.ts";
import { checkSpawnOptions, type SpawnOptions } from "./context.ts";
import { type DeadLetterReason, DeadLetters, refusalText } from "./dead-letters.ts";
import type { Scheduler } from "./dispatcher.ts";
import { Envelope } from "./envelope.ts";
import { Groups } from "./groups.ts";
import { Host, hostId } from "./host.ts";
import { loadActorClass, type ModuleLoader } from "./load.ts";
import { ANY_NODE, type Names, namesId, namesTable, namesTableOf } from "./names.ts";
import { Nodes } from "./nodes.ts";
import { answerForTheDead, obey } from "./obey.ts";
import { ActorRef, type Sender } from "./ref.ts";
import { Routes } from "./routes.ts";
import type { SystemSignal } from "./signal.ts";
import { type Code, Spawner, type SpawnOptionsWithArgs } from "./spawner.ts";
import { strictCopy } from "./strict.ts";
import { Tables } from "./tables.ts";

/** What a kernel is made of; everything that varies between production and tests. */
export interface KernelParts {
  readonly thread: number;
  readonly incarnation: number;
  /** The name of this node in its cluster; default: it is part of none. */
  readonly nodeName?: string | null;
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
  readonly nodeName: string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scheduler: Scheduler;
  readonly activity: Activity;
  readonly strictMessages: boolean;
  readonly asks: Asks;
  readonly deadLetters: DeadLetters = new DeadLetters();
  readonly tables: Tables;
  readonly nodes: Nodes;
  readonly groups: Groups;
  readonly routes: Routes;
  readonly host: ActorRef<Host>;
  readonly onHostedStopped: (() => void) | null;
  readonly #cells = new Map<number, Cell>();
  readonly #spawner: Spawner;
  readonly #loadModule: ModuleLoader;
  #flushes: (() => void)[] = [];
  #lastId = 15;

  constructor(parts: KernelParts) {
    this.thread = parts.thread;
    this.incarnation = parts.incarnation;
    this.nodeName = parts.nodeName ?? null;
    this.clock = parts.clock;
    this.random = parts.random;
    this.log = parts.log;
    this.scheduler = parts.scheduler;
    this.activity = parts.activity;
    this.strictMessages = parts.strictMessages;
    this.#loadModule = parts.loadModule;
    this.#spawner = new Spawner(this);
    this.onHostedStopped = parts.onHostedStopped ?? null;
    this.asks = new Asks(parts.clock);
    this.tables = new Tables((message) => {
      for (const route of this.routes.threads()) route.table(message);
    }, this.log);
    this.routes = new Routes(this);
    this.nodes = new Nodes(this.tables);
    this.groups = new Groups(this, this.nodes);
    this.host = this.spawnFixed(hostId, Host, [this], { concurrency: 1_000 });
  }

  // --- sending -------------------------------------------------------------------------------

  send(target: ActorRef, method: Method, args: readonly unknown[]): boolean {
    const { local } = target;
    const checked = this.strictMessages ? strictCopy(args, methodName(method)) : args;
    if (local !== null) return local.post(new Envelope(method, checked, null));
    const route = this.routes.to(target);
    const name = methodName(method);
    if (route?.tell(target, name, checked)) return true;
    this.deadLetter(formatPid(target), name, this.routes.refusalOf(target, route));
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
      if (!ask.settled) this.#sendAsk(target, method, checked, ask);
    });
  }

  /** Passes on what came from another node for an actor of another thread. */
  forward(target: ActorRef, { method, args, reply }: Envelope): void {
    if (reply === null) this.send(target, method, args);
    else {
      const timeoutMs = Math.max(0, reply.deadlineAt - this.clock.now());
      const ask = this.asks.begin(
        target,
        methodName(method),
        timeoutMs,
        undefined,
        (value) => reply.resolve(value),
        (error) => reply.reject(error),
      );
      reply.onAbandon = (reason) => ask.giveUp(reason);
      this.#sendAsk(target, method, args, ask);
    }
  }

  signal(target: ActorRef, signal: SystemSignal): void {
    const cell = target.local;
    if (cell instanceof Cell) {
      if (cell.state !== "stopped") obey(cell, signal);
      else answerForTheDead(this, target, cell.parent, signal);
      return;
    }
    const route = this.routes.to(target);
    if (route !== undefined) route.signal(target, signal);
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
      new ActorRef(this, { node: HERE, thread, id, incarnation }, null),
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

  find(id: number): Cell | undefined {
    return this.#cells.get(id);
  }

  cells(): IterableIterator<Cell> {
    return this.#cells.values();
  }

  /** See `ActorContext.whereis`. */
  whereis(name: string, node: string = HERE): ActorRef | undefined {
    const isHere = node === HERE || node === this.nodeName;
    const table = isHere || node === ANY_NODE ? namesTable : namesTableOf(node);
    const ref = this.tables.open<ActorRef>(table).get(name);
    if (ref !== undefined || node !== ANY_NODE) return ref;
    for (const other of this.nodes.list()) {
      const there = other.isSelf ? undefined : this.whereis(name, other.name);
      if (there !== undefined) return there;
    }
    return undefined;
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

  /**
   * Starts an actor of the runtime without a parent, and does not wait: its messages do. `onStopped`
   * is called when it has stopped, or could not start.
   */
  launch<C extends ActorClass>(
    actorClass: C,
    args: ConstructorParameters<C>,
    options: SpawnOptions,
    onStopped: () => void,
  ): ActorRef<InstanceType<C>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const cell = this.#create(id, actorClass, args, options, null, onStopped, () => {});
    cell.start();
    return cell.ref as ActorRef<InstanceType<C>>;
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
    this.routes.unbind(cell);
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
    const ref = new ActorRef(this, { node: HERE, thread, id, incarnation }, actorClass);
    const cell = new Cell(this, ref, actorClass, args, options, parent, onStarted, onStopped);
    ref.local = cell;
    this.#cells.set(id, cell);
    if (parent !== null && parent.thread !== thread) this.routes.bind(cell);
    return cell;
  }

  #sendAsk(target: ActorRef, method: Method, args: readonly unknown[], ask: PendingAsk): void {
    if (target.local !== null) {
      target.local.post(new Envelope(method, args, ask));
      return;
    }
    const route = this.routes.to(target);
    const name = methodName(method);
    if (route !== undefined) route.ask(target, name, args, ask);
    else {
      this.deadLetter(formatPid(target), name, this.routes.refusalOf(target, route));
      ask.reject(this.routes.failureOf(target));
    }
  }

  #isHere(address: Address): boolean {
    return (
      address.thread === this.thread &&
      address.incarnation === this.incarnation &&
      address.node === HERE
    );
  }

  #fixed<A>(thread: number, id: number, actorClass: ActorClass | null): ActorRef<A> {
    const incarnation = this.routes.incarnationOf(thread) ?? 0;
    const address = { node: HERE, thread, id, incarnation };
    const local = this.#isHere(address) ? this.#cells.get(id)?.ref : undefined;
    return (local ?? new ActorRef(this, address, actorClass)) as ActorRef<A>;
  }

  #names(): ActorRef<Names> {
    return this.runtimeActor<Names>(namesId);
  }
}

function startFailure(name: string, error: unknown): TroupeError {
  if (error instanceof TroupeError && error.code === "name_taken") return error;
  const text = error instanceof Error ? error.message : String(error);
  return new TroupeError("start_failed", `${name} did not start: ${text}`, error);
}
