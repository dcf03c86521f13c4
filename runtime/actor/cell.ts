import {
  crashExit,
  type ExitReason,
  isReplyError,
  type Timer,
  TroupeError,
  toErrorRecord,
} from "../core/index.ts";
import type { ActorClass } from "./actor.ts";
import { type ActorClassInfo, actorClassInfo, callMethod, methodName } from "./actor-class.ts";
import { Birth } from "./birth.ts";
import { Bonds } from "./bonds.ts";
import { type LifeOptions, type SpawnOptions, selectLifeOptions } from "./context.ts";
import type { Runnable } from "./dispatcher.ts";
import { limitStop, reportCrash, reportUnheard, runDown, unanswered } from "./ending.ts";
import type { Envelope } from "./envelope.ts";
import { InFlight } from "./in-flight.ts";
import { Inbox, type Urgent } from "./inbox.ts";
import type { Kernel } from "./kernel.ts";
import { type Exclusive, isThenable, type Lifecycle, toPromise } from "./lifecycle.ts";
import type { ActorRef } from "./ref.ts";
import type { Signal } from "./signal.ts";

/** `starting` until init is done, `stopping` from the last message to the end of `terminate`. */
export type CellState = "starting" | "running" | "stopping" | "stopped";

/** The life of one actor: its mailbox, its turns, its end. */
export class Cell implements Runnable {
  readonly kernel: Kernel;
  readonly ref: ActorRef;
  readonly parent: ActorRef | null;
  readonly options: LifeOptions;
  info: ActorClassInfo;
  state: CellState = "starting";
  /** The ask whose method is being called right now. */
  envelope: Envelope | null = null;
  #timers: Set<Timer> | null = null;
  /** The time of its stop is running. */
  stopLimited = false;
  joined: Set<string> | null = null;
  /** Messages begun since the start. */
  handled = 0;
  /** On the clock's `now`, in whole ms. */
  readonly startedAt: number;
  instance: Lifecycle | null = null;
  /** Null: it has started. */
  #birth: Birth | null;
  /** True from the moment on that no message is taken any more. */
  isEnding = false;
  /** What waits until no message is in progress; no message begins before it is done. */
  #exclusive: Exclusive | null = null;
  #inbox: Inbox | null = null;
  #inFlight: InFlight | null = null;
  #bonds: Bonds | null = null;
  #active = 0;
  readonly #concurrency: number;
  #queued = false;
  #stopReason: ExitReason | null = null;
  #onStopped: (() => void) | null;

  constructor(
    kernel: Kernel,
    ref: ActorRef,
    actorClass: ActorClass,
    args: readonly unknown[],
    options: SpawnOptions,
    parent: ActorRef | null,
    onStarted: (error: unknown) => void,
    onStopped: (() => void) | null,
  ) {
    this.kernel = kernel;
    this.ref = ref;
    this.info = actorClassInfo(actorClass);
    this.options = selectLifeOptions(options);
    this.parent = parent;
    this.#concurrency = options.concurrency ?? 1;
    this.startedAt = Math.round(kernel.clock.now());
    this.#birth = new Birth(this, args, onStarted);
    this.#onStopped = onStopped;
  }

  get bonds(): Bonds {
    this.#bonds ??= new Bonds(this);
    return this.#bonds;
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#inbox?.size ?? 0;
  }

  /** Messages, signals and timers in progress. */
  get active(): number {
    return this.#active;
  }

  /** Binds a timer, or whatever else is to be cancelled, to the life of the actor. */
  addTimer(timer: Timer): void {
    this.#timers ??= new Set();
    this.#timers.add(timer);
  }

