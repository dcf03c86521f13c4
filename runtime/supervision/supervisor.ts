import {
  Actor,
  type ActorArgs,
  type ActorClass,
  type ActorRef,
  type Signal,
  type SpawnOptions,
} from "../actor/index.ts";
import {
  type ExitReason,
  isOrderlyExit,
  ReplyError,
  type Timer,
  toErrorRecord,
} from "../core/index.ts";
import { decideBackoff } from "./backoff.ts";
import {
  type ChildSpec,
  type CompleteChildSpec,
  type CompleteSupervisorFlags,
  parseChildSpec,
  parseChildSpecs,
  parseSupervisorFlags,
  type SupervisorFlags,
} from "./child-spec.ts";
import type { RestartWindow } from "./restart-intensity.ts";
import { decideSupervision, type SupervisedChild, selectStopOrder } from "./strategy.ts";

/** What a child is started from. */
export interface ChildStart {
  /** The class, or where to find it: only the latter can be sent to another thread. */
  readonly code: ActorClass | { readonly source: string; readonly exportName: string };
  readonly args?: readonly unknown[];
  /** `shutdownMs` and `restarts` are the supervisor's to set. */
  readonly options?: Omit<SpawnOptions, "shutdownMs" | "restarts">;
}

/** What a supervisor tells of a child. */
export interface ChildInfo {
  readonly id: string;
  /** Null while it is not running. */
  readonly ref: ActorRef | null;
  readonly type: "worker" | "supervisor";
  readonly status: SupervisedChild["status"];
  readonly restarts: number;
}

interface Child extends SupervisedChild {
  readonly spec: CompleteChildSpec<ChildStart>;
  status: SupervisedChild["status"];
  ref: ActorRef | null;
  startedAt: number;
  restarts: number;
  restartsInRow: number;
}

/** A restart that waits for its backoff to pass. */
interface Waiting {
  ids: readonly string[];
  readonly timer: Timer;
}

/**
 * A child spec for an actor class; the id defaults to the name in `options`, or the class's name,
 * the type to what the class is.
 *
 * ```ts
 * childOf(Counter, { args: [], options: { name: "counter" }, restart: "transient" })
 * ```
 */
export function childOf<C extends ActorClass>(
  actorClass: C,
  spec: Partial<Omit<ChildSpec<ChildStart>, "start">> & {
    readonly args?: ActorArgs<C>;
    readonly options?: ChildStart["options"];
  } = {},
): ChildSpec<ChildStart> {
  const { args = [], options = {}, ...rest } = spec;
  const { source, name } = actorClass;
  const code = source === undefined ? actorClass : { source, exportName: name };
  const isSupervisor =
    (actorClass as ActorClass) === Supervisor || actorClass.prototype instanceof Supervisor;
  const type = isSupervisor ? "supervisor" : "worker";
  return { id: options.name ?? name, start: { code, args, options }, type, ...rest };
}

/**
 * A supervisor with the semantics of OTP's `supervisor`: starts its children in order, restarts
 * them as their specs and its strategy say, gives up when there are too many restarts within the
 * period, stops them in reverse order. What differs: restarts are delayed by a backoff, children
 * may live on other threads, and those that a neighbour's fault took down with their thread are
 * restarted without being charged.
 */
