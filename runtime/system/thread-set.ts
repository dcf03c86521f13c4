import { MessageChannel } from "node:worker_threads";
import type { DedicatedRequest, Kernel, ResourceLimits, ThreadsPort } from "../actor/index.ts";
import { formatPid, HERE, TroupeError } from "../core/index.ts";
import { decideBackoff, decideRestartAllowed, type RestartWindow } from "../supervision/index.ts";
import {
  Link,
  type LinkEnd,
  linkMemoryBytes,
  type ThreadConfig,
  type ThreadEnd,
  Watchdog,
  WorkerThread,
} from "../thread/index.ts";

/** More thread deaths than this within the period mean that restarting does not help. */
const threadRestarts = { intensity: 10, periodMs: 60_000 };
const threadBackoff = { minMs: 100, maxMs: 5_000, factor: 2, jitter: 0, resetAfterMs: 10_000 };
/** How long a thread may take to leave when it is asked to. */
const exitTimeoutMs = 2_000;
/** How long the heart of a dedicated thread may stand still when its actor should have stopped. */
const endMarginMs = 1_000;
/** The time for an orphan on a dedicated thread whose own shutdown time is unlimited. */
const maxOrphanMs = 15_000;

/** What a {@link ThreadSet} is made of. */
export interface ThreadSetParts {
  readonly kernel: Kernel;
  readonly schedulers: number;
  readonly config: ThreadConfig;
  /** Of each scheduler thread. */
  readonly limits: ResourceLimits;
  readonly stallTimeoutMs: number;
  /** Called when threads die faster than is worth replacing them. */
  onGiveUp(message: string): void;
}

/**
 * The threads of a system: starts them, links every pair, watches their hearts, and replaces a
 * scheduler thread that died under the same number and a new incarnation.
 */
export class ThreadSet implements ThreadsPort {
  readonly schedulers: readonly number[];
  readonly #parts: ThreadSetParts;
  readonly #live = new Map<number, WorkerThread>();
  readonly #links = new Map<number, Link>();
  readonly #incarnations = new Map<number, number>();
  readonly #upListeners = new Set<(thread: number) => void>();
  readonly #downListeners = new Set<(thread: number) => void>();
  readonly #leaving = new Set<WorkerThread>();
  readonly #requests = new Map<WorkerThread, DedicatedRequest>();
  readonly #watchdog: Watchdog;
  /** Threads are linked one after the other, so that each pair gets exactly one link. */
  #linking: Promise<unknown> = Promise.resolve();
  #deaths: RestartWindow = [];
  #deathsInRow = 0;
  #stopping = false;
  #isServing = false;

  constructor(parts: ThreadSetParts) {
    this.#parts = parts;
    this.schedulers = Array.from({ length: parts.schedulers }, (_, index) => index + 1);
    const { clock } = parts.kernel;
    this.#watchdog = new Watchdog(clock, parts.config.heartbeatMs, parts.stallTimeoutMs);
  }

