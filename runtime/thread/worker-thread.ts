import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
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
import { parseReport } from "./report.ts";
import { checkResourceLimits, selectResourceLimits } from "./resource-limits.ts";

const entry = new URL("./entry.ts", import.meta.url);

/** How a thread ended. */
export interface ThreadEnd {
  readonly message: string;
  /** Numbers of the actors that are known to be at fault. */
  readonly culprits: readonly number[];
}

/** How long a thread may take to answer the main thread. */
const controlTimeoutMs = 10_000;
/** How long the platform may take to end a thread. */
const terminateTimeoutMs = 5_000;

/** What a {@link WorkerThread} tells of itself. */
export interface WorkerEvents {
  readonly clock: Clock;
  readonly log: Log;
  /** The actor of a dedicated thread has stopped. */
  onFinished(worker: WorkerThread): void;
}

/** One worker, as the main thread holds it. */
export class WorkerThread {
  readonly thread: number;
  readonly incarnation: number;
  readonly dedicated: boolean;
  /** Resolves when the thread has ended, for whatever reason; never rejects. */
  readonly ended: Promise<ThreadEnd>;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #controlPort: MessagePort;
  readonly #control: Remote<ThreadControl>;
  readonly #activity: Activity;
  readonly #labels: LabelMemory;
  /** Those who wait for an answer of the thread. */
  readonly #calls = new Set<(error: TroupeError) => void>();
  #cause: ThreadEnd | null = null;
  #gone = false;
  #onEnd: (end: ThreadEnd) => void = () => {};
  #exiting: Promise<void> | null = null;

  constructor(
    data: { thread: number; incarnation: number; dedicated: boolean; config: ThreadConfig },
    limits: ResourceLimits,
    events: WorkerEvents,
  ) {
    checkResourceLimits(limits);
    this.thread = data.thread;
    this.incarnation = data.incarnation;
    this.dedicated = data.dedicated;
    this.#clock = events.clock;
    this.#log = events.log;
    const activity = new SharedArrayBuffer(activityBytes);
    const labels = new SharedArrayBuffer(labelMemoryBytes);
    this.#activity = new Activity(activity);
    this.#labels = new LabelMemory(labels);
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadData = { ...data, activity, labels, control: port2 };
    this.#worker = new Worker(entry, {
      workerData,
      transferList: [port2],
      resourceLimits: { ...selectResourceLimits(limits) },
      name: `troupe-${data.thread}`,
      argv: [],
    });
    this.#control = wrap<ThreadControl>(port1 as object as Endpoint);
    this.#worker.on("message", (message: unknown) => {
      const report = parseReport<ThreadReport>(message);
      if (report === null) return;
      if (report.type === "log") events.log(report.level, report.message, report.fields);
      else if (report.type === "finished") events.onFinished(this);
      else this.#cause ??= { message: report.message, culprits: culpritsOf(report.culprit) };
    });
    this.#worker.on("error", (error: unknown) => {
      this.#cause ??= { message: toErrorRecord(error).message, culprits: this.#culprits() };
    });
    this.#controlPort = port1;
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    this.#worker.once("exit", (code) => {
      this.#end({ message: `exit code ${code}`, culprits: this.#culprits() });
    });
  }

  /** Opens one end of a link there; with `greet` resolves when the tables have arrived. */
  connect(end: LinkEnd, greet: boolean): Promise<void> {
    return this.#call(() => this.#control.connect(transfer(end, [end.port]), greet));
  }

  threadDown(thread: number, end: ThreadEnd): Promise<void> {
    return this.#call(() => this.#control.threadDown(thread, end.message, end.culprits));
  }

  /** Lets it accept the connections of other nodes. */
  serveNodes(): Promise<void> {
    return this.#call(() => this.#control.serveNodes());
  }

  /** Lets it say goodbye to the other nodes; `timeoutMs` is all the time it gets. */
  leaveNodes(reason: string, timeoutMs: number): Promise<void> {
    return this.#call(() => this.#control.leaveNodes(reason), timeoutMs);
  }

  /** @throws TroupeError `thread_down` when the thread is gone or does not answer in time. */
  inspect(timeoutMs: number): Promise<{ actors: ActorInfo[]; info: ThreadInfo }> {
    return this.#call(() => this.#control.inspect(), timeoutMs);
  }

  /** The count of heartbeats so far. */
  beat(): number {
    return this.#activity.beats;
  }

  /** Whether it reads and links modules, which nothing interrupts. */
  isLoading(): boolean {
    return this.#activity.isLoading;
  }

  /** Whether it works for somebody who has given up waiting; known of dedicated threads alone. */
  isOverdue(): boolean {
    return this.#activity.isOverdue(this.#clock.wallTime());
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
  terminate(end: ThreadEnd): void {
    this.#cause ??= end;
    void this.#worker.terminate();
    const timer = this.#clock.after(terminateTimeoutMs, () => this.#abandon());
    void this.ended.then(() => timer.cancel());
  }

  /** Asks the thread to exit, and makes it after `timeoutMs`. */
  exit(end: ThreadEnd, timeoutMs: number): Promise<void> {
    this.#exiting ??= this.#exit(end, timeoutMs);
    return this.#exiting;
  }

  async #exit(end: ThreadEnd, timeoutMs: number): Promise<void> {
    this.#cause ??= end;
    const timer = this.#clock.after(timeoutMs, () => this.terminate(end));
    this.#call(() => this.#control.exit(), timeoutMs).catch(() => {
      // It ended before it could answer, or the timer ends it.
    });
    await this.ended;
    timer.cancel();
    this.#control[releaseProxy]();
  }

  #end(end: ThreadEnd): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#controlPort.close();
    const why = this.#cause ?? end;
    const message = `thread ${this.thread} died: ${why.message}`;
    for (const fail of this.#calls) fail(new TroupeError("thread_down", message));
    this.#calls.clear();
    this.#onEnd(why);
  }

  /**
   * There are loops that V8 does not interrupt, for example `for (;;) new Array(1000).fill(1)`: what
   * they run on goes on for ever. It counts as dead, and its actors are started elsewhere.
   */
  #abandon(): void {
    if (this.#gone) return;
    const { thread } = this;
    this.#log("error", "thread cannot be ended; it is abandoned and burns a core", { thread });
    this.#worker.unref();
    // The platform would wait for the thread before it exits, and for ever.
    process.once("exit", () => process.kill(process.pid, "SIGKILL"));
    this.#end({ message: "it was abandoned", culprits: this.#culprits() });
  }

  #culprits(): number[] {
    return culpritsOf(this.#activity.read()?.actorId ?? 0);
  }

  /** A call that ends in time, or with the thread: comlink itself would wait for ever. */
  #call<T>(call: () => Promise<T>, timeoutMs: number = controlTimeoutMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: TroupeError): void => {
        timer.cancel();
        this.#calls.delete(fail);
        reject(error);
      };
      const timer = this.#clock.after(timeoutMs, () => {
        const message = `thread ${this.thread} did not answer within ${timeoutMs} ms`;
        fail(new TroupeError("thread_down", message));
      });
      if (this.#gone) {
        fail(new TroupeError("thread_down", `thread ${this.thread} has ended`));
        return;
      }
      this.#calls.add(fail);
      call().then(
        (answer) => {
          timer.cancel();
          this.#calls.delete(fail);
          resolve(answer);
        },
        (error) => fail(error),
      );
    });
  }
}

function culpritsOf(actorId: number): number[] {
  return actorId === 0 ? [] : [actorId];
}
