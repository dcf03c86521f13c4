import type { Clock, ThreadTask } from "#runtime";
import { isStreamSource, OutgoingStream, pumpStream } from "../streams/index.ts";
import { breathingSource } from "./breathing-source.ts";
import type { Job } from "./job.ts";
import type { JobChannel } from "./job-channel.ts";

/** Time that a function has to end once its stream has ended. */
const GRACE_MS = 1_000;

/** A stream on the thread that makes it: from the call of its function until that has ended. */
export class JobStream {
  readonly outgoing: OutgoingStream;
  readonly #job: Job;
  readonly #channel: JobChannel;
  readonly #clock: Clock;
  /** Resolves when its end is out, or nobody wants it. */
  readonly #over: Promise<void>;
  #isLeft = false;

  constructor(job: Job, window: number, task: ThreadTask, channel: JobChannel, clock: Clock) {
    this.#job = job;
    this.#channel = channel;
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#over = promise;
    const stream = new OutgoingStream({
      window,
      clock,
      send(chunks, end) {
        channel.send({ type: "chunks", chunks, end });
        return true;
      },
      report: (fault, error) => channel.report(fault)(error),
      onOver: resolve,
    });
    this.outgoing = stream;
    channel.onGrant = (count) => stream.grant(count);
    if (task.signal.aborted) stream.stop();
    else task.signal.addEventListener("abort", () => stream.stop(), { once: true });
  }

  get signal(): AbortSignal {
    return this.outgoing.signal;
  }

  /** Whether it is open; until then it has the deadline of the call. */
  get isOpen(): boolean {
    return this.outgoing.isAnnounced;
  }

  /**
   * Calls the function, which opens the stream, and resolves when both have ended: the thread is not
   * free before. A function that has the stream's handle may end it by that, and need not return
   * anything to iterate.
   * @throws what the function throws, and a TypeError when what it returns cannot be iterated; then
   *   there is no stream.
   */
  async run(start: () => unknown, hasHandle: boolean): Promise<void> {
    const returned = start();
    let work: Promise<void>;
    if (hasHandle && returned instanceof Promise) {
      work = returned.then(
        (source) => this.#pump(source),
        (error) => this.outgoing.fail(error),
      );
    } else {
      const source = await returned;
      if (!hasHandle && !isStreamSource(source)) {
        const { service, method } = this.#job;
        const message = `${service}.${method} is a stream, and what it returned is no iterable`;
        throw new TypeError(message);
      }
      work = this.#pump(source);
    }
    this.outgoing.announce();
    await this.#over;
    const timer = this.#clock.after(GRACE_MS, () => this.#leave());
    await work;
    timer.cancel();
    if (this.#isLeft) await new Promise(() => {});
  }

  async #pump(source: unknown): Promise<void> {
    if (!isStreamSource(source)) return;
    const breathing = breathingSource(source, this.#clock);
    await pumpStream(this.outgoing, breathing, this.#clock, () => this.#leave());
  }

  /** The pool ends the thread. */
  #leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#channel.send({ type: "left" });
  }
}
