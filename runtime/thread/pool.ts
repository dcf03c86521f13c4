import { Piscina, queueOptionsSymbol } from "piscina";
import type { ResourceLimits } from "../actor/index.ts";
import { type Clock, type ErrorRecord, toErrorRecord } from "../core/index.ts";
import { PoolTask, type TaskEnd, type TaskListener } from "./pool-task.ts";
import type { StrayReport } from "./pool-thread.ts";
import { parseReport } from "./report.ts";
import { checkResourceLimits, selectResourceLimits } from "./resource-limits.ts";

/** How a {@link WorkerPool} works. */
export interface WorkerPoolOptions {
  /** URL of the module whose export `runTask` is made by `poolEntry`. */
  readonly entry: string;
  /** Threads at most; they are started when there is work. */
  readonly threads: number;
  /** Tasks that may wait for a thread; 0: none may. */
  readonly maxQueue: number;
  /** Time without work after which a thread ends, ms; Infinity: never. */
  readonly idleMs: number;
  /**
   * Limits of each thread. Where `maxOldGenerationSizeMb` is given, `maxYoungGenerationSizeMb` is 16
   * unless it is too.
   */
  readonly resourceLimits?: ResourceLimits;
  readonly clock: Clock;
  /** Told of what goes wrong on a thread outside of the tasks that run. */
  onError(error: ErrorRecord): void;
}

/** A pool at one moment; the counts are since its start. */
export interface WorkerPoolStatistics {
  /** Threads that live or start. */
  readonly threads: number;
  readonly maxThreads: number;
  /** Tasks that have a thread. */
  readonly busy: number;
  /** Tasks that wait for one. */
  readonly queued: number;
  readonly maxQueue: number;
  /** Tasks that ended by themselves, well or not. */
  readonly completed: number;
  /** Tasks whose thread died. */
  readonly lost: number;
  /** Tasks whose thread was ended because they did not end. */
  readonly killed: number;
  /** Tasks that never ran because they were cancelled first. */
  readonly cancelled: number;
  /** Tasks refused because too many waited. */
  readonly rejected: number;
  /** Share of the time of all threads that tasks have had, 0 to 1. */
  readonly utilization: number;
}

/** A task that never began is given to this many threads, one after the other. */
const MAX_ATTEMPTS = 3;
/** How long the platform may take to end the threads. */
const TERMINATE_MS = 5_000;

