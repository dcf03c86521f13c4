import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Kernel, ResourceLimits, ThreadsPort } from "../actor/index.ts";
import { formatPid, TroupeError } from "../core/index.ts";
import { decideBackoff, decideRestartAllowed, type RestartWindow } from "../supervision/index.ts";
import {
  Link,
  LinkCounters,
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

/** What a {@link ThreadSet} is made of. */
export interface ThreadSetParts {
  readonly kernel: Kernel;
  readonly schedulers: number;
  readonly config: ThreadConfig;
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
  readonly #downListeners = new Set<(thread: number) => void>();
  readonly #leaving = new Set<WorkerThread>();
  readonly #watchdog: Watchdog;
  /** Threads are linked one after the other, so that each pair gets exactly one link. */
  #linking: Promise<unknown> = Promise.resolve();
  #deaths: RestartWindow = [];
  #deathsInRow = 0;
  #stopping = false;

  constructor(parts: ThreadSetParts) {
    this.#parts = parts;
    this.schedulers = Array.from({ length: parts.schedulers }, (_, index) => index + 1);
    const { clock } = parts.kernel;
    this.#watchdog = new Watchdog(clock, parts.config.heartbeatMs, parts.stallTimeoutMs);
  }

  /** Starts the scheduler threads; resolves when all are linked. */
  async start(): Promise<void> {
    await Promise.all(this.schedulers.map((thread) => this.#open(thread, false, {})));
  }

  /** Calls `listener` before anybody else hears that a thread died. */
  onThreadDown(listener: (thread: number) => void): void {
    this.#downListeners.add(listener);
  }

  async openDedicated(limits: ResourceLimits): Promise<number> {
    let thread = this.schedulers.length + 1;
    while (this.#live.has(thread)) thread += 1;
    await this.#open(thread, true, limits);
    return thread;
  }

  async closeDedicated(thread: number): Promise<void> {
    const worker = this.#live.get(thread);
    if (worker === undefined || !worker.dedicated) return;
    this.#leaving.add(worker);
    await worker.exit({ message: "its actor stopped", culprits: [] }, exitTimeoutMs);
  }

  /** The living workers. */
  workers(): WorkerThread[] {
    return [...this.#live.values()];
  }

  /** Ends all threads. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#watchdog.stop();
    const end = { message: "the system stopped", culprits: [] };
    await Promise.all(this.workers().map((worker) => worker.exit(end, exitTimeoutMs)));
  }

  async #open(thread: number, dedicated: boolean, limits: ResourceLimits): Promise<void> {
    const { kernel, config } = this.#parts;
    if (this.#stopping) throw new TroupeError("stopping", "the system is stopping");
    const incarnation = (this.#incarnations.get(thread) ?? 0) + 1;
    this.#incarnations.set(thread, incarnation);
    const data = { thread, incarnation, dedicated, config };
    const worker = new WorkerThread(data, limits, kernel.clock, kernel.log);
    this.#live.set(thread, worker);
    void worker.ended.then((end) => this.#ended(worker, end));
    const linked = this.#linking.then(() => this.#linkToAll(worker));
    this.#linking = linked.catch(() => {});
    await linked;
    this.#watch(worker);
  }

  /** Links a new worker to the main thread and to every other worker that is linked already. */
  async #linkToAll(worker: WorkerThread): Promise<void> {
    const others = this.workers().filter((other) => this.#links.has(other.thread));
    const { kernel } = this.#parts;
    const toMain = newLink(kernel);
    const counters = new LinkCounters(toMain.there.memory, 0);
    const link = new Link(kernel, worker.thread, worker.incarnation, toMain.port, counters);
    const greetings = [worker.connect(toMain.there, true)];
    link.open();
    for (const other of others) {
      const pair = newLink(other);
      const here: LinkEnd = {
        thread: worker.thread,
        incarnation: worker.incarnation,
        side: 0,
        memory: pair.there.memory,
        port: pair.port,
      };
      // The other thread may be busy or dying: its greeting is waited for at the new one.
      other.connect(here, false).catch(() => pair.port.close());
      greetings.push(worker.connect(pair.there, true));
    }
    this.#links.set(worker.thread, link);
    await Promise.all([...greetings, link.greeting]);
  }

  #watch(worker: WorkerThread): void {
    // A dedicated thread is there for work that blocks.
    if (worker.dedicated || this.#live.get(worker.thread) !== worker) return;
    const watched = {
      thread: worker.thread,
      beat: () => worker.beat(),
      onStall: (stalledMs: number) => this.#stalled(worker, stalledMs),
    };
    this.#watchdog.watch(watched);
    void worker.ended.then(() => this.#watchdog.unwatch(watched));
  }

  #stalled(worker: WorkerThread, stalledMs: number): void {
    const { thread } = worker;
    const doing = worker.doing();
    const pid = doing && formatPid({ node: 0, thread, id: doing.actorId, incarnation: 0 });
    const what = doing === null ? "code outside of any actor" : `${pid} ${doing.label}`;
    const message = `stuck for ${Math.round(stalledMs)} ms in ${what}`;
    const certain = doing?.certain ?? false;
    this.#parts.kernel.log("error", `thread ${message}; it is stopped`, { thread, certain });
    void worker.terminate({ message, culprits: doing === null ? [] : [doing.actorId] });
  }

  #ended(worker: WorkerThread, end: ThreadEnd): void {
    const { thread, dedicated } = worker;
    const { kernel } = this.#parts;
    this.#live.delete(thread);
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
    kernel.threadDown(thread, `thread ${thread} died: ${end.message}`, end.culprits);
    if (!dedicated && !expected) this.#replace(thread, end);
  }

  #replace(thread: number, end: ThreadEnd): void {
    const { kernel, onGiveUp } = this.#parts;
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
      this.#open(thread, false, {}).then(
        () => kernel.log("info", "thread replaced", { thread }),
        (error) => {
          // Its death, if it died, is followed by the next attempt; a thread that hangs is ended.
          kernel.log("error", "thread did not come up", { thread, error: String(error) });
          void this.#live.get(thread)?.terminate({ message: "did not come up", culprits: [] });
        },
      );
    });
  }
}

/** A channel to a new worker: its end, and the port for the one that it is linked to. */
function newLink(from: { readonly thread: number; readonly incarnation: number }): {
  there: LinkEnd;
  port: MessagePort;
} {
  const { port1, port2 } = new MessageChannel();
  const memory = new SharedArrayBuffer(linkMemoryBytes);
  const { thread, incarnation } = from;
  return { there: { thread, incarnation, side: 1, memory, port: port2 }, port: port1 };
}
