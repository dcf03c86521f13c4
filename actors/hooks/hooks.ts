import type { ActorContext } from "#runtime";
import { type FunConfig, type FunctionTarget, isMap } from "../registry/index.ts";
import type { Caller, CallInfo, Request, Response } from "../request/index.ts";
import { encodeHookRequest } from "./hook-request.ts";
import { type HookPhase, HookSpan } from "./hook-telemetry.ts";
import {
  type BeforeVerdict,
  decideAfter,
  decideBefore,
  HOOK_REJECTED,
  isNonsense,
  type Nonsense,
  REJECTED_MESSAGE,
} from "./hook-verdict.ts";
import { ModuleFunctions } from "./module-functions.ts";

/** One run of a hook, and what the log says of it. */
interface HookRun {
  readonly phase: HookPhase;
  readonly target: FunctionTarget;
  readonly config: FunConfig;
  readonly requestId: string;
}

/**
 * Calls the hooks of functions, each within the `hookTimeout` of its config. A hook gets the request
 * and the config to read, both frozen. Nothing here throws or rejects; a hook that does, that takes
 * too long or returns what it may not is logged as `hook failed`.
 */
export class Hooks {
  readonly #context: ActorContext;
  readonly #functions: ModuleFunctions;

  constructor(context: ActorContext) {
    this.#context = context;
    this.#functions = ModuleFunctions.of(context);
  }

  /**
   * Calls `beforeExecute` with `(request, config, ...args)`; what it may return, see
   * {@link decideBefore}. A ServiceError that it throws refuses with its code and message; whatever
   * else goes wrong refuses as well. Without such a hook the request goes on.
   */
  async before(
    config: FunConfig,
    request: Request,
    info: CallInfo,
    caller: Caller,
  ): Promise<BeforeVerdict> {
    const { beforeExecute: target, hookTimeout } = config;
    if (target === null) return { ok: true, request, config };
    const { requestId } = request;
    const run: HookRun = { phase: "before", target, config, requestId };
    const span = new HookSpan("before", this.#context.clock, config, target, requestId);
    const seen = encodeHookRequest(request, info, caller);
    const outcome = await this.#functions.call(target, [seen, freeze(config)], hookTimeout);
    if (!outcome.ok && outcome.error !== undefined) {
      span.stop("refused");
      return { ok: false, code: outcome.error.code, message: outcome.error.message };
    }
    const decided = outcome.ok
      ? safely(() => decideBefore(outcome.value, request, config, seen))
      : { nonsense: outcome.reason };
    if (isNonsense(decided)) {
      this.#failed(run, span, decided.nonsense);
      return { ok: false, code: HOOK_REJECTED, message: REJECTED_MESSAGE };
    }
    if (!decided.ok) span.stop("refused");
    else {
      const isSame = decided.request === request && decided.config === config;
      span.stop(isSame ? "unchanged" : "changed");
    }
    return decided;
  }

  /**
   * Calls `afterExecute` with `(request, config, response, ...args)`; what it may return, see
   * {@link decideAfter}. Whatever goes wrong leaves the Response as it was.
   */
  async after(
    config: FunConfig,
    request: Request,
    info: CallInfo,
    caller: Caller,
    response: Response,
  ): Promise<Response> {
    const { afterExecute: target, hookTimeout } = config;
    if (target === null) return response;
    const { requestId } = request;
    const run: HookRun = { phase: "after", target, config, requestId };
    const span = new HookSpan("after", this.#context.clock, config, target, requestId);
    const seen = encodeHookRequest(request, info, caller);
    const args = [seen, freeze(config), Object.freeze({ ...response })];
    const outcome = await this.#functions.call(target, args, hookTimeout);
    const decided = outcome.ok
      ? safely(() => decideAfter(outcome.value, response))
      : { nonsense: outcome.reason };
    if (isNonsense(decided)) {
      this.#failed(run, span, decided.nonsense);
      return response;
    }
    span.stop(decided === response ? "unchanged" : "changed");
    return decided;
  }

  #failed({ phase, target, config, requestId }: HookRun, span: HookSpan, reason: string): void {
    span.exception(reason);
    this.#context.log("warn", "hook failed", {
      hook: `${phase}Execute`,
      function: `${config.service}.${config.requestType}`,
      requestId,
      module: target.module,
      error: reason,
    });
  }
}

/** What a hook returns may throw when it is read. */
function safely<T>(decide: () => T | Nonsense): T | Nonsense {
  try {
    return decide();
  } catch {
    return { nonsense: "what it returned throws when it is read" };
  }
}

/** A config that came from another thread is no longer frozen, and belongs to all its calls. */
function freeze(config: FunConfig): FunConfig {
  return Object.isFrozen(config) ? config : freezeDeep(config);
}

function freezeDeep<T>(value: T): T {
  if (Array.isArray(value)) value.forEach(freezeDeep);
  else if (isMap(value)) Object.values(value).forEach(freezeDeep);
  return Object.freeze(value);
}
