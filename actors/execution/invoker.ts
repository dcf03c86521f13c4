import type { ActorContext, ActorRef, Clock } from "#runtime";
import { LOCAL_NODE, type Replica } from "../replicas/index.ts";
import { Attempts, type CallEnd, type FailedAttempt } from "./attempts.ts";
import { breakerTarget, type Call, type CalledFunction, isSupervised, sendCall } from "./call.ts";
import {
  type AttemptEnd,
  type CallFailure,
  circuitOpen,
  decideAttemptEnd,
  decideCallFailure,
  decideHealth,
  timedOut,
  unavailable,
} from "./call-failure.ts";
import { ThreadCalls } from "./thread-calls.ts";

/**
 * Sends calls to the replicas of their functions: chooses one by the function's `chooseNodeMode`,
 * asks its circuit breaker, and passes on or repeats what failed where `decideRetry` allows it, all
 * within the deadline of the call. A call that a replica may have begun with is never sent again,
 * unless the function is `idempotent` or has a `retry`.
 */
export class Invoker {
  readonly #context: ActorContext;
  readonly #clock: Clock;
  readonly #shared: ThreadCalls;

  constructor(context: ActorContext, shared: ThreadCalls = ThreadCalls.of(context)) {
    this.#context = context;
    this.#clock = context.clock;
    this.#shared = shared;
  }

  /**
   * Calls, and hands on either the result, with the replica that gave it, or the failure; never
   * rejects unless one of the two callbacks throws. A call that nobody can be asked for fails before
   * this returns.
   */
  invoke<T>(
    call: Call,
    onResult: (result: unknown, ref: ActorRef) => T,
    onFailure: (failure: CallFailure) => T,
  ): T | Promise<T> {
    const { callable, timeoutMs } = call;
    if (!(timeoutMs > 0)) return onFailure(timedOut(callable.requestType));
    const shared = this.#shared;
    const startedAt = this.#clock.now();
    const selector = shared.selectorOf(callable);
    if (selector.resolver !== null || selector.strategy !== null) {
      return conclude(this.#attempts(call, startedAt).run(), onResult, onFailure);
    }
    const replicas = selector.narrow(shared.replicas.find(callable), null);
    const replica = selector.first(replicas, call);
    if (replica === undefined) {
      if (callable.config.retry === null) return onFailure(unavailable(callable.service));
      return conclude(this.#attempts(call, startedAt).run(), onResult, onFailure);
    }
    const target = breakerTarget(callable, replica);
    const admission = shared.breakers.admit(target);
    if (admission !== null) {
      if (!(admission instanceof Promise) && isOnlyTarget(target, callable, replicas)) {
        return onFailure(circuitOpen(callable.requestType, admission.retryAfterMs));
      }
      const attempts = this.#attempts(call, startedAt);
      return conclude(attempts.runAt(replica, admission), onResult, onFailure);
    }
    // What follows is the way of almost every call: two closures and the ask.
    const { breakers, budget } = shared;
    budget.beginCall();
    replica.inFlight += 1;
    return sendCall(replica, call, timeoutMs).then(
      (result) => {
        replica.inFlight -= 1;
        budget.endCall();
        breakers.settled(target, "success", false);
        return onResult(result, replica.ref);
      },
      (error) => {
        replica.inFlight -= 1;
        budget.endCall();
        const end = decideAttemptEnd(error, callable.pool !== null);
        breakers.settled(target, decideHealth(end, isSupervised(callable, replica)), false);
        const { service, requestType } = callable;
        const isFar = replica.node !== LOCAL_NODE;
        const failure = decideCallFailure(error, service, requestType, isFar);
        if (isFinal(end, callable)) return onFailure(failure);
        const failed: FailedAttempt = { ok: false, end, failure, replica };
        return conclude(this.#attempts(call, startedAt).resume(failed), onResult, onFailure);
      },
    );
  }

  #attempts(call: Call, startedAt: number): Attempts {
    return new Attempts(this.#context, this.#shared, call, startedAt);
  }
}

function conclude<T>(
  ended: Promise<CallEnd>,
  onResult: (result: unknown, ref: ActorRef) => T,
  onFailure: (failure: CallFailure) => T,
): Promise<T> {
  return ended.then((end) => (end.ok ? onResult(end.result, end.ref) : onFailure(end.failure)));
}

/** What `decideRetry` would call so whatever the rest of the situation is, told without asking it. */
function isFinal(end: AttemptEnd, { config }: CalledFunction): boolean {
  if (end === "not_taken" || end === "mismatched" || config.retry !== null) return false;
  return !(config.idempotent && end === "lost");
}

function isOnlyTarget(
  target: string,
  callable: CalledFunction,
  replicas: readonly Replica[],
): boolean {
  return replicas.every((replica) => breakerTarget(callable, replica) === target);
}
