import {
  type ActorContext,
  type PoolTask,
  ReplyError,
  type TaskEnd,
  TroupeError,
  toErrorRecord,
  type WorkerPool,
} from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import { callFunction } from "../execution/index.ts";
import { HANDLER_FAILED, type StreamEnd } from "../request/index.ts";
import type { FromJob, Job, ToJob } from "./job.ts";
import { decideTaskFailure } from "./task-failure.ts";

/** Where jobs run. */
export interface PoolHost {
  readonly name: string;
  readonly context: ActorContext;
  readonly workers: WorkerPool;
}

/** What a job's owner hears. */
export interface RunListener {
  /** What the job's stream says. */
  onChunks?(chunks: readonly string[], end: StreamEnd | null): void;
  /** Called once. `failure` is null for a job that ended well; a fault has been logged. */
  onEnd(value: unknown, failure: ReplyError | null): void;
}

/** What a job came to: a result or a ServiceError, a fault, or it was cancelled. */
export type RunOutcome = "answered" | "failed" | "stopped";

/** One job of a pool, from its queue to its end. */
export class PoolRun {
  readonly job: Job;
  /** Null until it has ended. */
  outcome: RunOutcome | null = null;
  readonly #host: PoolHost;
  readonly #listener: RunListener;
  readonly #task: PoolTask;
  /** On the clock's `now`. */
  #deadlineAt: number;
  readonly #submittedAt: number;
  #startedAt = Number.NaN;
  /** Aborted when the job is over: what it called for is wanted no more. */
  readonly #over = new AbortController();
  /** The calls that it has under way, by their ids. */
  readonly #calls = new Map<number, AbortController>();

  /**
   * Gives the job to the pool. `remainingMs` is what is left of its deadline.
   * @throws ReplyError `queue_full`.
   */
  constructor(host: PoolHost, job: Job, remainingMs: number, listener: RunListener) {
    const { workers, context } = host;
    this.#host = host;
    this.job = job;
    this.#listener = listener;
    this.#submittedAt = context.clock.now();
    this.#deadlineAt = this.#submittedAt + remainingMs;
    const task = workers.submit(job, {
      onStart: () => this.#started(),
      onMessage: (message) => this.#take(message as FromJob),
      onEnd: (end) => this.#ended(end),
    });
    if (task === null) {
      const { queued } = workers.statistics;
      this.#publish(telemetry.workerPoolTaskRejected, { queued });
      throw new ReplyError("queue_full", `${host.name} has too much work waiting`);
    }
    this.#task = task;
  }

  /** See WorkerPool.cancel. */
  cancel(graceMs: number, reason: string): void {
    this.#host.workers.cancel(this.#task, graceMs, reason);
    this.#over.abort(new TroupeError("cancelled", reason));
  }

  /** Its deadline has been kept: what is still to come has none. */
  unbind(): void {
    this.#deadlineAt = Number.POSITIVE_INFINITY;
  }

  /** The consumer of its stream has taken so many chunks. */
  grant(count: number): void {
    this.#post({ type: "grant", count });
  }

  #started(): void {
    this.#startedAt = this.#host.context.clock.now();
    const queue_us = Math.round((this.#startedAt - this.#submittedAt) * 1_000);
    this.#publish(telemetry.workerPoolTaskStart, { queue_us });
  }

  #take(message: FromJob): void {
    switch (message.type) {
      case "log":
        this.#log(message.level, message.message, message.fields);
        break;
      case "call":
        void this.#call(message);
        break;
      case "cancel":
        this.#calls.get(message.id)?.abort(new TroupeError("cancelled", "the call was given up"));
        break;
      case "chunks":
        this.#listener.onChunks?.(message.chunks, message.end);
        break;
      case "left":
        this.cancel(0, "its generator did not end");
    }
  }

  async #call(call: FromJob & { readonly type: "call" }): Promise<void> {
    const { id, service, requestType, args, version, timeoutMs, changes } = call;
    const { context } = this.#host;
    const leftMs = Math.max(0, this.#deadlineAt - context.clock.now());
    const remainingMs = Math.min(leftMs, timeoutMs ?? leftMs);
    const { info } = this.job;
    const own = new AbortController();
    this.#calls.set(id, own);
    const signal = AbortSignal.any([this.#over.signal, own.signal]);
    try {
      const given = { service, requestType, args, version, info, remainingMs, signal, changes };
      const value = await callFunction(context, given);
      this.#post({ type: "answer", id, value });
    } catch (error) {
      this.#post({ type: "refusal", id, error: toErrorRecord(error) });
    } finally {
      this.#calls.delete(id);
    }
  }

  #ended(end: TaskEnd): void {
    this.#over.abort(new TroupeError("cancelled", "the call has ended"));
    const failure = decideTaskFailure(end, this.job.service, this.job.method);
    this.outcome = decideOutcome(end, failure);
    this.#report(end);
    if (!Number.isNaN(this.#startedAt)) this.#measure(failure);
    this.#listener.onEnd(end.status === "done" ? end.value : undefined, failure);
  }

  #report(end: TaskEnd): void {
    if (end.status === "failed" && end.error.reply !== true) {
      const { message: error, stack } = end.error;
      this.#log("error", "function failed", { error, stack });
    } else if (end.status === "lost") {
      this.#log("error", "function lost its thread", { why: end.reason });
    } else if (end.status === "killed") {
      this.#log("warn", "function did not end, its thread was ended", {});
    }
  }

  #measure(failure: ReplyError | null): void {
    const { clock } = this.#host.context;
    const duration_us = Math.round((clock.now() - this.#startedAt) * 1_000);
    const isAnswer = this.outcome === "answered";
    const channel = isAnswer ? telemetry.workerPoolTaskStop : telemetry.workerPoolTaskException;
    this.#publish(channel, { duration_us }, failure?.code ?? null);
  }

  #publish(
    channel: typeof telemetry.workerPoolTaskStop,
    measurements: Readonly<Record<string, number>>,
    code: string | null = null,
  ): void {
    if (!channel.hasSubscribers) return;
    const { service, method, info } = this.job;
    const metadata = { pool: this.#host.name, service, function: method, code };
    channel.publish({ measurements, metadata: { ...metadata, request_id: info.requestId } });
  }

  #log(level: "debug" | "info" | "warn" | "error", message: string, fields: object): void {
    const { service, method, info } = this.job;
    const { log } = this.#host.context;
    log(level, message, { function: `${service}.${method}`, requestId: info.requestId, ...fields });
  }

  /** What cannot leave this thread is told instead. */
  #post(message: ToJob): void {
    try {
      this.#task.post(message);
    } catch (error) {
      if (message.type !== "answer") throw error;
      this.#task.post({ type: "refusal", id: message.id, error: toErrorRecord(error) });
    }
  }
}

function decideOutcome(end: TaskEnd, failure: ReplyError | null): RunOutcome {
  if (end.status === "cancelled" || end.status === "killed") return "stopped";
  return end.status === "lost" || failure?.code === HANDLER_FAILED ? "failed" : "answered";
}
