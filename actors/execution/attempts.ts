import type { ActorContext, ActorRef } from "#runtime";
import type { BreakerRefusal } from "../breaker/index.ts";
import { telemetry } from "../diagnostics/index.ts";
import { LOCAL_NODE, type Replica } from "../replicas/index.ts";
import { breakerTarget, type Call, isSupervised, sendCall } from "./call.ts";
import {
  type AttemptEnd,
  type CallFailure,
  cancelled,
  circuitOpen,
  decideAttemptEnd,
  decideCallFailure,
  decideHealth,
  isHandedOver,
  timedOut,
} from "./call-failure.ts";
import { INTERRUPTED, Interruption } from "./interruption.ts";
import {
  decideBackoff,
  decideRetry,
  type RetryDecision,
  type RetryLimit,
} from "./retry-decision.ts";
import { Route } from "./route.ts";
import type { ThreadCalls } from "./thread-calls.ts";

/** How a call ended. */
export type CallEnd =
  | { readonly ok: true; readonly result: unknown; readonly ref: ActorRef }
  | { readonly ok: false; readonly failure: CallFailure };

/** An attempt that failed; without a replica when none was found. */
export interface FailedAttempt {
  readonly ok: false;
  readonly end: AttemptEnd;
  readonly failure: CallFailure;
  readonly replica: Replica | null;
}

type Attempt = (CallEnd & { readonly ok: true }) | FailedAttempt;

/**
 * A call that takes more than sending it once: somebody has to be asked first, or the first replica
 * failed. Applies what `decideRetry` decides until the call has ended; never rejects.
 */
export class Attempts {
  readonly #context: ActorContext;
  readonly #shared: ThreadCalls;
  readonly #call: Call;
  readonly #route: Route;
  readonly #interruption: Interruption;
  /** On the clock's `now`. */
  readonly #deadlineAt: number;
  #retries = 0;
  #retryAfterMs = Number.POSITIVE_INFINITY;
  /** The failure of the last attempt that may have run: what came later cannot undo it. */
  #told: CallFailure | null = null;

  constructor(context: ActorContext, shared: ThreadCalls, call: Call, startedAt: number) {
    this.#context = context;
    this.#shared = shared;
    this.#call = call;
    this.#deadlineAt = startedAt + call.timeoutMs;
    this.#interruption = new Interruption(call.signal);
    this.#route = new Route(context, shared, call, this.#interruption);
  }

  /** The whole call. */
  run(): Promise<CallEnd> {
    return this.#follow(this.#attempt());
  }

  /** The whole call, of which the first replica is chosen and its breaker asked. */
  runAt(
    replica: Replica,
    admission: BreakerRefusal | Promise<BreakerRefusal | null>,
  ): Promise<CallEnd> {
    return this.#follow(this.#ask(replica, admission));
  }

  /** What is left of the call after its first attempt. */
  resume(failed: FailedAttempt): Promise<CallEnd> {
    if (failed.replica !== null) this.#noteAsked(failed.replica);
    return this.#follow(failed);
  }

