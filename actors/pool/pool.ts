import { availableParallelism } from "node:os";
import {
  Actor,
  type ActorRef,
  ReplyError,
  type Signal,
  type Timer,
  TroupeError,
  WorkerPool,
} from "#runtime";
import type { CallInfo, StreamOpening } from "../request/index.ts";
import { type ServiceRecord, servicesTable } from "../service/index.ts";
import type { Job } from "./job.ts";
import { type PoolHost, PoolRun } from "./pool-run.ts";
import type { PoolOptions } from "./pool-settings.ts";
import type { PoolStatus } from "./pool-status.ts";
import { PoolStream } from "./pool-stream.ts";
import { ServiceLookup } from "./service-lookup.ts";

/** The registered name of the pool for functions that are no streams. */
export const asyncPoolName = "pool/async";
/** The registered name of the pool for streams. */
export const streamPoolName = "pool/stream";

/** Time that a function has to end once its signal is aborted; then its thread is ended. */
const callGraceMs = 200;
/** Time without work after which a thread ends. */
const idleMs = 30_000;
/** How often the pool looks whether it is still the one of its name. */
const holdMs = 1_000;

/**
 * Runs functions of `defineService` services on threads of its own, one call a thread, so that those
 * that compute for long keep nobody else waiting. A call that does not end when its signal is aborted
 * loses its thread, and no other call is hurt; so does a thread that dies. To be spawned under its
 * name, on a scheduler thread, with a concurrency without bound: the queue is its own.
 */
