import { inspect } from "node:util";
import { fromErrorRecord, isReplyError, type Log, type ThreadTask, toErrorRecord } from "#runtime";
import type { CallTerms } from "../execution/index.ts";
import { toServiceError } from "../service/index.ts";
import type { FromJob, ToJob } from "./job.ts";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A running job's way to its pool: log lines, calls of other functions, what a stream says. */
export class JobChannel {
  readonly #task: ThreadTask;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  /** Called when the consumer of the job's stream has taken so many chunks. */
  onGrant: (count: number) => void = () => {};

  constructor(task: ThreadTask) {
    this.#task = task;
    task.onMessage = (message) => this.#take(message as ToJob);
  }

  /** @throws DataCloneError for what cannot leave the thread. */
  send(message: FromJob): void {
    this.#task.post(message);
  }

  readonly log: Log = (level, message, fields = {}) => {
    try {
      this.send({ type: "log", level, message, fields });
    } catch {
      // A field that cannot leave the thread must not take the line with it.
      this.send({ type: "log", level, message, fields: { fields: inspect(fields) } });
    }
  };

  /** Logs what is thrown as an error of that kind. */
  report(fault: string): (error: unknown) => void {
    return (error) => {
      const { message, stack } = toErrorRecord(error);
      this.log("error", fault, { error: message, stack });
    };
  }

  /**
   * Calls another function by way of the pool.
   * @throws ServiceError with the code and the message that a client would get; DataCloneError for
   *   arguments that cannot leave the thread.
   */
  call(
    service: string,
    requestType: string,
    args: Record<string, unknown>,
    terms: CallTerms,
  ): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { version, changes, signal } = terms;
    const timeoutMs = Number.isFinite(terms.timeoutMs) ? terms.timeoutMs : null;
    const giveUp = (): void => {
      if (this.#waiting.has(id)) this.send({ type: "cancel", id });
    };
    return new Promise((resolve, reject) => {
      this.send({ type: "call", id, service, requestType, args, version, timeoutMs, changes });
      this.#waiting.set(id, { resolve, reject });
      if (signal?.aborted) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
    }).finally(() => signal?.removeEventListener("abort", giveUp));
  }

  #take(message: ToJob): void {
    if (message.type === "grant") {
      this.onGrant(message.count);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === "answer") waiting?.resolve(message.value);
    else {
      const error = fromErrorRecord(message.error);
      waiting?.reject(isReplyError(error) ? toServiceError(error) : error);
    }
  }
}
