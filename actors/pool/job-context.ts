import type { ActorRef, Clock, Log } from "#runtime";
import { type CallOptions, parseCallOptions } from "../execution/index.ts";
import type { HandlerContext } from "../service/index.ts";
import type { Job } from "./job.ts";
import type { JobChannel } from "./job-channel.ts";
import type { JobStream } from "./job-stream.ts";

/**
 * The hold on its request that a function has on a thread of a pool: that of a {@link HandlerContext}
 * but for `self`, as no instance of the service is there.
 */
export class JobContext implements Pick<HandlerContext, keyof HandlerContext> {
  readonly requestId: string;
  readonly userId: string | null;
  readonly userRoles: readonly string[];
  readonly deviceId: string | null;
  readonly signal: AbortSignal;
  readonly #job: Job;
  readonly #channel: JobChannel;
  readonly #clock: Clock;

  readonly #stream: JobStream | null;

  constructor(
    job: Job,
    channel: JobChannel,
    signal: AbortSignal,
    clock: Clock,
    stream: JobStream | null,
  ) {
    const { requestId, userId, userRoles, deviceId } = job.info;
    this.requestId = requestId;
    this.userId = userId;
    this.userRoles = userRoles;
    this.deviceId = deviceId;
    this.signal = signal;
    this.#job = job;
    this.#channel = channel;
    this.#clock = clock;
    this.#stream = stream;
  }

  /**
   * Milliseconds until nobody waits for the answer any more; Infinity for a call without limit, and
   * for a stream once it is open.
   */
  get remainingMs(): number {
    return Math.max(0, this.deadline - this.#clock.wallTime());
  }

  /** The same as a moment: milliseconds since 1970, or Infinity. */
  get deadline(): number {
    return this.#stream?.isOpen ? Number.POSITIVE_INFINITY : this.#job.deadline;
  }

  /** Writes log lines that carry the pool, the function and the request id. */
  get log(): Log {
    return this.#channel.log;
  }

  /** @throws TypeError always: a pool has no instances of the service. */
  get self(): ActorRef {
    const { service, method } = this.#job;
    throw new TypeError(`ctx.self: ${service}.${method} runs on a pool, where there is no actor`);
  }

  /**
   * Calls another function as the client of this request, within what is left of its deadline.
   * @throws ServiceError with the code and the message that a client would get; TypeError for
   *   options that are none.
   */
  async call(
    service: string,
    requestType: string,
    args: Record<string, unknown> = {},
    options: string | null | CallOptions = null,
  ): Promise<unknown> {
    const terms = parseCallOptions(options, `${service}.${requestType}`);
    return this.#channel.call(service, requestType, args, terms);
  }
}