/**
 * Runs tasks on threads of their own, one task a thread at a time, first come first served. The
 * threads are piscina's; the queue is not: piscina's bound does not count tasks that have a signal
 * (its issue 1029), a signal of its counts from the queue on (869), and what it queues may be left
 * behind when a thread is ended (805). So it is only given tasks for which it has a thread, and its
 * signal is used for one thing: to end the thread of a task that does not end otherwise. With one
 * task a thread that hurts no other task (934).
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #piscina: Piscina;
  readonly #queue = new Set<PoolTask>();
  readonly #running = new Set<PoolTask>();
  readonly #counts = { done: 0, failed: 0, cancelled: 0, killed: 0, lost: 0 };
  readonly #createdAt: number;
  #rejected = 0;
  #busyMs = 0;
  #isDestroyed = false;

  /** @throws RangeError for resource limits with which no thread can start. */
  constructor(options: WorkerPoolOptions) {
    checkResourceLimits(options.resourceLimits ?? {});
    this.#options = options;
    this.#createdAt = options.clock.now();
    this.#piscina = new Piscina({
      filename: options.entry,
      name: "runTask",
      minThreads: 0,
      maxThreads: options.threads,
      idleTimeout: options.idleMs,
      concurrentTasksPerWorker: 1,
      // Blocks threads between tasks: what a module does on its own, such as keeping connections,
      // would stand still.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: { ...selectResourceLimits(options.resourceLimits) } as never,
      loadBalancer: (task, workers) => {
        const worker = workers.find(({ currentUsage }) => currentUsage === 0) ?? null;
        if (worker !== null) (task[queueOptionsSymbol] as PoolTask).isPlaced = true;
        return worker;
      },
    });
    this.#piscina.on("error", (error) => options.onError(toErrorRecord(error)));
    this.#piscina.on("message", (message: unknown) => {
      const report = parseReport<StrayReport>(message);
      if (report !== null) options.onError(report.stray);
    });
    this.#piscina.on("workerDestroy", () => setImmediate(() => this.#rescue()));
  }

  /** Takes a task; null when all threads are busy and too many tasks wait, or after `destroy`. */
  submit(payload: unknown, listener: TaskListener): PoolTask | null {
    const { threads, maxQueue } = this.#options;
    const hasThread = this.#running.size < threads;
    if (this.#isDestroyed || (!hasThread && this.#queue.size >= maxQueue)) {
      this.#rejected += 1;
      return null;
    }
    const task = new PoolTask(payload, listener, this.#onStarted);
    if (hasThread) this.#start(task);
    else this.#queue.add(task);
    return task;
  }

  /**
   * A task that waits will never run. A running one has its signal aborted; if it has not ended
   * `graceMs` later its thread is ended. Only the first cancellation of a task counts.
   */
  cancel(task: PoolTask, graceMs: number, reason: string): void {
    if (task.graceMs !== null) return;
    if (this.#queue.delete(task)) {
      task.graceMs = graceMs;
      this.#endLater(task, { status: "cancelled" });
    } else if (this.#running.has(task)) {
      task.graceMs = graceMs;
      task.send(["abort", reason]);
      // One that has not begun will see it before it does, however long its thread takes to start.
      if (task.isStarted) this.#limit(task, graceMs);
    }
  }

  get statistics(): WorkerPoolStatistics {
    const { threads: maxThreads, maxQueue, clock } = this.#options;
    const { done, failed, lost, killed, cancelled } = this.#counts;
    const now = clock.now();
    let busyMs = this.#busyMs;
    for (const task of this.#running) if (task.isStarted) busyMs += now - task.startedAt;
    const ageMs = now - this.#createdAt;
    return {
      threads: this.#piscina.threads.length,
      maxThreads,
      busy: this.#running.size,
      queued: this.#queue.size,
      maxQueue,
      completed: done + failed,
      ...{ lost, killed, cancelled, rejected: this.#rejected },
      utilization: ageMs > 0 ? Math.min(1, busyMs / (ageMs * maxThreads)) : 0,
    };
  }

  /** Ends all threads, and with them what runs; what waits is cancelled. Resolves when they have. */
  async destroy(): Promise<void> {
    this.#isDestroyed = true;
    for (const task of this.#queue) this.#endLater(task, { status: "cancelled" });
    this.#queue.clear();
    for (const task of this.#running) task.isKilled = true;
    const { promise: tooLate, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(TERMINATE_MS, resolve);
    await Promise.race([this.#piscina.destroy(), tooLate]);
    timer.cancel();
  }

  #start(task: PoolTask): void {
    this.#running.add(task);
    try {
      const attempt = task.begin();
      const { controller, far } = attempt;
      const job = { port: far, [queueOptionsSymbol]: task };
      const ended = (error: unknown): void => {
        if (task.attempt === attempt) this.#finish(task, error);
      };
      this.#piscina
        .run(job, { signal: controller.signal, transferList: [far] as never })
        .then(() => ended(new Error("its thread left it")), ended);
    } catch (error) {
      // The payload cannot be sent, or the platform starts no thread; piscina may keep the task.
      const { attempt } = task;
      task.attempt = null;
      attempt?.near.close();
      attempt?.controller.abort();
      const end: TaskEnd =
        attempt === null
          ? { status: "failed", error: toErrorRecord(error) }
          : { status: "lost", started: false, reason: toErrorRecord(error).message };
      queueMicrotask(() => this.#ended(task, end));
    }
  }

  readonly #onStarted = (task: PoolTask): void => {
    task.startedAt = this.#options.clock.now();
    if (task.graceMs !== null) this.#limit(task, task.graceMs);
  };

  #limit(task: PoolTask, graceMs: number): void {
    task.graceTimer = this.#options.clock.after(graceMs, () => {
      task.isKilled = true;
      task.attempt?.controller.abort();
    });
  }

  #finish(task: PoolTask, error: unknown): void {
    const end = task.finish(error);
    const isHarmless = end.status === "lost" && !end.started && task.attempts < MAX_ATTEMPTS;
    if (isHarmless && !this.#isDestroyed) this.#start(task);
    else this.#ended(task, end);
  }

  #ended(task: PoolTask, end: TaskEnd): void {
    this.#running.delete(task);
    if (task.isStarted) this.#busyMs += this.#options.clock.now() - task.startedAt;
    const [next] = this.#queue;
    if (next !== undefined) {
      this.#queue.delete(next);
      this.#start(next);
    }
    this.#tell(task, end);
  }

  #endLater(task: PoolTask, end: TaskEnd): void {
    queueMicrotask(() => this.#tell(task, end));
  }

  #tell(task: PoolTask, end: TaskEnd): void {
    this.#counts[end.status] += 1;
    task.listener.onEnd(end);
  }

  /** A thread that dies while it starts takes no task with it: nobody else would come for them. */
  #rescue(): void {
    if (this.#isDestroyed || this.#piscina.threads.length >= this.#running.size) return;
    for (const task of [...this.#running]) {
      const { attempt } = task;
      if (attempt === null || task.isPlaced) continue;
      this.#finish(task, new Error("its thread did not start"));
      // Piscina forgets the earlier attempt.
      attempt.controller.abort();
    }
  }
}
