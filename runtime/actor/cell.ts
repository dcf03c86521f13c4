import {
  crashExit,
  type ExitReason,
  ReplyError,
  type Timer,
  TroupeError,
  toErrorRecord,
} from "../core/index.ts";
import type { ActorClass } from "./actor.ts";
import { type ActorClassInfo, actorClassInfo, callMethod } from "./actor-class.ts";
import { Birth } from "./birth.ts";
import { Bonds } from "./bonds.ts";

import type { SpawnOptions } from "./context.ts";
import type { Runnable } from "./dispatcher.ts";
import type { Envelope } from "./envelope.ts";
import { InFlight } from "./in-flight.ts";
import { Inbox, type Urgent } from "./inbox.ts";
import type { Kernel } from "./kernel.ts";
import { isThenable, type Lifecycle } from "./lifecycle.ts";
import type { ActorRef } from "./ref.ts";
import type { Signal } from "./signal.ts";

/** `starting` until init is done, `stopping` from the last message to the end of `terminate`. */
export type CellState = "starting" | "running" | "stopping" | "stopped";

export const defaultShutdownMs = 5_000;

/** The life of one actor: its mailbox, its turns, its end. */
export class Cell implements Runnable {
  readonly kernel: Kernel;
  readonly ref: ActorRef;
  readonly parent: ActorRef | null;
  readonly options: SpawnOptions;
  actorClass: ActorClass;
  info: ActorClassInfo;
  state: CellState = "starting";
  /** The message whose method is being called right now. */
  envelope: Envelope | null = null;
  /** The groups that it has joined. */
  joined: Set<string> | null = null;
  /** Messages begun since the start. */
  handled = 0;
  readonly startedAt: number;
  instance: Lifecycle | null = null;
  #birth: Birth | null;
  #unborn = true;
  /** True from the moment on that no message is taken any more. */
  #ended = false;
  #inbox: Inbox | null = null;
  #inFlight: InFlight | null = null;
  #bonds: Bonds | null = null;
  #timers: Set<Timer> | null = null;
  #active = 0;
  readonly #concurrency: number;
  #queued = false;
  #stopReason: ExitReason | null = null;
  #startError: unknown = null;
  #onStarted: ((error: unknown) => void) | null;
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
    this.actorClass = actorClass;
    this.info = actorClassInfo(actorClass);
    this.options = options;
    this.parent = parent;
    this.#concurrency = options.concurrency ?? 1;
    this.startedAt = kernel.clock.now();
    this.#birth = new Birth(this, args);
    this.#onStarted = onStarted;
    this.#onStopped = onStopped;
  }

  get bonds(): Bonds {
    this.#bonds ??= new Bonds(this);
    return this.#bonds;
  }

  get waiting(): number {
    return this.#inbox?.size ?? 0;
  }

  get active(): number {
    return this.#active;
  }

  /** Pid, name and class, for people. */
  toString(): string {
    return this.kernel.describe(this);
  }

  /** Queues a message; false when it was refused. Whatever is not taken becomes a dead letter. */
  post(envelope: Envelope): boolean {
    if (this.#ended) {
      this.kernel.refuse(this.ref, envelope, "actor_stopped");
      return false;
    }
    this.#inbox ??= new Inbox(this.options.mailboxCapacity);
    if (this.#inbox.offer(envelope)) {
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
    if (this.#unborn) {
      this.#unborn = false;
      this.#birth?.begin();
    }
    const inbox = this.#inbox;
    for (let left = limit; left > 0 && inbox !== null && this.#mayTakeNext(); left -= 1) {
      const urgent = inbox.nextUrgent();
      if (urgent !== undefined) this.#runUrgent(urgent);
      else {
        const envelope = inbox.nextMessage();
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
    if (this.#ended) return;
    this.#inbox ??= new Inbox(this.options.mailboxCapacity);
    this.#inbox.addUrgent(work);
    if (!this.#queued) this.#schedule();
  }

  /** The actor is at fault for something that was thrown outside of its methods. */
  fail(during: string, error: unknown): void {
    if (this.state !== "stopped") this.#crash(during, error);
  }

  addTimer(timer: Timer): void {
    this.#timers ??= new Set();
    this.#timers.add(timer);
  }

  removeTimer(timer: Timer): void {
    this.#timers?.delete(timer);
  }

  /** Stops after the messages in progress; what still waits becomes dead letters. */
  stop(reason: ExitReason, shutdownMs?: number): void {
    if (this.#stopReason !== null || this.state === "stopped") return;
    this.#stopReason = reason;
    const inTurn = this.#active > 0 || this.envelope !== null || this.state === "starting";
    if (!inTurn && this.#bonds === null && this.instance?.terminate === undefined) {
      this.#finish(reason);
      return;
    }
    const timeMs = shutdownMs ?? this.options.shutdownMs ?? defaultShutdownMs;
    if (timeMs === 0) {
      this.kill({ kind: "killed", message: "killed: its shutdown time is 0" });
      return;
    }
    if (timeMs !== Number.POSITIVE_INFINITY) {
      const message = `killed: did not stop within ${timeMs} ms`;
      this.addTimer(this.kernel.clock.after(timeMs, () => this.kill({ kind: "killed", message })));
    }
    if (!inTurn) this.#shutDown(reason);
  }

  /** Ends at once: no `terminate`, children killed, messages in progress left to themselves. */
  kill(reason: ExitReason): void {
    if (this.state === "stopped") return;
    this.#bonds?.killChildren(reason);
    this.#finish(reason);
  }

  /** Puts an instance in service; `actorClass` is given when it replaces one. */
  adopt(instance: Lifecycle, actorClass: ActorClass = this.actorClass): void {
    this.instance = instance;
    this.actorClass = actorClass;
    this.info = actorClassInfo(actorClass);
  }

  /** `init` is done. */
  started(): void {
    if (this.state !== "starting") return;
    this.state = "running";
    this.#birth?.end();
    this.#birth = null;
    this.#onStarted?.(null);
    this.#onStarted = null;
    if (this.#stopReason !== null) this.#shutDown(this.#stopReason);
    else if (this.#hasWork() && !this.#queued) this.#schedule();
  }

  startFailed(error: unknown): void {
    if (this.state !== "starting") return;
    this.#startError = error;
    this.#shutDown(crashExit(toErrorRecord(error)));
  }

  #schedule(): void {
    this.#queued = true;
    this.kernel.scheduler.ready(this);
  }

  #hasWork(): boolean {
    return this.#inbox !== null && !this.#inbox.isEmpty;
  }

  #mayTakeNext(): boolean {
    return (
      this.state === "running" && this.#stopReason === null && this.#active < this.#concurrency
    );
  }

  #deliver(envelope: Envelope): void {
    const { reply } = envelope;
    // Whoever asked has gone: the work would be for nobody.
    if (reply?.settled) return;
    const entry = this.info.methods[envelope.method];
    if (entry === undefined) {
      this.kernel.refuse(this.ref, envelope, "unknown_method");
      return;
    }
    this.handled += 1;
    const { activity } = this.kernel;
    activity.begin(this.ref.id, entry.label);
    this.envelope = envelope;
    let result: unknown;
    try {
      result = callMethod(entry, this.instance, envelope.args);
    } catch (error) {
      this.envelope = null;
      this.#failed(envelope, error);
      return;
    }
    this.envelope = null;
    if (isThenable(result)) {
      activity.suspend();
      this.#await(envelope, result);
    } else if (reply !== null) reply.resolve(result);
    if (this.#stopReason !== null && this.#active === 0) this.#shutDown(this.#stopReason);
  }

  #await(envelope: Envelope, result: PromiseLike<unknown>): void {
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
      result.then(
        () => this.#finishedOne(),
        (error) => {
          if (this.state !== "stopped") this.#crash("signal", error);
          this.#finishedOne();
        },
      );
    } catch (error) {
      this.#crash("signal", error);
    } finally {
      if (this.#stopReason !== null && this.#active === 0) this.#shutDown(this.#stopReason);
    }
  }

  #finishedOne(): void {
    this.#active -= 1;
    if (this.#active === 0) this.kernel.activity.clear(this.ref.id);
    if (this.#stopReason !== null) {
      if (this.#active === 0) this.#shutDown(this.#stopReason);
    } else if (!this.#queued && this.#hasWork()) this.#schedule();
  }

  #failed(envelope: Envelope, error: unknown): void {
    if (error instanceof ReplyError) {
      envelope.reply?.reject(error);
      return;
    }
    this.#crash(envelope.method, error);
    const message = `${this.kernel.describe(this)} crashed in ${envelope.method}`;
    envelope.reply?.reject(new TroupeError("actor_crashed", message, error));
  }

  #crash(during: string, error: unknown): void {
    const record = toErrorRecord(error);
    this.kernel.log("error", "actor crashed", {
      actor: this.kernel.describe(this),
      message: during,
      error: record.message,
      restarts: this.options.restarts ?? 0,
      stack: record.stack,
    });
    const reason = crashExit(record);
    this.#stopReason ??= reason;
    this.#shutDown(reason);
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
    this.#ended = true;
    this.#inFlight?.abort();
    void this.#runDown(reason);
  }

  async #runDown(reason: ExitReason): Promise<void> {
    try {
      if (this.#bonds !== null && this.#bonds.childCount > 0) {
        await this.instance?.stopChildren?.();
        await this.#bonds.stopChildren();
      }
      if (this.instance !== null) await this.instance.terminate?.(reason);
    } catch (error) {
      const { message } = toErrorRecord(error);
      const actor = this.kernel.describe(this);
      this.kernel.log("error", "terminate failed", { actor, error: message });
    }
    this.#finish(reason);
  }

  #finish(reason: ExitReason): void {
    if (this.state === "stopped") return;
    const wasStarting = this.#onStarted !== null;
    this.state = "stopped";
    this.#ended = true;
    const timedOut = this.#birth?.end() ?? null;
    for (const timer of this.#timers ?? []) timer.cancel();
    this.kernel.remove(this);
    for (;;) {
      const envelope = this.#inbox?.nextMessage();
      if (envelope === undefined) break;
      this.kernel.refuse(this.ref, envelope, "actor_stopped");
    }
    this.#inFlight?.fail(this.#unanswered(reason));
    this.#bonds?.announceEnd(reason);
    if (wasStarting)
      this.#onStarted?.(this.#startError ?? timedOut ?? stoppedWhileStarting(reason));
    else if (this.parent !== null) {
      this.kernel.signal(this.parent, { type: "terminated", ref: this.ref, reason });
    }
    this.#onStopped?.();
    this.#onStarted = null;
    this.instance = null;
    this.#inbox = null;
  }

  #unanswered(reason: ExitReason): TroupeError {
    const actor = this.kernel.describe(this);
    const message = `${actor} stopped while it worked on the answer: ${reason.message}`;
    return new TroupeError("abandoned", message);
  }
}

function stoppedWhileStarting(reason: ExitReason): TroupeError {
  return new TroupeError("start_failed", `stopped before it had started: ${reason.message}`);
}