export class Pool extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #host: PoolHost;
  readonly #table = this.context.table<ServiceRecord>(servicesTable);
  readonly #services = new ServiceLookup(this.#table);
  readonly #runs = new Set<PoolRun>();
  /** By the key of the consumer, then by its number of the stream. */
  readonly #streams = new Map<string, Map<number, PoolStream>>();
  readonly #drainMs: number;
  #failed = 0;
  #answered = 0;
  #onIdle: () => void = () => {};
  #holdTimer: Timer | null = null;
  readonly #unfollow: () => void;
  #wasHolder = false;

  /** `drainMs`: time for the streams of a service that was stopped or replaced. */
  constructor(name: string, options: PoolOptions, drainMs = 15_000) {
    super();
    this.#drainMs = drainMs;
    const { context } = this;
    const workers = new WorkerPool({
      ...options,
      threads: options.threads ?? availableParallelism(),
      idleMs,
      entry: import.meta.resolve("./worker.ts"),
      clock: context.clock,
      onError: ({ message, stack }) =>
        context.log("error", "pool thread failed outside of its calls", { error: message, stack }),
    });
    this.#host = { name, context, workers };
    this.#unfollow = this.#table.onChange(() => {
      for (const stream of this.#listStreams()) this.#weigh(stream);
    });
    this.#holdName();
  }

  /**
   * Runs the function behind a message of a service's instances, for whose deadline and signal those
   * of the ask stand. `module` is that of the FunConfig; the last of `message` is the CallInfo. One
   * with `info.stream` opens a stream: it is answered when a thread has begun with it.
   * @throws ReplyError `unavailable` (no such service or function), `queue_full`, `outcome_unknown`
   *   (its thread died), `handler_failed` (it threw; logged), and what the function refuses with.
   */
  run(module: string, method: string, message: readonly unknown[]): Promise<unknown> {
    this.#wasHolder ||= this.#isHolder;
    const info = message.at(-1) as CallInfo;
    const record = this.#services.find(module);
    if (record === undefined) {
      throw new ReplyError("unavailable", `no service ${module} is loaded`);
    }
    const { stream, ...caller } = info;
    const { remainingMs = Number.POSITIVE_INFINITY, signal = null } = this.context.message ?? {};
    const job: Job = {
      ...{ url: record.url, service: record.name, method, args: message.slice(0, -1) },
      ...{ info: caller, window: stream?.window ?? null },
      deadline: this.context.clock.wallTime() + remainingMs,
    };
    return stream === undefined
      ? this.#call(job, remainingMs, signal)
      : this.#open(job, remainingMs, signal, stream);
  }

  /** A consumer has taken so many chunks of a stream. */
  "troupe:grant"(consumer: ActorRef, id: number, count: number): void {
    this.#streams.get(consumer.key)?.get(id)?.run.grant(count);
  }

  /** A consumer wants no more of a stream. */
  "troupe:stop"(consumer: ActorRef, id: number): void {
    this.#streams.get(consumer.key)?.get(id)?.stop("the stream was stopped");
  }

  /** How the pool is doing. */
  status(): PoolStatus {
    const { workers, name } = this.#host;
    const { threads, maxThreads, busy, queued, maxQueue, rejected, killed, utilization } =
      workers.statistics;
    const counts = { completed: this.#answered, failed: this.#failed, rejected, killed };
    return { name, threads, maxThreads, busy, queued, maxQueue, ...counts, utilization };
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    for (const stream of [...(this.#streams.get(signal.ref.key)?.values() ?? [])]) {
      stream.stop("its consumer is gone");
    }
  }

  /** By now all calls have ended, unless the pool has crashed; streams may have no end. */
  protected override async terminate(): Promise<void> {
    this.#holdTimer?.cancel();
    this.#unfollow();
    for (const stream of this.#listStreams()) stream.close(`${this.#host.name} is stopping`);
    for (const run of this.#runs) run.cancel(callGraceMs, `${this.#host.name} is stopping`);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    if (this.#runs.size > 0) await promise;
    await this.#host.workers.destroy();
  }

  #call(job: Job, remainingMs: number, signal: AbortSignal | null): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const run = new PoolRun(this.#host, job, remainingMs, {
        onEnd: (value, failure) => {
          signal?.removeEventListener("abort", cancel);
          this.#ended(run);
          if (failure === null) resolve(value);
          else reject(failure);
        },
      });
      this.#runs.add(run);
      const cancel = (): void => run.cancel(callGraceMs, reasonOf(signal));
      signal?.addEventListener("abort", cancel, { once: true });
      if (signal?.aborted) cancel();
    });
  }

  #open(
    job: Job,
    remainingMs: number,
    signal: AbortSignal | null,
    opening: StreamOpening,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const stream = new PoolStream(this.#host, job, remainingMs, opening, {
        onOpen: () => {
          signal?.removeEventListener("abort", cancel);
          resolve(null);
          this.#weigh(stream);
        },
        onOver: () => this.#forget(opening.consumer.key, opening.id),
        onEnd: (failure) => {
          signal?.removeEventListener("abort", cancel);
          this.#ended(stream.run);
          reject(failure ?? new ReplyError("cancelled", "the stream ended before it was open"));
        },
      });
      this.#runs.add(stream.run);
      this.#remember(stream);
      const cancel = (): void => stream.stop(reasonOf(signal));
      signal?.addEventListener("abort", cancel, { once: true });
      if (signal?.aborted) cancel();
    });
  }

  #listStreams(): PoolStream[] {
    return [...this.#streams.values()].flatMap((ofConsumer) => [...ofConsumer.values()]);
  }

  /**
   * A stream whose service was stopped or replaced comes to its end as those of an instance do. It is
   * ended in time: it may have no end of its own. One that is not open yet is looked at when it is.
   */
  #weigh(stream: PoolStream): void {
    const { service, method, url } = stream.run.job;
    if (!stream.isOpen) return;
    if (this.#table.get(service)?.url === url) stream.keep();
    else stream.retire(this.#drainMs, `${service}.${method} is stopping`);
  }

  #ended(run: PoolRun): void {
    this.#runs.delete(run);
    if (run.outcome === "failed") this.#failed += 1;
    else if (run.outcome === "answered") this.#answered += 1;
    if (this.#runs.size === 0) this.#onIdle();
  }

  #remember(stream: PoolStream): void {
    const { consumer, id } = stream;
    let ofConsumer = this.#streams.get(consumer.key);
    if (ofConsumer === undefined) {
      ofConsumer = new Map();
      this.#streams.set(consumer.key, ofConsumer);
      this.context.watch(consumer);
    }
    ofConsumer.set(id, stream);
  }

  #forget(consumerKey: string, id: number): void {
    const ofConsumer = this.#streams.get(consumerKey);
    const consumer = ofConsumer?.get(id)?.consumer;
    if (!ofConsumer?.delete(id) || ofConsumer.size > 0) return;
    this.#streams.delete(consumerKey);
    if (consumer !== undefined) this.context.unwatch(consumer);
  }

  /** An actor that is killed is not told of its end: its threads would go on without it. */
  #holdName(): void {
    this.#holdTimer = this.context.clock.after(holdMs, () => {
      if (this.#wasHolder && !this.#isHolder) void this.#host.workers.destroy();
      else this.#holdName();
    });
  }

  get #isHolder(): boolean {
    const { name, self } = this.context;
    return name !== null && this.context.whereis(name)?.equals(self) === true;
  }
}

function reasonOf(signal: AbortSignal | null): string {
  return signal?.reason instanceof TroupeError ? signal.reason.message : "nobody waits any more";
}