  removeTimer(timer: Timer): void {
    if (this.#timers?.delete(timer) && this.#timers.size === 0) this.#timers = null;
  }

  /** Pid, name and class, for people. */
  toString(): string {
    return this.kernel.describe(this);
  }

  /** Queues a message; false when it was refused. Whatever is not taken becomes a dead letter. */
  post(envelope: Envelope): boolean {
    if (this.isEnding) {
      this.kernel.refuse(this.ref, envelope, "actor_stopped");
      return false;
    }
    this.#inbox ??= new Inbox();
    if (this.#inbox.offer(envelope, this.options.mailboxCapacity)) {
      if (!this.#queued) this.#schedule();
      return true;
    }
    const { overflow } = this.options;
    const dropped = overflow === "drop_oldest" ? this.#inbox.replaceOldest(envelope) : envelope;
    this.kernel.refuse(this.ref, dropped, "mailbox_full");
    return overflow === "drop_newest" || dropped !== envelope;
  }

  /** Asks for the first turn, in which the actor is constructed. */
  start(): void {
    this.#schedule();
  }

  runTurn(limit: number): boolean {
    if (this.state === "stopped") return false;
    if (this.#birth !== null) this.#birth.begin();
    const inbox = this.#inbox;
    for (let left = limit; left > 0 && inbox !== null && this.#mayTakeNext(); left -= 1) {
      const urgent = inbox.nextUrgent();
      if (urgent !== undefined) this.#runUrgent(urgent);
      else {
        const envelope = inbox.shift();
        if (envelope === undefined) break;
        this.#deliver(envelope);
      }
    }
    this.kernel.activity.end();
    this.#queued = this.#hasWork() && this.#mayTakeNext();
    return this.#queued;
  }

  /** Runs `work` in a turn of the actor, before waiting messages; a throw crashes it. */
  urgent(work: Urgent): void {
    if (this.isEnding) return;
    this.#inbox ??= new Inbox();
    this.#inbox.addUrgent(work);
    if (!this.#queued) this.#schedule();
  }

  /** Runs `work` alone: after the messages in progress, before any other begins. */
  exclusively(work: Exclusive): void {
    if (this.isEnding || this.#exclusive !== null) {
      work.cancel(new TroupeError("actor_stopped", `${this} is stopping or is being changed`));
      return;
    }
    this.#exclusive = work;
    const isFree = this.#active === 0 && !this.kernel.activity.isBusyWith(this.ref.id);
    if (isFree && this.state === "running") this.#runExclusive(work);
  }

  /** Stops after the messages in progress; what still waits becomes dead letters. */
  stop(reason: ExitReason, shutdownMs?: number): void {
    if (this.#stopReason !== null || this.state === "stopped") return;
    this.#stopReason = reason;
    this.#closeInbox();
    const inTurn =
      this.#active > 0 || this.kernel.activity.isBusyWith(this.ref.id) || this.state === "starting";
    if (!inTurn && this.#bonds === null && this.instance?.terminate === undefined) {
      this.finish(reason);
      return;
    }
    limitStop(this, shutdownMs, reason);
    if (!inTurn) this.#shutDown(reason);
  }

  /** Ends at once: no `terminate`, children killed, messages in progress left to themselves. */
  kill(reason: ExitReason): void {
    if (this.state === "stopped") return;
    this.#bonds?.killChildren(reason);
    this.finish(reason);
  }

  /** Puts an instance in service; `actorClass` is given when it replaces one. */
  adopt(instance: Lifecycle, actorClass: ActorClass | null = null): void {
    this.instance = instance;
    if (actorClass === null || actorClass === this.ref.actorClass) return;
    this.info = actorClassInfo(actorClass);
    this.ref.rebind(actorClass);
  }

  /** `init` is done. */
  started(): void {
    if (this.state !== "starting") return;
    this.state = "running";
    this.#birth?.succeeded();
    this.#birth = null;
    if (this.#stopReason !== null) this.#shutDown(this.#stopReason);
    else if (this.#hasWork() && !this.#queued) this.#schedule();
  }

  startFailed(error: unknown): void {
    if (this.state !== "starting") return;
    this.#birth?.fails(error);
    this.#shutDown(crashExit(toErrorRecord(error)));
  }

  #schedule(): void {
    this.#queued = true;
    this.kernel.scheduler.ready(this);
  }

  #hasWork(): boolean {
    return this.#inbox?.hasWork ?? false;
  }

  #mayTakeNext(): boolean {
    return (
      this.state === "running" &&
      this.#stopReason === null &&
      this.#exclusive === null &&
      this.#active < this.#concurrency
    );
  }

  #deliver(envelope: Envelope): void {
    const { reply } = envelope;
    // Whoever asked has gone: the work would be for nobody.
    if (reply?.settled) return;
    const { method } = envelope;
    const known = typeof method !== "string" && method.owner === this.info;
    const entry = known ? method : this.info.methods[methodName(method)];
    if (entry === undefined) {
      this.kernel.refuse(this.ref, envelope, "unknown_method");
      return;
    }
    this.handled += 1;
    const { activity } = this.kernel;
    activity.begin(this.ref.id, entry.label, reply);
    // Not for a tell: nobody waits for it, and the store would be a tenth of its cost.
    if (reply !== null) this.envelope = envelope;
    try {
      const result = callMethod(entry, this.instance, envelope.args);
      if (isThenable(result)) {
        activity.suspend();
        this.#await(envelope, toPromise(result));
      } else if (reply !== null) reply.resolve(result);
    } catch (error) {
      this.#failed(envelope, error);
    }
    if (reply !== null) this.envelope = null;
    if (this.#stopReason !== null && this.#active === 0) this.#shutDown(this.#stopReason);
  }

  #await(envelope: Envelope, result: Promise<unknown>): void {
    this.#active += 1;
    this.#inFlight ??= new InFlight();
    this.#inFlight.add(envelope);
    result.then(
      (value) => {
        this.#inFlight?.delete(envelope);
        envelope.reply?.resolve(value);
        this.#finishedOne();
      },
      (error) => {
        this.#inFlight?.delete(envelope);
        if (this.state !== "stopped") this.#failed(envelope, error);
        this.#finishedOne();
      },
    );
  }

  #runUrgent(work: Urgent): void {
    this.kernel.activity.begin(this.ref.id, this.info.signalLabel);
    try {
      const result = work();
      if (!isThenable(result)) return;
      this.#active += 1;
      toPromise(result).then(
        () => this.#finishedOne(),
        (error) => {
          this.crash("signal", error);
          this.#finishedOne();
        },
      );
    } catch (error) {
      this.crash("signal", error);
    } finally {
      if (this.#stopReason !== null && this.#active === 0) this.#shutDown(this.#stopReason);
    }
  }

  #runExclusive(work: Exclusive): void {
    void work.run().finally(() => {
      this.#exclusive = null;
      if (!this.isEnding && !this.#queued && this.#hasWork()) this.#schedule();
    });
  }

  #finishedOne(): void {
    this.#active -= 1;
    if (this.#active === 0) {
      this.kernel.activity.clear(this.ref.id);
      if (this.#exclusive !== null && !this.isEnding) this.#runExclusive(this.#exclusive);
    }
    if (this.#stopReason !== null) {
      if (this.#active === 0) this.#shutDown(this.#stopReason);
    } else if (!this.#queued && this.#hasWork()) this.#schedule();
  }

  #failed(envelope: Envelope, error: unknown): void {
    if (isReplyError(error)) {
      if (envelope.reply !== null) envelope.reply.reject(error);
      else reportUnheard(this, methodName(envelope.method), error);
      return;
    }
    const method = methodName(envelope.method);
    this.crash(method, error);
    const message = `${this.kernel.describe(this)} crashed in ${method}`;
    envelope.reply?.reject(new TroupeError("actor_crashed", message, error));
  }

  /** The actor is at fault: it stops with this error. */
  crash(during: string, error: unknown): void {
    if (this.state === "stopped") return;
    const record = toErrorRecord(error);
    reportCrash(this, during, record);
    const reason = crashExit(record);
    this.#stopReason ??= reason;
    this.#shutDown(reason);
  }

  /** Nobody shall wait for an actor that takes no message any more. */
  #closeInbox(): void {
    this.isEnding = true;
    this.kernel.groups.leaveAll(this);
    for (const envelope of this.#inbox?.drain() ?? []) {
      this.kernel.refuse(this.ref, envelope, "actor_stopped");
    }
  }

  /** Passes a signal on to the actor, if it listens. */
  hear(signal: Signal): void {
    if (this.instance?.onSignal === undefined && this.state !== "starting") return;
    this.urgent(() => this.instance?.onSignal?.(signal));
  }

  /** Children first, then `terminate`, then gone. */
  #shutDown(reason: ExitReason): void {
    if (this.state === "stopping" || this.state === "stopped") return;
    this.state = "stopping";
    this.isEnding = true;
    if (this.#bonds !== null || this.instance?.terminate !== undefined)
      limitStop(this, undefined, reason);
    this.#inFlight?.abort();
    void runDown(this, this.#bonds, reason);
  }

  /** The end itself: everybody who is concerned is told. */
  finish(reason: ExitReason): void {
    if (this.state === "stopped") return;
    this.state = "stopped";
    this.isEnding = true;
    for (const timer of this.#timers ?? []) timer.cancel();
    this.kernel.remove(this);
    this.#closeInbox();
    this.#inFlight?.fail(unanswered(this, reason));
    this.#exclusive?.cancel(unanswered(this, reason));
    this.#exclusive = null;
    this.#bonds?.announceEnd(reason);
    if (this.#birth !== null) this.#birth.failed(reason);
    else if (this.parent !== null) {
      this.kernel.signal(this.parent, { type: "terminated", ref: this.ref, reason });
    }
    this.#onStopped?.();
    this.#birth = null;
    this.instance = null;
    this.#inbox = null;
  }
}