export class Supervisor extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #flags: CompleteSupervisorFlags;
  readonly #initial: readonly CompleteChildSpec<ChildStart>[];
  readonly #children = new Map<string, Child>();
  /** The running children by the key of their ref. */
  readonly #running = new Map<string, Child>();
  #waiting: Waiting[] = [];
  #restarts: RestartWindow = [];
  #dynamicId = 0;

  /** @throws TypeError or RangeError that names the key of a flag or spec that is wrong. */
  constructor(flags: SupervisorFlags = {}, children: readonly ChildSpec<ChildStart>[] = []) {
    super();
    this.#flags = parseSupervisorFlags(flags);
    this.#initial = parseChildSpecs(children, this.#flags);
  }

  protected override async init(): Promise<void> {
    if (this.#flags.strategy === "dynamic") return;
    for (const spec of this.#initial) await this.#add(spec);
  }

  protected override async onSignal(signal: Signal): Promise<void> {
    if (signal.type !== "terminated" || !signal.child) return;
    const child = this.#running.get(signal.ref.key);
    if (child !== undefined) await this.#exited(child, signal.reason);
  }

  protected override async stopChildren(): Promise<void> {
    this.#voidWaiting(null);
    await this.#stopAll(selectStopOrder(this.#children));
  }

  /**
   * Adds a child and starts it. Under `dynamic`, `spec` may be the arguments to put behind those
   * of the one spec.
   * @throws ReplyError `already_started` for an id in use; `start_failed` and others when it does
   * not start, and then it is not added.
   */
  async startChild(spec: ChildSpec<ChildStart> | readonly unknown[]): Promise<ActorRef> {
    return this.#add(this.#toSpec(spec));
  }

  /** Stops a child; its spec stays, unless it is temporary. @throws ReplyError `no_child`. */
  async terminateChild(id: string): Promise<void> {
    const child = this.#find(id);
    this.#voidWaiting([id]);
    await this.#stop(child);
    if (child.spec.restart === "temporary" || this.#flags.strategy === "dynamic") {
      this.#children.delete(id);
    }
  }

  /** Starts a child that was stopped. @throws ReplyError `no_child`, `already_started`. */
  async restartChild(id: string): Promise<ActorRef> {
    const child = this.#find(id);
    if (child.status === "running") throw new ReplyError("already_started", `${id} is running`);
    this.#voidWaiting([id]);
    try {
      return await this.#start(child);
    } catch (error) {
      child.status = "stopped";
      throw asReply(error);
    }
  }

  /** Forgets a child that was stopped. @throws ReplyError `no_child`, `running`. */
  deleteChild(id: string): void {
    if (this.#find(id).status !== "stopped") throw new ReplyError("running", `${id} is running`);
    this.#children.delete(id);
  }

  /** The children in the order of their start. */
  whichChildren(): ChildInfo[] {
    return [...this.#children.values()].map((child) => ({
      id: child.spec.id,
      ref: child.ref,
      type: child.spec.type,
      status: child.status,
      restarts: child.restarts,
    }));
  }

  #toSpec(spec: ChildSpec<ChildStart> | readonly unknown[]): CompleteChildSpec<ChildStart> {
    const template = this.#initial[0];
    if (!Array.isArray(spec) || template === undefined || this.#flags.strategy !== "dynamic") {
      try {
        return parseChildSpec(spec as ChildSpec<ChildStart>, this.#flags);
      } catch (error) {
        throw new ReplyError("bad_child_spec", toErrorRecord(error).message, error);
      }
    }
    this.#dynamicId += 1;
    const args = [...(template.start.args ?? []), ...spec];
    return {
      ...template,
      id: `${template.id}-${this.#dynamicId}`,
      start: { ...template.start, args },
    };
  }

  async #add(spec: CompleteChildSpec<ChildStart>): Promise<ActorRef> {
    const { id, restart, significant } = spec;
    if (this.#children.has(id)) throw new ReplyError("already_started", `${id} is a child already`);
    const child: Child = {
      ...{ spec, restart, significant, ref: null, status: "restarting" },
      ...{ startedAt: 0, restarts: 0, restartsInRow: 0 },
    };
    this.#children.set(id, child);
    try {
      return await this.#start(child);
    } catch (error) {
      this.#children.delete(id);
      throw asReply(error);
    }
  }

  async #start(child: Child): Promise<ActorRef> {
    const { code, args = [], options = {} } = child.spec.start;
    const { shutdown } = child.spec;
    const shutdownMs =
      shutdown === "infinity" ? Number.POSITIVE_INFINITY : shutdown === "brutal" ? 0 : shutdown;
    const how = { ...options, shutdownMs, restarts: child.restarts, args };
    const ref =
      typeof code === "function"
        ? await this.context.spawn(code, how as SpawnOptions)
        : await this.context.spawnFrom(code.source, code.exportName, how);
    this.#setRef(child, ref);
    child.status = "running";
    child.startedAt = this.context.clock.now();
    return ref;
  }

  async #stop(child: Child): Promise<void> {
    const { ref } = child;
    this.#setRef(child, null);
    child.status = "stopped";
    if (ref !== null) await this.context.stopChild(ref);
  }

  async #stopAll(ids: readonly string[]): Promise<void> {
    const children = ids.map((id) => this.#find(id));
    if (this.#flags.strategy === "dynamic") await Promise.all(children.map((c) => this.#stop(c)));
    else for (const child of children) await this.#stop(child);
  }

  async #exited(child: Child, reason: ExitReason): Promise<void> {
    const ranForMs = this.context.clock.now() - child.startedAt;
    this.#setRef(child, null);
    const charge = reason.kind !== "thread_down" || reason.culprit === true;
    const kind = isOrderlyExit(reason) ? (reason.kind as "normal" | "shutdown") : "crash";
    const event = { type: "exited", id: child.spec.id, kind, charge } as const;
    await this.#follow(child, event, ranForMs, reason.message);
  }

  async #follow(
    child: Child,
    event: Parameters<typeof decideSupervision>[2],
    ranForMs: number,
    why: string,
  ): Promise<void> {
    const state = { children: this.#children, restarts: this.#restarts };
    const now = this.context.clock.now();
    const decision = decideSupervision(state, this.#flags, event, now);
    const { id } = child.spec;
    child.status = decision.start.includes(id) ? "restarting" : "stopped";
    this.#restarts = decision.restarts;
    this.#voidWaiting(decision.shutdownSelf === null ? decision.start : null);
    await this.#stopAll(decision.stop);
    for (const gone of decision.remove) this.#children.delete(gone);
    if (decision.shutdownSelf !== null) return this.#giveUp(decision.shutdownSelf, id, why);
    for (const next of decision.start) this.#find(next).status = "restarting";
    if (decision.start.length === 0) return;
    let delayMs = 0;
    if (decision.charge) {
      const { spec, restartsInRow } = child;
      const backoff = decideBackoff(spec.backoff, restartsInRow, ranForMs, this.context.random);
      child.restartsInRow = backoff.restartsInRow;
      delayMs = backoff.delayMs;
    }
    this.context.log("warn", "restarting", { child: id, why, delayMs, all: decision.start });
    if (delayMs === 0) await this.#restart(decision.start);
    else this.#restartLater(decision.start, delayMs);
  }

  #restartLater(ids: readonly string[], delayMs: number): void {
    const timer = this.context.after(delayMs, () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      return this.#restart(waiting.ids);
    });
    const waiting: Waiting = { ids, timer };
    this.#waiting.push(waiting);
  }

  /** One by one, in order; the first that fails to start is one more event to decide on. */
  async #restart(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const child = this.#find(id);
      child.restarts += 1;
      try {
        await this.#start(child);
      } catch (error) {
        const { code, message } = toErrorRecord(error);
        // This supervisor itself has been stopped meanwhile; there is nothing to decide any more.
        if (code === "stopping") return;
        // On a thread of its own nobody else can be at fault.
        const isAlone = child.spec.start.options?.thread === "dedicated";
        const charge = code !== "thread_down" || isAlone;
        return this.#follow(child, { type: "start_failed", id, charge }, 0, message);
      }
    }
  }

  #giveUp(cause: string, id: string, why: string): void {
    const level = cause === "auto_shutdown" ? "info" : "error";
    const { intensity, periodMs } = this.#flags;
    this.context.log(level, "supervisor stops", { cause, child: id, why, intensity, periodMs });
    this.context.stop({ kind: "shutdown", message: `${cause}: child ${id}: ${why}` });
  }

  /** Takes the children `ids`, or all, out of the restarts that wait; the others still follow. */
  #voidWaiting(ids: readonly string[] | null): void {
    this.#waiting = this.#waiting.filter((waiting) => {
      waiting.ids = ids === null ? [] : waiting.ids.filter((id) => !ids.includes(id));
      if (waiting.ids.length === 0) waiting.timer.cancel();
      return waiting.ids.length > 0;
    });
  }

  #setRef(child: Child, ref: ActorRef | null): void {
    if (child.ref !== null) this.#running.delete(child.ref.key);
    if (ref !== null) this.#running.set(ref.key, child);
    child.ref = ref;
  }

  #find(id: string): Child {
    const child = this.#children.get(id);
    if (child === undefined) throw new ReplyError("no_child", `there is no child ${id}`);
    return child;
  }
}

/** A failed start is an answer to whoever asked for it, not a crash of the supervisor. */
function asReply(error: unknown): ReplyError {
  const record = toErrorRecord(error);
  return new ReplyError(record.code || "start_failed", record.message, error);
}