  /** Starts the scheduler threads; resolves when all are linked. When one fails, none is left. */
  async start(): Promise<void> {
    const { limits } = this.#parts;
    try {
      await Promise.all(this.schedulers.map((thread) => this.#open(thread, limits, null)));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Calls `listener` for every thread there is, and for each that comes, once all others know it. */
  onThread(listener: (thread: number) => void): void {
    for (const thread of this.#links.keys()) listener(thread);
    this.#upListeners.add(listener);
  }

  /** Calls `listener` before anybody else hears that a thread died. */
  onThreadDown(listener: (thread: number) => void): void {
    this.#downListeners.add(listener);
  }

  async openDedicated(request: DedicatedRequest): Promise<number> {
    let thread = this.schedulers.length + 1;
    while (this.#live.has(thread)) thread += 1;
    await this.#open(thread, request.limits, request);
    return thread;
  }

  async closeDedicated(thread: number): Promise<void> {
    const worker = this.#live.get(thread);
    if (worker?.dedicated) await this.#close(worker);
  }

  expectEnd(thread: number, incarnation: number, withinMs: number | undefined): void {
    const worker = this.#live.get(thread);
    if (worker?.incarnation !== incarnation) return;
    const timeMs = withinMs ?? this.#requests.get(worker)?.shutdownMs;
    if (timeMs !== undefined) this.#endIfStuck(worker, timeMs);
  }

  /** The living workers. */
  workers(): WorkerThread[] {
    return [...this.#live.values()];
  }

  /** The main thread's links to them. */
  links(): Link[] {
    return [...this.#links.values()];
  }

  /** Lets the scheduler threads, and those that come after them, accept connections of other nodes. */
  async serveNodes(): Promise<void> {
    this.#isServing = true;
    const schedulers = this.workers().filter(({ dedicated }) => !dedicated);
    await Promise.all(schedulers.map((worker) => worker.serveNodes()));
  }

  /** All threads say goodbye to the other nodes. */
  async leaveNodes(reason: string): Promise<void> {
    this.#isServing = false;
    const left = this.workers().map((worker) => worker.leaveNodes(reason, exitTimeoutMs));
    // Those that cannot are missed by the others soon enough.
    await Promise.allSettled(left);
  }

  /** Ends all threads. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#watchdog.stop();
    const end = { message: "the system stopped", culprits: [] };
    await Promise.all(this.workers().map((worker) => worker.exit(end, exitTimeoutMs)));
  }

  async #open(
    thread: number,
    limits: ResourceLimits,
    request: DedicatedRequest | null,
  ): Promise<void> {
    const { kernel, config } = this.#parts;
    const { clock, log } = kernel;
    if (this.#stopping) throw new TroupeError("stopping", "the system is stopping");
    const before = this.#incarnations.get(thread) ?? config.cluster?.incarnation ?? 0;
    const incarnation = before + 1;
    this.#incarnations.set(thread, incarnation);
    const data = { thread, incarnation, dedicated: request !== null, config };
    const onFinished = (finished: WorkerThread): void => void this.#close(finished);
    const worker = new WorkerThread(data, limits, { clock, log, onFinished });
    this.#live.set(thread, worker);
    if (request !== null) this.#requests.set(worker, request);
    void worker.ended.then((end) => this.#ended(worker, end));
    const linked = this.#linking.then(() => this.#linkToAll(worker));
    this.#linking = linked.catch(() => {});
    await linked;
    for (const listener of this.#upListeners) listener(thread);
    this.#watch(worker);
    if (this.#isServing && request === null) await worker.serveNodes();
  }

  /** Links a new worker to the main thread and to every other worker that is linked already. */
  async #linkToAll(worker: WorkerThread): Promise<void> {
    // A link to a thread that died while it waited for its turn would never be closed.
    if (this.#live.get(worker.thread) !== worker) {
      const { message } = await worker.ended;
      throw new TroupeError("thread_down", `thread ${worker.thread} died: ${message}`);
    }
    const others = this.workers().filter((other) => this.#links.has(other.thread));
    const { kernel } = this.#parts;
    const toMain = newLink(
      { thread: 0, incarnation: kernel.incarnation, dedicated: false },
      worker,
    );
    const link = new Link(kernel, toMain.here);
    this.#links.set(worker.thread, link);
    const greeted = [worker.connect(toMain.there, true), link.greeting];
    link.open();
    for (const other of others) {
      const pair = newLink(other, worker);
      // The other thread may be busy or dying: its greeting is waited for at the new one.
      other.connect(pair.here, false).catch(() => pair.here.port.close());
      const connected = worker.connect(pair.there, !other.dedicated);
      // A thread that is stuck must not keep another from starting; it greets when it can.
      greeted.push(connected.catch((error) => this.#rethrowIfEnded(worker, error)));
    }
    await Promise.all(greeted);
  }

  #rethrowIfEnded(worker: WorkerThread, error: unknown): void {
    if (this.#live.get(worker.thread) !== worker) throw error;
  }

  #watch(worker: WorkerThread): void {
    if (this.#live.get(worker.thread) !== worker) return;
    const watched = {
      thread: worker.thread,
      beat: () => worker.beat(),
      // A dedicated thread is there for work that blocks, as long as anybody wants its result.
      mayBlock: () => worker.dedicated && !worker.isOverdue(),
      isLoading: () => worker.isLoading(),
      onStall: (stalledMs: number) => this.#stalled(worker, stalledMs),
    };
    this.#watchdog.watch(watched);
    void worker.ended.then(() => this.#watchdog.unwatch(watched));
  }

  #stalled(worker: WorkerThread, stalledMs: number): void {
    const { thread } = worker;
    const doing = worker.doing();
    const message = `stuck for ${Math.round(stalledMs)} ms in ${describeWork(worker)}`;
    const certain = doing?.certain ?? false;
    this.#parts.kernel.log("error", `thread ${message}; it is stopped`, { thread, certain });
    worker.terminate({ message, culprits: doing === null ? [] : [doing.actorId] });
  }

  async #close(worker: WorkerThread): Promise<void> {
    this.#leaving.add(worker);
    await worker.exit({ message: "its actor stopped", culprits: [] }, exitTimeoutMs);
  }

  /** Ends a dedicated thread whose heart stands still once `timeMs` have passed. */
  #endIfStuck(worker: WorkerThread, timeMs: number): void {
    const { clock, log } = this.#parts.kernel;
    if (timeMs === Number.POSITIVE_INFINITY) return;
    const first = clock.after(timeMs, () => {
      const beat = worker.beat();
      const second = clock.after(endMarginMs, () => {
        if (worker.beat() !== beat) return;
        const message = `its actor did not stop within ${timeMs} ms, ${describeWork(worker)}`;
        log("error", "dedicated thread is ended", { thread: worker.thread, why: message });
        worker.terminate({ message, culprits: [] });
      });
      void worker.ended.then(() => second.cancel());
    });
    void worker.ended.then(() => first.cancel());
  }

  #endOrphansOf(thread: number): void {
    for (const [worker, { ownerThread, shutdownMs }] of this.#requests) {
      if (ownerThread === thread) this.#endIfStuck(worker, Math.min(shutdownMs, maxOrphanMs));
    }
  }

  #ended(worker: WorkerThread, end: ThreadEnd): void {
    const { thread, dedicated } = worker;
    const { kernel } = this.#parts;
    this.#live.delete(thread);
    this.#requests.delete(worker);
    const expected = this.#stopping || this.#leaving.delete(worker);
    if (!expected) kernel.log("error", "thread died", { thread, why: end.message });
    for (const listener of this.#downListeners) listener(thread);
    for (const other of this.workers()) {
      other.threadDown(thread, end).catch(() => {
        // It is dying as well; whoever asks it for something learns of that.
      });
    }
    this.#links.get(thread)?.close(`thread ${thread} died: ${end.message}`);
    this.#links.delete(thread);
    kernel.routes.threadDown(thread, `thread ${thread} died: ${end.message}`, end.culprits);
    this.#endOrphansOf(thread);
    if (!dedicated && !expected) this.#replace(thread, end);
  }

  #replace(thread: number, end: ThreadEnd): void {
    const { kernel, limits, onGiveUp } = this.#parts;
    const now = kernel.clock.now();
    const verdict = decideRestartAllowed(this.#deaths, now, threadRestarts);
    const ranForMs = now - (this.#deaths.at(-1) ?? Number.NEGATIVE_INFINITY);
    this.#deaths = verdict.window;
    if (!verdict.allowed) {
      onGiveUp(`threads died more than ${threadRestarts.intensity} times: ${end.message}`);
      return;
    }
    const backoff = decideBackoff(threadBackoff, this.#deathsInRow, ranForMs, kernel.random);
    this.#deathsInRow = backoff.restartsInRow;
    kernel.clock.after(backoff.delayMs, () => {
      if (this.#stopping) return;
      this.#open(thread, limits, null).then(
        () => kernel.log("info", "thread replaced", { thread }),
        (error) => {
          // Its death, if it died, is followed by the next attempt; a thread that hangs is ended.
          kernel.log("error", "thread did not come up", { thread, error: String(error) });
          this.#live.get(thread)?.terminate({ message: "did not come up", culprits: [] });
        },
      );
    });
  }
}

/** What a thread is doing, for the log. */
function describeWork(worker: WorkerThread): string {
  const doing = worker.doing();
  if (doing === null) return "code outside of any actor";
  const { thread, incarnation } = worker;
  return `${formatPid({ node: HERE, thread, id: doing.actorId, incarnation })} ${doing.label}`;
}

type ThreadIdentity = Pick<LinkEnd, "thread" | "incarnation" | "dedicated">;

/** Both ends of a new link: `here` is for the thread `from`, `there` for the thread `to`. */
function newLink(from: ThreadIdentity, to: ThreadIdentity): { here: LinkEnd; there: LinkEnd } {
  const { port1, port2 } = new MessageChannel();
  const memory = new SharedArrayBuffer(linkMemoryBytes);
  return {
    here: { ...identify(to), side: 0, memory, port: port1 },
    there: { ...identify(from), side: 1, memory, port: port2 },
  };
}

function identify({ thread, incarnation, dedicated }: ThreadIdentity): ThreadIdentity {
  return { thread, incarnation, dedicated };
}
