import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { ErrorRecord, Timer } from "../core/index.ts";

/** What the pool says to the thread of a task, behind the payload, which goes first. */
export type ToThread =
  | readonly [kind: "message", value: unknown]
  | readonly [kind: "abort", reason: string];

/** What the thread says of its task. */
export type FromThread =
  | readonly [kind: "started"]
  | readonly [kind: "message", value: unknown]
  | readonly [kind: "done", value: unknown]
  | readonly [kind: "failed", error: ErrorRecord]
  /** The thread is about to die of this. */
  | readonly [kind: "fatal", error: ErrorRecord];

/** How a task came to its end. */
export type TaskEnd =
  | { readonly status: "done"; readonly value: unknown }
  /** It threw, or its payload or value cannot leave a thread; the thread lives on. */
  | { readonly status: "failed"; readonly error: ErrorRecord }
  /** It was cancelled before it had begun: it never ran. */
  | { readonly status: "cancelled" }
  /** It had not obeyed its signal, or the pool was destroyed: its thread was ended. */
  | { readonly status: "killed" }
  /** Its thread died; `started` false: it never ran. */
  | { readonly status: "lost"; readonly started: boolean; readonly reason: string };

/** Hears of a task; nothing is called before `submit` has returned. */
export interface TaskListener {
  /** A thread has begun with it. */
  onStart?(): void;
  /** What the task said with `post`, in order, all of it before `onEnd`. */
  onMessage?(message: unknown): void;
  /** Called once. */
  onEnd(end: TaskEnd): void;
}

/** One attempt to run a task on a thread. */
export interface Attempt {
  readonly controller: AbortController;
  readonly near: MessagePort;
  readonly far: MessagePort;
}

/** A task of a pool: its way to the thread that runs it, and what came back. */
export class PoolTask {
  readonly listener: TaskListener;
  readonly payload: unknown;
  /** Set while it is given to a thread. */
  attempt: Attempt | null = null;
  attempts = 0;
  /** A thread, perhaps one that still starts, has been found for the attempt. */
  isPlaced = false;
  isStarted = false;
  isKilled = false;
  /** On the clock's `now`. */
  startedAt = 0;
  /** How long it may take to obey its signal; null while nobody has cancelled it. */
  graceMs: number | null = null;
  graceTimer: Timer | null = null;
  #answer: TaskEnd | null = null;
  #fatal: string | null = null;
  readonly #onStarted: (task: PoolTask) => void;

  constructor(payload: unknown, listener: TaskListener, onStarted: (task: PoolTask) => void) {
    this.payload = payload;
    this.listener = listener;
    this.#onStarted = onStarted;
  }

  /** Opens the way to a thread, with the payload on it. @throws DataCloneError for the payload. */
  begin(): Attempt {
    const { port1: near, port2: far } = new MessageChannel();
    try {
      near.postMessage(this.payload);
    } catch (error) {
      near.close();
      throw error;
    }
    near.on("message", (message: FromThread) => this.#take(message));
    this.attempts += 1;
    this.isPlaced = false;
    this.attempt = { controller: new AbortController(), near, far };
    return this.attempt;
  }

  /**
   * Says something to the running task; false when it is not with a thread.
   * @throws DataCloneError for a message that cannot leave its thread.
   */
  post(message: unknown): boolean {
    return this.send(["message", message]);
  }

  send(message: ToThread): boolean {
    if (this.attempt === null) return false;
    this.attempt.near.postMessage(message);
    return true;
  }

  /** The attempt is over: hears what was still under way, closes the way, tells what it came to. */
  finish(error: unknown): TaskEnd {
    const near = this.attempt?.near;
    for (let last = near && receiveMessageOnPort(near); last; ) {
      this.#take(last.message);
      last = near && receiveMessageOnPort(near);
    }
    near?.close();
    this.attempt = null;
    this.graceTimer?.cancel();
    if (this.#answer !== null) return this.#answer;
    if (this.isKilled) return this.isStarted ? { status: "killed" } : { status: "cancelled" };
    if (!this.isStarted && this.graceMs !== null) return { status: "cancelled" };
    const reason = this.#fatal ?? (error instanceof Error ? error.message : String(error));
    return { status: "lost", started: this.isStarted, reason };
  }

  #take(message: FromThread): void {
    switch (message[0]) {
      case "started":
        this.isStarted = true;
        this.#onStarted(this);
        this.listener.onStart?.();
        break;
      case "message":
        this.listener.onMessage?.(message[1]);
        break;
      case "done":
        this.#answer = { status: "done", value: message[1] };
        break;
      case "failed":
        this.#answer = { status: "failed", error: message[1] };
        break;
      case "fatal":
        this.#fatal = message[1].message;
    }
  }
}
