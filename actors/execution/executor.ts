import type { ActorContext, ReadonlyTable } from "#runtime";
import { Hooks } from "../hooks/index.ts";
import type { CallInfo } from "../request/index.ts";
import {
  acknowledgement,
  type Caller,
  type ChannelPolicy,
  encodeResponse,
  failureResponse,
  parseRequest,
  type Request,
  type Response,
  selectCallInfo,
  streamOpened,
  successResponse,
} from "../request/index.ts";
import { type CallFailure, internal } from "./call-failure.ts";
import { type Callable, callablesOf } from "./callable.ts";
import { Checks } from "./checks.ts";
import { Invoker } from "./invoker.ts";
import { Observer } from "./observer.ts";
import { failed, type Outcome, refuse, refused } from "./outcome.ts";
import type { ExecuteOptions, Run } from "./run.ts";
import { type RuntimeSettings, settingsTable } from "./settings.ts";

/** How the gateway executes. */
export interface ExecutorOptions {
  /** Tell clients the details of internal failures, unless operators have changed that. */
  readonly detailError?: boolean;
  /** It is an operator who calls: the details are told in any case. */
  readonly isOperator?: boolean;
}

const noOptions: ExecuteOptions = Object.freeze({});

/**
 * Takes requests from their payload to their {@link Outcome}: plain functions in the turn of the
 * session that owns it. Each request ends in exactly one final Response; what is refused ends at
 * once, what is called ends when the function does, or its deadline. Nothing here throws or rejects.
 */
export class Executor {
  readonly #context: ActorContext;
  readonly #functions: ReturnType<typeof callablesOf>;
  readonly #hooks: Hooks;
  readonly #checks: Checks;
  readonly #invoker: Invoker;
  readonly #observer: Observer;
  readonly #settings: ReadonlyTable<RuntimeSettings[keyof RuntimeSettings]>;
  readonly #detailError: boolean;
  readonly #isOperator: boolean;

  constructor(context: ActorContext, options: ExecutorOptions = {}) {
    this.#context = context;
    this.#functions = callablesOf(context);
    this.#hooks = new Hooks(context);
    this.#checks = new Checks(context, this.#hooks);
    this.#invoker = new Invoker(context);
    this.#observer = new Observer(context);
    this.#settings = context.table(settingsTable);
    this.#detailError = options.detailError ?? false;
    this.#isOperator = options.isOperator ?? false;
  }

  /**
   * Executes the payload of a push for `caller`, on a channel with `policy`. The Outcome of an async
   * function and of a stream comes when the work has been handed over; its Responses follow.
   */
  execute(
    payload: unknown,
    caller: Caller,
    policy: ChannelPolicy,
    options: ExecuteOptions = noOptions,
  ): Outcome | Promise<Outcome> {
    const parsed = parseRequest(payload);
    const startedAt = this.#observer.start(parsed.ok ? parsed.request : null);
    if (!parsed.ok) {
      const { requestId, message } = parsed;
      const refusal = refused(requestId, "invalid_request", `Invalid request: ${message}`, message);
      return this.#ended(null, startedAt, refusal);
    }
    const { requestId, requestType, service, version } = parsed.request;
    const info = selectCallInfo(payload, parsed.request, caller, policy);
    if (policy.requireVerifiedUserId && info.userId === null) {
      const refusal = refused(requestId, "authentication_required", "Authentication required");
      return this.#ended(parsed.request, startedAt, refusal);
    }
    const found = this.#functions.lookup(service, requestType, version);
    if (!found.ok) {
      const failure = failed(requestId, requestType, found.code, found.message);
      return this.#ended(parsed.request, startedAt, failure);
    }
    const run = newRun(parsed.request, found.entry, caller, info, options, startedAt);
    const checked = this.#checks.pass(run);
    if (checked === null) return this.#call(run);
    if (isPromise(checked)) return this.#callWhenChecked(run, checked);
    return this.#refused(run, checked);
  }

  /**
   * The JSON text of a Response. A result that JSON cannot express is the function's fault: it is
   * logged, and the text is that of an `internal` failure.
   */
  encode(response: Response): string {
    const encoded = encodeResponse(response);
    if (encoded.ok) return encoded.text;
    const detail = `the result has no JSON form: ${encoded.reason}`;
    const { request_id } = response;
    this.#context.log("error", "call failed", { requestId: request_id, error: detail });
    const failure = failureResponse(request_id, "internal", this.#tell(internal(detail, true)));
    const text = encodeResponse(failure);
    return text.ok ? text.text : "null";
  }

  async #callWhenChecked(run: Run, checked: Promise<Outcome | null>): Promise<Outcome> {
    const refusal = await checked;
    return refusal === null ? this.#call(run) : this.#refused(run, refusal);
  }

  // --- the call, by response type ------------------------------------------------------------

