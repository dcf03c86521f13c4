import { availableParallelism } from "node:os";
import {
  Activity,
  type ActorArgs,
  type ActorClass,
  type ActorRef,
  activityBytes,
  type DeadLetter,
  Dispatcher,
  importModule,
  inspectKernel,
  Kernel,
  logSlowTurn,
  Names,
  type Nodes,
  namesId,
  type ResourceLimits,
  type Scheduler,
  type SpawnOptions,
  Threads,
  threadsId,
} from "../actor/index.ts";
import { type Cluster, type ClusterOptions, parseRole } from "../cluster/index.ts";
import {
  type Clock,
  HERE,
  type Log,
  parsePid,
  type Random,
  type ReadonlyTable,
  shutdownExit,
  systemClock,
  systemRandom,
  TroupeError,
} from "../core/index.ts";
import {
  type ChildSpec,
  type ChildStart,
  childOf,
  type RestartType,
  Supervisor,
  type SupervisorFlags,
} from "../supervision/index.ts";
import { SystemCluster } from "./system-cluster.ts";
import { ThreadSet } from "./thread-set.ts";
import { type SystemInfo, selectTree, type TreeNode } from "./tree.ts";

/** How a system is to be. */
export interface SystemOptions {
  /** Scheduler threads; default one per core. 0 runs everything on the calling thread. */
  readonly threads?: number;
  /** Takes every log line of every thread; default: nothing is logged. */
  readonly log?: Log;
  /** Copies and freezes every message; default false. */
  readonly strictMessages?: boolean;
  /** A thread whose heart has not beaten for so long is stopped and replaced; default 5,000. */
  readonly stallTimeoutMs?: number;
  /** A turn longer than this is logged with its actor; default 50. */
  readonly slowTurnMs?: number;
  /** Of each scheduler thread; a thread that needs more dies and is replaced. */
  readonly resourceLimits?: ResourceLimits;
  /** How many of the root's children may be restarted within how long; default 10 in 10,000 ms. */
  readonly intensity?: number;
  readonly periodMs?: number;
  /** Makes the system a node of a cluster; default: it is none. */
  readonly cluster?: ClusterOptions;
  /** Of the calling thread; the other threads always have the real ones. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly scheduler?: Scheduler;
  /** Called when the root supervisor gives up: nothing runs any more. */
  readonly onFailure?: (reason: string) => void;
}

const inspectTimeoutMs = 1_000;
/** Of the runtime's own actors: every thread may have as much on its way to them as a link takes. */
const mailboxCapacity = 1_000_000;
/** The default of `system.stop`, ms. */
const defaultStopBudgetMs = 15_000;

/** A running actor system; made by {@link createSystem}. */
export class System {
  readonly #kernel: Kernel;
  readonly #threads: ThreadSet | null;
  readonly #cluster: SystemCluster | null;
  #root: ActorRef<Supervisor> | null = null;
  #rootEnded: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  #stopping = false;
  #spawned = 0;

  private constructor(kernel: Kernel, threads: ThreadSet | null, cluster: SystemCluster | null) {
    this.#kernel = kernel;
    this.#threads = threads;
    this.#cluster = cluster;
  }