  async #follow(first: Attempt | Promise<Attempt>): Promise<CallEnd> {
    this.#shared.budget.beginCall();
    try {
      let attempt = await first;
      while (!attempt.ok) {
        const { end, failure } = attempt;
        if (isHandedOver(end)) this.#told = failure;
        const decision = this.#decide(end);
        if (decision.action === "fail") return this.#fail(attempt, decision.limit);
        attempt =
          decision.action === "pass_on"
            ? await this.#attempt()
            : await this.#retry(attempt, decision.on === "same");
      }
      return attempt;
    } finally {
      this.#interruption.end();
      this.#shared.budget.endCall();
    }
  }

  #decide(end: AttemptEnd): RetryDecision {
    const { retry, idempotent } = this.#call.callable.config;
    return decideRetry({
      end,
      retry,
      idempotent,
      retries: this.#retries,
      hasOther: this.#route.hasOther,
      leftMs: this.#leftMs,
      hasBudget: this.#shared.budget.hasRoom,
    });
  }

  async #retry(failed: FailedAttempt, onSame: boolean): Promise<Attempt> {
    const { budget } = this.#shared;
    const { clock, random } = this.#context;
    const delayMs = decideBackoff(this.#retries, this.#leftMs, random);
    this.#retries += 1;
    budget.beginRetry();
    try {
      this.#tellRetry(failed, delayMs);
      const paused = await this.#interruption.pause(clock, delayMs);
      if (paused === INTERRUPTED) return this.#cancelled();
      if (!this.#route.hasOther) this.#route.beginRound();
      // A replica that is gone, or has no room, is not the one to insist on.
      if (onSame && failed.end === "failed" && failed.replica !== null) {
        this.#route.repeat(failed.replica);
      }
      return await this.#attempt();
    } finally {
      budget.endRetry();
    }
  }

  async #attempt(): Promise<Attempt> {
    const leftMs = this.#leftMs;
    if (!(leftMs > 0)) return this.#late(null);
    const chosen = await this.#route.choose(leftMs);
    if (!chosen.ok) return { ...chosen, replica: null };
    const { replica } = chosen;
    const target = breakerTarget(this.#call.callable, replica);
    return this.#ask(replica, this.#shared.breakers.admit(target));
  }

  async #ask(
    replica: Replica,
    admission: null | BreakerRefusal | Promise<BreakerRefusal | null>,
  ): Promise<Attempt> {
    const { breakers } = this.#shared;
    const { callable } = this.#call;
    const { service, requestType } = callable;
    const target = breakerTarget(callable, replica);
    const isProbe = admission instanceof Promise;
    const refusal = isProbe ? await admission : admission;
    if (refusal !== null) {
      this.#route.noteRefused(target);
      this.#retryAfterMs = Math.min(this.#retryAfterMs, refusal.retryAfterMs);
      const failure = circuitOpen(requestType, this.#retryAfterMs);
      return { ok: false, end: "refused", failure, replica };
    }
    const leftMs = this.#leftMs;
    if (this.#interruption.hasFired || !(leftMs > 0)) {
      breakers.settled(target, "ignored", isProbe);
      return this.#interruption.hasFired ? this.#cancelled() : this.#late(replica);
    }
    this.#noteAsked(replica);
    replica.inFlight += 1;
    try {
      const result = await sendCall(replica, this.#call, leftMs);
      breakers.settled(target, "success", isProbe);
      return { ok: true, result, ref: replica.ref };
    } catch (error) {
      const end = decideAttemptEnd(error, callable.pool !== null);
      breakers.settled(target, decideHealth(end, isSupervised(callable, replica)), isProbe);
      const isFar = replica.node !== LOCAL_NODE;
      const failure = decideCallFailure(error, service, requestType, isFar);
      return { ok: false, end, failure, replica };
    } finally {
      replica.inFlight -= 1;
    }
  }

  #noteAsked(replica: Replica): void {
    this.#route.noteAsked(replica);
    const { retry } = this.#call.callable.config;
    if (retry !== null && "sameNode" in retry) this.#route.stayOn(replica.node);
  }

  #fail({ end, failure }: FailedAttempt, limit: RetryLimit | null): CallEnd {
    if (limit !== null && telemetry.executorRetryExhausted.hasSubscribers) {
      telemetry.executorRetryExhausted.publish({
        measurements: { retries: this.#retries },
        metadata: { ...this.#describe(), code: failure.code, limit },
      });
    }
    const isOwn = end === "cancelled" || isHandedOver(end);
    return { ok: false, failure: isOwn ? failure : (this.#told ?? failure) };
  }

  #tellRetry({ failure, replica }: FailedAttempt, delayMs: number): void {
    if (!telemetry.executorRetry.hasSubscribers) return;
    telemetry.executorRetry.publish({
      measurements: { retry: this.#retries, delay_us: Math.round(delayMs * 1_000) },
      metadata: { ...this.#describe(), code: failure.code, node: replica?.node ?? null },
    });
  }

  #describe(): Record<string, unknown> {
    const { callable, info } = this.#call;
    const { service, requestType } = callable;
    return { service, request_type: requestType, request_id: info.requestId };
  }

  /** The time is up, and nobody was asked. */
  #late(replica: Replica | null): FailedAttempt {
    const failure = timedOut(this.#call.callable.requestType);
    return { ok: false, end: "refused", failure, replica };
  }

  #cancelled(): FailedAttempt {
    const failure = cancelled(this.#call.callable.requestType);
    return { ok: false, end: "cancelled", failure, replica: null };
  }

  get #leftMs(): number {
    return this.#deadlineAt - this.#context.clock.now();
  }
}