  #call(run: Run): Outcome | Promise<Outcome> {
    switch (run.callable.config.responseType) {
      case "sync":
        return this.#callSync(run);
      case "async":
        return this.#callAsync(run);
      case "none":
        return this.#callNone(run);
      case "stream":
        return this.#openStream(run);
    }
  }

  #callSync(run: Run): Outcome | Promise<Outcome> {
    const answer = (response: Response): Outcome => toOutcome(run, response);
    return this.#invoke(run, (response) => this.#conclude(run, response, answer));
  }

  #callAsync(run: Run): Outcome | Promise<Outcome> {
    const answered = this.#invoke(run, itself);
    // Nobody took it: then there is nothing to acknowledge.
    if (!isPromise(answered)) return this.#refused(run, toOutcome(run, answered));
    const later = answered.then((response) => this.#conclude(run, response, itself));
    return { ...toOutcome(run, acknowledgement(run.request.requestId)), later };
  }

  #callNone(run: Run): Outcome | Promise<Outcome> {
    const answered = this.#invoke(run, itself);
    if (!isPromise(answered)) return this.#refused(run, toOutcome(run, answered));
    void answered.then((response) => this.#conclude(run, response, itself));
    return { response: null, status: "ok", reply: run.request.requestType };
  }

  #openStream(run: Run): Outcome | Promise<Outcome> {
    const { request, callable, options } = run;
    const { requestId, requestType } = request;
    const { streams } = options;
    if (streams === undefined) {
      const message = `${requestType} is a stream, which cannot be had here`;
      return this.#refused(run, refuse(run, "invalid_request", message));
    }
    const offer = streams.offer(requestId);
    if (!offer.ok) return this.#refused(run, refuse(run, offer.code, offer.message));
    const { opening } = offer;
    return this.#invoker.invoke<Outcome | Promise<Outcome>>(
      this.#encodeCall(run, { ...run.info, stream: opening }),
      (_opened, producer) => ({
        ...toOutcome(run, streamOpened(requestId)),
        stream: streams.begin(opening, producer, (last) => this.#conclude(run, last, itself), {
          function: `${callable.service}.${requestType}`,
          tell: (detail) => this.#tell(internal(detail, true)),
        }),
      }),
      (failure) => {
        streams.withdraw(opening);
        return this.#refused(run, toOutcome(run, this.#explain(run, failure)));
      },
    ) as Outcome | Promise<Outcome>;
  }

  /** Hands the Response of a call that is answered once to `use`. */
  #invoke<T>(run: Run, use: (response: Response) => T | Promise<T>): T | Promise<T> {
    return this.#invoker.invoke<T | Promise<T>>(
      this.#encodeCall(run, run.info),
      (result) => use(successResponse(run.request.requestId, result)),
      (failure) => use(this.#explain(run, failure)),
    ) as T | Promise<T>;
  }

  #encodeCall(run: Run, info: CallInfo): Parameters<Invoker["invoke"]>[0] {
    const { callable, request, values, leftMs, options } = run;
    const message = callable.encodeMessage(
      values,
      callable.takesSession ? withSession(info, options) : info,
    );
    return { callable, request, info, message, timeoutMs: leftMs, signal: options.signal };
  }

  // --- the end -------------------------------------------------------------------------------

  #refused(run: Run, outcome: Outcome): Outcome | Promise<Outcome> {
    const isNone = run.callable.config.responseType === "none";
    return this.#conclude(run, outcome.response as Response, (response) => {
      if (response.success) return { ...toOutcome(run, response), isSilent: isNone };
      if (!isNone) return { ...outcome, response };
      // Nothing is pushed to the caller of such a function: the reply has to say it.
      return { response, status: "error", reply: response.error ?? "", isSilent: true };
    });
  }

  /** The final Response, past afterExecute, is handed to `use`. Called once for each run. */
  #conclude<T>(run: Run, response: Response, use: (response: Response) => T): T | Promise<T> {
    run.leave?.();
    run.leave = null;
    const { afterExecute } = run.callable.config;
    if (afterExecute === null) return use(this.#observed(run, response));
    const { callable, request, info, caller } = run;
    return this.#hooks
      .after(callable.config, request, info, caller, response)
      .then((changed) => use(this.#observed(run, changed)));
  }

  /** The end of a request that was no run yet: no config, no hook. */
  #ended(request: Request | null, startedAt: number, outcome: Outcome): Outcome {
    if (!Number.isNaN(startedAt)) this.#observer.end(request, startedAt, outcome.response);
    return outcome;
  }

  #observed(run: Run, response: Response): Response {
    if (!Number.isNaN(run.startedAt)) this.#observer.end(run.request, run.startedAt, response);
    return response;
  }

  #explain(run: Run, failure: CallFailure): Response {
    const { code, detail, logged, retryAfterMs } = failure;
    const { service, requestType, requestId } = run.request;
    if (!logged) {
      const fields = { function: `${service}.${requestType}`, requestId, error: detail };
      this.#context.log("error", "call failed", fields);
    }
    return failureResponse(requestId, code, this.#tell(failure), retryAfterMs);
  }

  #tell({ message, detail }: CallFailure): string {
    if (detail === null) return message;
    const isTold = this.#isOperator || (this.#settings.get("detailError") ?? this.#detailError);
    return isTold ? `${message}: ${detail}` : message;
  }
}

/** The executor of a session: what it shares with the others of its thread is shared inside. */
export function executorOf(context: ActorContext, options: ExecutorOptions = {}): Executor {
  return new Executor(context, options);
}

function newRun(
  request: Request,
  callable: Callable,
  caller: Caller,
  info: CallInfo,
  options: ExecuteOptions,
  startedAt: number,
): Run {
  const leftMs = callable.timeoutMs;
  return { request, callable, caller, info, options, startedAt, values: [], leftMs, leave: null };
}

function toOutcome(run: Run, response: Response): Outcome {
  return { response, status: "ok", reply: run.request.requestType };
}

function itself(response: Response): Response {
  return response;
}

function withSession(info: CallInfo, { session }: ExecuteOptions): CallInfo {
  return session === undefined ? info : { ...info, session };
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}
