import type { ActorContext } from "#runtime";
import { BulkheadGate } from "../breaker/index.ts";
import type { Hooks } from "../hooks/index.ts";
import { type LimitRefusal, RateLimits } from "../limits/index.ts";
import type { FunConfig } from "../registry/index.ts";
import { explainBulkhead } from "./call-function.ts";
import { Callable } from "./callable.ts";
import { type Outcome, refuse, refused } from "./outcome.ts";
import type { Run } from "./run.ts";

/** One check of a request: null lets it go on to the next. */
type Check = (run: Run) => Outcome | null | Promise<Outcome | null>;

/**
 * What stands between the lookup of a function and its call. Checks without anything to wait for
 * cost no promise; a refusal ends the request.
 */
export class Checks {
  readonly #context: ActorContext;
  readonly #hooks: Hooks;
  readonly #limits: RateLimits;
  readonly #bulkheads: BulkheadGate;
  /** For the configs that hooks have changed: the same change is the same object. */
  readonly #changed = new WeakMap<FunConfig, Callable>();

  constructor(context: ActorContext, hooks: Hooks) {
    this.#context = context;
    this.#hooks = hooks;
    this.#limits = RateLimits.of(context);
    this.#bulkheads = BulkheadGate.of(context);
  }

  readonly #beforeExecute: Check = (run) => {
    const { callable, request, info, caller } = run;
    if (callable.config.beforeExecute === null) return null;
    return this.#hooks.before(callable.config, request, info, caller).then((verdict) => {
      if (!verdict.ok) return refuse(run, verdict.code, verdict.message);
      run.request = verdict.request;
      if (verdict.config !== callable.config) {
        run.callable = this.#changedCallable(verdict.config);
        run.leftMs = run.callable.timeoutMs;
      }
      return null;
    });
  };

  readonly #rateLimits: Check = (run) => {
    const { request, info, caller } = run;
    const checked = this.#limits.check({
      service: request.service,
      requestType: request.requestType,
      userId: info.userId,
      // A client may name any device; what the socket is known to be comes first.
      deviceId: caller.deviceId ?? info.deviceId,
      ipAddress: caller.ipAddress,
      assigns: caller.assigns,
      args: request.args,
    });
    if (checked === null) return null;
    const decide = (refusal: LimitRefusal | null): Outcome | null => {
      if (refusal === null) return null;
      const { retryAfterMs } = refusal;
      const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
      const message = `Rate limit exceeded. Retry after ${seconds} seconds.`;
      return refuse(run, "rate_limited", message, retryAfterMs);
    };
    return checked instanceof Promise ? checked.then(decide) : decide(checked);
  };

  readonly #permission: Check = (run) => {
    const { permission } = run.callable;
    if (permission === null) return null;
    const allowed = permission(run.request, run.info, run.caller);
    const decide = (isAllowed: boolean): Outcome | null =>
      isAllowed ? null : refuse(run, "permission_denied", "Permission denied");
    return allowed instanceof Promise ? allowed.then(decide) : decide(allowed);
  };

  readonly #arguments: Check = (run) => {
    const checked = run.callable.checkArguments(run.request.args);
    if (checked.ok) {
      run.values = checked.values;
      return null;
    }
    return refused(run.request.requestId, "invalid_arguments", checked.message);
  };

  readonly #bulkhead: Check = (run) => {
    const { callable, options } = run;
    const { maxConcurrent, maxQueue } = callable.config;
    if (maxConcurrent === null) return null;
    const waitsSince = this.#context.clock.now();
    const limits = { maxConcurrent, maxQueue };
    return this.#bulkheads
      .enter(callable.key, limits, run.leftMs, options.signal)
      .then((entered) => {
        run.leftMs -= this.#context.clock.now() - waitsSince;
        if (!entered.ok)
          return refuse(run, entered.code, explainBulkhead(callable.requestType, entered.code));
        run.leave = entered.leave;
        return null;
      });
  };

  readonly #inOrder: readonly Check[] = [
    this.#beforeExecute,
    this.#rateLimits,
    this.#permission,
    this.#arguments,
    this.#bulkhead,
  ];

  #changedCallable(config: FunConfig): Callable {
    let callable = this.#changed.get(config);
    if (callable === undefined) {
      callable = new Callable(config, this.#context);
      this.#changed.set(config, callable);
    }
    return callable;
  }

  /** Makes the checks from the one at `index` on; null when the request has passed them all. */
  pass(run: Run, index = 0): Outcome | null | Promise<Outcome | null> {
    for (let next = index; next < this.#inOrder.length; next++) {
      const verdict = (this.#inOrder[next] as Check)(run);
      if (verdict === null) continue;
      if (!(verdict instanceof Promise)) return verdict;
      return verdict.then((settled) => settled ?? this.pass(run, next + 1));
    }
    return null;
  }
}
