import { MessageChannel, Worker } from "node:worker_threads";
import { type Endpoint, type Remote, releaseProxy, transfer, wrap } from "comlink";
import {
  Activity,
  type ActorInfo,
  activityBytes,
  type ResourceLimits,
  type ThreadInfo,
} from "../actor/index.ts";
import { type Clock, type Log, TroupeError, toErrorRecord } from "../core/index.ts";
import type { LinkEnd, ThreadConfig, ThreadControl, ThreadData, ThreadReport } from "./control.ts";
import { LabelMemory, labelMemoryBytes } from "./label-memory.ts";

const entry = new URL("./entry.ts", import.meta.url);

/** How a thread ended. */
export interface ThreadEnd {
  readonly message: string;
  /** Numbers of the actors that are known to be at fault. */
  readonly culprits: readonly number[];
}

/** How long a thread may take to answer the main thread. */
const controlTimeoutMs = 10_000;

/** One worker, as the main thread holds it. */
export class WorkerThread {
  readonly thread: number;
  readonly incarnation: number;
  readonly dedicated: boolean;
  /** Resolves when the thread has ended, for whatever reason; never rejects. */
  readonly ended: Promise<ThreadEnd>;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #control: Remote<ThreadControl>;
  readonly #activity: Activity;
  readonly #labels: LabelMemory;
  #cause: ThreadEnd | null = null;
  #exiting: Promise<void> | null = null;

  constructor(
    data: { thread: number; incarnation: number; dedicated: boolean; config: ThreadConfig },
    limits: ResourceLimits,
    clock: Clock,
    log: Log,
  ) {
    this.thread = data.thread;
    this.incarnation = data.incarnation;
    this.dedicated = data.dedicated;
    this.#clock = clock;
    const activity = new SharedArrayBuffer(activityBytes);
    const labels = new SharedArrayBuffer(labelMemoryBytes);
    this.#activity = new Activity(activity);
    this.#labels = new LabelMemory(labels);
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadData = { ...data, activity, labels, control: port2 };
    this.#worker = new Worker(entry, {
      workerData,
      transferList: [port2],
      resourceLimits: { ...limits },
      name: `troupe-${data.thread}`,
      argv: [],
    });
    this.#control = wrap<ThreadControl>(port1 as object as Endpoint);
    this.#worker.on("message", (report: ThreadReport) => {
      if (report.type === "log") log(report.level, report.message, report.fields);
      else this.#cause ??= { message: report.message, culprits: culpritsOf(report.culprit) };
    });
    this.#worker.on("error", (error: unknown) => {
      this.#cause ??= { message: toErrorRecord(error).message, culprits: this.#culprits() };
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        port1.close();
        resolve(this.#cause ?? { message: `exit code ${code}`, culprits: this.#culprits() });
      });
    });
  }

  /** Opens one end of a link there; with `greet` resolves when the tables have arrived. */
  connect(end: LinkEnd, greet: boolean): Promise<void> {
    return this.#call(() => this.#control.connect(transfer(end, [end.port]), greet));
  }

  threadDown(thread: number, end: ThreadEnd): Promise<void> {
    return this.#call(() => this.#control.threadDown(thread, end.message, end.culprits));
  }

  /** @throws TroupeError `thread_down` when the thread is gone or does not answer in time. */
  inspect(timeoutMs: number): Promise<{ actors: ActorInfo[]; info: ThreadInfo }> {
    return this.#call(() => this.#control.inspect(), timeoutMs);
  }

  /** The count of heartbeats so far. */
  beat(): number {
    return this.#activity.beats;
  }

  /**
   * What it is doing: the actor's number and the label of its message, `certain` when the message
   * is in progress and not only the last one that awaits something; null when nothing.
   */
  doing(): { actorId: number; label: string; certain: boolean } | null {
    const found = this.#activity.read();
    return found === null ? null : { ...found, label: this.#labels.read(found.label) ?? "?" };
  }

  /** Ends the thread at once, wherever its code is. `end` becomes its reason, if it is the first. */
  async terminate(end: ThreadEnd): Promise<void> {
    this.#cause ??= end;
    await this.#worker.terminate();
  }

  /** Asks the thread to exit, and makes it after `timeoutMs`. */
  exit(end: ThreadEnd, timeoutMs: number): Promise<void> {
    this.#exiting ??= this.#exit(end, timeoutMs);
    return this.#exiting;
  }

  async #exit(end: ThreadEnd, timeoutMs: number): Promise<void> {
    this.#cause ??= end;
    try {
      await this.#call(() => this.#control.exit(), timeoutMs);
      await this.#within(this.ended, timeoutMs);
    } catch {
      await this.#worker.terminate();
    }
    this.#control[releaseProxy]();
  }

  #culprits(): number[] {
    return culpritsOf(this.#activity.read()?.actorId ?? 0);
  }

  async #call<T>(call: () => Promise<T>, timeoutMs: number = controlTimeoutMs): Promise<T> {
    const died = this.ended.then((end) => {
      throw new TroupeError("thread_down", `thread ${this.thread} died: ${end.message}`);
    });
    return this.#within(Promise.race([call(), died]), timeoutMs);
  }

  #within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () => {
        const message = `thread ${this.thread} did not answer within ${timeoutMs} ms`;
        reject(new TroupeError("thread_down", message));
      });
      promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

function culpritsOf(actorId: number): number[] {
  return actorId === 0 ? [] : [actorId];
}
