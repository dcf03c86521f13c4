import { AsyncLocalStorage } from "node:async_hooks";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { type ErrorRecord, TroupeError, toErrorRecord } from "../core/index.ts";
import type { FromThread, ToThread } from "./pool-task.ts";
import { postReport } from "./report.ts";

/** A task as its own thread sees it. */
export interface ThreadTask {
  /** Aborted when the task is cancelled; one that goes on for long loses its thread. */
  readonly signal: AbortSignal;
  /** Called with what the pool's side posts. */
  onMessage: ((message: unknown) => void) | null;
  /**
   * Says something to the pool's side; dropped once the task has ended.
   * @throws DataCloneError for what cannot leave the thread.
   */
  post(message: unknown): void;
}

/** What goes wrong on behalf of a task that has ended. */
export interface StrayReport {
  readonly stray: ErrorRecord;
}

/** Whose work the running code is, through every `await` and callback. */
const scope = new AsyncLocalStorage<Run>();
let current: Run | null = null;

class Run implements ThreadTask {
  readonly #port: MessagePort;
  readonly #controller = new AbortController();
  onMessage: ((message: unknown) => void) | null = null;
  isEnded = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  post(message: unknown): void {
    this.send(["message", message]);
  }

  send(message: FromThread): void {
    if (!this.isEnded) this.#port.postMessage(message);
  }

  /** Hears what is said from now on, and at once what has been said. */
  listen(): void {
    for (let next = receiveMessageOnPort(this.#port); next; ) {
      this.#take(next.message);
      next = receiveMessageOnPort(this.#port);
    }
    this.#port.on("message", (message: ToThread) => this.#take(message));
  }

  end(): void {
    this.isEnded = true;
    this.#port.close();
  }

  #take([kind, value]: ToThread): void {
    if (kind === "message") this.onMessage?.(value);
    else this.#controller.abort(new TroupeError("cancelled", value));
  }
}

/**
 * Makes the function that the entry module of a `WorkerPool` exports as `runTask`. `run` is called
 * with each payload; what it returns or throws is how the task ends. A task that was cancelled while
 * its thread started is not run.
 *
 * An error that nobody handles ends the thread, and with it the running task; unless it comes from
 * what an earlier task left behind, which is told and changes nothing for the running one.
 */
export function poolEntry(
  run: (payload: unknown, task: ThreadTask) => unknown,
): (job: { readonly port: MessagePort }) => Promise<void> {
  process.on("unhandledRejection", onUnhandled);
  process.on("uncaughtException", onUnhandled);
  return async ({ port }) => {
    const payload: unknown = receiveMessageOnPort(port)?.message;
    const task = new Run(port);
    task.listen();
    if (!task.signal.aborted) await scope.run(task, work, run, payload, task);
    task.end();
  };
}

async function work(
  run: (payload: unknown, task: ThreadTask) => unknown,
  payload: unknown,
  task: Run,
): Promise<void> {
  current = task;
  task.send(["started"]);
  try {
    task.send(["done", await run(payload, task)]);
  } catch (error) {
    task.send(["failed", toErrorRecord(error)]);
  }
  current = null;
}

function onUnhandled(thrown: unknown): void {
  const error = toErrorRecord(thrown);
  if (scope.getStore()?.isEnded === true) {
    postReport({ stray: error } satisfies StrayReport);
    return;
  }
  if (current === null) postReport({ stray: error } satisfies StrayReport);
  else current.send(["fatal", error]);
  process.exit(1);
}