  /** Starts the threads and the root supervisor. */
  static async start(options: SystemOptions): Promise<System> {
    const { clock = systemClock, random = systemRandom, log = () => {} } = options;
    const slowTurnMs = options.slowTurnMs ?? 50;
    const stallTimeoutMs = options.stallTimeoutMs ?? 5_000;
    const strictMessages = options.strictMessages ?? false;
    const threadCount = options.threads ?? availableParallelism();
    checkCount("threads", threadCount, 0);
    checkCount("stallTimeoutMs", stallTimeoutMs, 1);
    const cluster =
      options.cluster === undefined ? null : await SystemCluster.prepare(options.cluster, clock);
    const kernel = new Kernel({
      thread: 0,
      incarnation: cluster?.incarnation ?? 1,
      nodeName: cluster?.config.name ?? null,
      clock,
      random,
      log,
      scheduler: options.scheduler ?? new Dispatcher(clock, slowTurnMs, logSlowTurn(log)),
      activity: new Activity(new ArrayBuffer(activityBytes)),
      loadModule: importModule,
      strictMessages,
    });
    let fail: (reason: string) => void = () => {};
    const threads =
      threadCount === 0
        ? null
        : new ThreadSet({
            kernel,
            schedulers: threadCount,
            limits: options.resourceLimits ?? {},
            config: {
              ...{ strictMessages, slowTurnMs, heartbeatMs: heartbeatMs(stallTimeoutMs) },
              cluster: cluster && { config: cluster.config, incarnation: cluster.incarnation },
            },
            stallTimeoutMs,
            onGiveUp: (message) => fail(message),
          });
    const system = new System(kernel, threads, cluster);
    system.#startRuntimeActors();
    await threads?.start();
    await system.#startRoot(options);
    try {
      await cluster?.start(kernel, threads);
    } catch (error) {
      await system.stop();
      throw error;
    }
    fail = (reason) => {
      if (!system.#stopping) options.onFailure?.(reason);
    };
    system.#onFailure = (reason) => fail(reason);
    return system;
  }

  #onFailure: (reason: string) => void = () => {};

  /** The root supervisor (one_for_one), whose children are the system's applications. */
  get root(): ActorRef<Supervisor> {
    if (this.#root === null) throw new TroupeError("stopping", "the system has not started");
    return this.#root;
  }

  get log(): Log {
    return this.#kernel.log;
  }

  get clock(): Clock {
    return this.#kernel.clock;
  }

  /** The numbers of the scheduler threads; `[0]` when there are none but the calling one. */
  get schedulers(): readonly number[] {
    return this.#threads?.schedulers ?? [0];
  }

  /** This node and those that are connected to it; empty when it is part of no cluster. */
  get nodes(): Nodes {
    return this.#kernel.nodes;
  }

  /**
   * Tells all nodes that this one has a role more.
   * @throws RangeError for what is no role; TroupeError `unreachable` when it is in no cluster.
   */
  async addRole(role: string): Promise<void> {
    await this.#keeper.ask.addRole(parseRole(role));
  }

  /** The opposite. */
  async removeRole(role: string): Promise<void> {
    await this.#keeper.ask.removeRole(role);
  }

  get #keeper(): ActorRef<Cluster> {
    const keeper = this.#cluster?.keeper;
    if (keeper) return keeper;
    throw new TroupeError("unreachable", "this system is part of no cluster");
  }

  /**
   * Starts an actor under the root supervisor and waits for its `init`. It is restarted as
   * `restart` says (default `permanent`); a restarted actor has a new ref, its name and groups lead
   * to it.
   * @throws TroupeError `start_failed`, `load_failed`, `name_taken`, `thread_down`, `stopping`.
   */
  async spawn<C extends ActorClass>(
    actorClass: C,
    options: SpawnOptions & { readonly args?: ActorArgs<C>; readonly restart?: RestartType } = {},
  ): Promise<ActorRef<InstanceType<C>>> {
    const { args, restart = "permanent", ...rest } = options;
    this.#spawned += 1;
    const id = options.name ?? `${actorClass.name}-${this.#spawned}`;
    const spec = childOf(actorClass, {
      ...{ id, restart, options: rest },
      ...(args === undefined ? {} : { args }),
    });
    const ref = await this.startChild(spec);
    return this.#kernel.typed(ref, actorClass);
  }

  /** Adds a child to the root supervisor. */
  startChild(spec: ChildSpec<ChildStart>): Promise<ActorRef> {
    return this.root.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).startChild(spec);
  }

  /** The living actor of that name, or of that pid in its printed form. */
  resolve(nameOrPid: string): ActorRef | undefined {
    const named = this.#kernel.whereis(nameOrPid);
    if (named !== undefined) return named;
    const pid = parsePid(nameOrPid);
    if (pid === undefined || pid.node !== HERE) return undefined;
    const incarnation = this.#kernel.routes.incarnationOf(pid.thread);
    return incarnation === undefined ? undefined : this.#kernel.ref({ ...pid, incarnation });
  }

  /** The members of a group, on all threads. */
  members(group: string): readonly ActorRef[] {
    return this.#kernel.groups.members(group);
  }

  /** The main thread's replica of a table. */
  table<V>(name: string): ReadonlyTable<V> {
    return this.#kernel.tables.open(name);
  }

