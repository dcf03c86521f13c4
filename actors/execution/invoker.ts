import type { ActorContext, ActorRef, Clock, GroupMembership, Random } from "#runtime";
import { type CallFailure, decideCallFailure, isNotTaken, unavailable } from "./call-failure.ts";
import type { Callable } from "./callable.ts";
import { selectInstance } from "./instance.ts";

/** What it takes to send a call once more. */
interface Retry<T> {
  readonly callable: Callable;
  readonly message: readonly unknown[];
  /** On the clock's `now`. */
  readonly deadlineAt: number;
  readonly signal: AbortSignal | undefined;
  readonly onResult: (result: unknown) => T;
  readonly onFailure: (failure: CallFailure) => T;
}

/**
 * Sends calls to service instances. An instance that did not take the call (it is stopping, its
 * mailbox is full) is passed over for the next one, each asked once at most, all within the deadline
 * of the call; a call that was taken is never sent again.
 */
export class Invoker {
  readonly #groups: GroupMembership;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #thread: number;

  constructor(context: ActorContext) {
    this.#groups = context.groups;
    this.#clock = context.clock;
    this.#random = context.random;
    this.#thread = context.thread;
  }

  /**
   * Calls, and hands on either the result or the failure; never rejects unless one of the two
   * callbacks throws. `timeoutMs` is what is left of the deadline.
   */
  invoke<T>(
    callable: Callable,
    message: readonly unknown[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
    onResult: (result: unknown) => T,
    onFailure: (failure: CallFailure) => T,
  ): T | Promise<T> {
    const instances = this.#groups.members(callable.group);
    const first = selectInstance(instances, this.#thread, this.#random);
    if (first === undefined) return onFailure(unavailable(callable.service));
    const deadlineAt = this.#clock.now() + timeoutMs;
    return request(first, callable, message, timeoutMs, signal).then(onResult, (error) => {
      const others = isNotTaken(error) ? instances.filter((other) => !other.equals(first)) : [];
      const retry = { callable, message, deadlineAt, signal, onResult, onFailure };
      return this.#next(error, others, retry);
    });
  }

  #next<T>(error: unknown, others: readonly ActorRef[], retry: Retry<T>): T | Promise<T> {
    const { callable, message, deadlineAt, signal, onResult, onFailure } = retry;
    const [other, ...rest] = others;
    const leftMs = deadlineAt - this.#clock.now();
    if (other === undefined || leftMs <= 0 || !isNotTaken(error)) {
      return onFailure(decideCallFailure(error, callable.service, callable.requestType));
    }
    return request(other, callable, message, leftMs, signal).then(onResult, (again) =>
      this.#next(again, rest, retry),
    );
  }
}

/** The instances' classes differ from service to service: the method is asked for by its name. */
function request(
  instance: ActorRef,
  { method }: Callable,
  message: readonly unknown[],
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
  return instance.sender.request(instance, method, message, options);
}