  /** The registered names. */
  names(): string[] {
    return [...this.#kernel.tables.open("names").entries()].map(([name]) => name);
  }

  /** Asks an actor to stop, as its parent would; the supervisor decides what follows. */
  stopActor(ref: ActorRef): void {
    this.#kernel.signal(ref, { type: "stop", reason: shutdownExit });
  }

  /** Kills an actor; its supervisor restarts it unless it is temporary. */
  killActor(ref: ActorRef, message: string): void {
    this.#kernel.signal(ref, { type: "kill", reason: { kind: "killed", message } });
  }

  /** All actors and threads; waits at most a second for each thread. */
  async inspect(): Promise<SystemInfo> {
    const workers = this.#threads?.workers() ?? [];
    const silent: number[] = [];
    const answers = await Promise.all(
      workers.map((worker) =>
        worker.inspect(inspectTimeoutMs).catch(() => {
          silent.push(worker.thread);
          return null;
        }),
      ),
    );
    const all = [
      inspectKernel(this.#kernel, this.#threads?.links() ?? []),
      ...answers.filter((answer) => answer !== null),
    ];
    return {
      actors: all.flatMap((answer) => answer.actors),
      threads: all.map((answer) => answer.info),
      silent,
    };
  }

  /** The supervision tree. */
  async tree(): Promise<TreeNode[]> {
    return selectTree((await this.inspect()).actors);
  }

  /** The dead letters that the threads keep, the oldest first. */
  async deadLetters(): Promise<DeadLetter[]> {
    const lists = await Promise.all(
      [0, ...(this.#threads?.workers() ?? []).map((worker) => worker.thread)].map((thread) => {
        return this.#kernel
          .hostOf(thread)
          .askWith({ timeoutMs: inspectTimeoutMs })
          .deadLetters()
          .catch(() => []);
      }),
    );
    return lists.flat().sort((a, b) => a.at - b.at);
  }

  /**
   * Stops everything in the reverse order of its start, within `budgetMs` (default 15,000); what
   * has not stopped by then is killed. Idempotent.
   */
  stop(budgetMs: number = defaultStopBudgetMs): Promise<void> {
    this.#stopping = true;
    this.#stopped ??= this.#stop(budgetMs);
    return this.#stopped;
  }

  async #stop(budgetMs: number): Promise<void> {
    if (this.#root !== null) {
      this.#kernel.signal(this.#root, { type: "stop", reason: shutdownExit, shutdownMs: budgetMs });
      await this.#rootEnded;
    }
    await this.#cluster?.leave();
    await this.#threads?.stop();
  }

  #startRuntimeActors(): void {
    const isAlive = async (ref: ActorRef): Promise<boolean> => {
      const host = this.#kernel.hostOf(ref.thread);
      if (host.incarnation !== ref.incarnation) return false;
      // A thread that does not answer has not died yet: its names stay taken.
      return host
        .askWith({ timeoutMs: inspectTimeoutMs })
        .isAlive(ref.id)
        .catch(() => true);
    };
    const onThreadDown = (listener: (thread: number) => void): void =>
      this.#threads?.onThreadDown(listener);
    this.#kernel.spawnFixed(namesId, Names, [{ isAlive, onThreadDown }], { mailboxCapacity });
    const noThreads = {
      schedulers: [],
      openDedicated: () => {
        const message = "thread: a system with 0 threads has no dedicated ones to give";
        return Promise.reject(new TroupeError("start_failed", message));
      },
      closeDedicated: () => Promise.resolve(),
      expectEnd: () => {},
    };
    this.#kernel.spawnFixed(threadsId, Threads, [this.#threads ?? noThreads], {
      concurrency: 1_000,
      mailboxCapacity,
    });
  }

  async #startRoot(options: SystemOptions): Promise<void> {
    const flags: SupervisorFlags = {
      intensity: options.intensity ?? 10,
      periodMs: options.periodMs ?? 10_000,
    };
    let ended: () => void = () => {};
    this.#rootEnded = new Promise((resolve) => {
      ended = resolve;
    });
    const ref = await this.#kernel.spawnHere(
      Supervisor,
      [flags],
      { name: "root", shutdownMs: Number.POSITIVE_INFINITY },
      null,
      () => {
        ended();
        this.#onFailure("the root supervisor gave up");
      },
    );
    this.#root = ref as ActorRef<Supervisor>;
  }
}

/** Starts an actor system. @throws RangeError for an option that is out of range. */
export function createSystem(options: SystemOptions = {}): Promise<System> {
  return System.start(options);
}

/** Often enough to see a stall in time, seldom enough to cost nothing. */
function heartbeatMs(stallTimeoutMs: number): number {
  return Math.min(250, Math.max(10, Math.floor(stallTimeoutMs / 8)));
}

function checkCount(field: string, value: number, atLeast: number): void {
  if (Number.isInteger(value) && value >= atLeast) return;
  throw new RangeError(`${field}: expected a whole number >= ${atLeast}, received ${value}`);
}
