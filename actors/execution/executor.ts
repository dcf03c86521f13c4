import type { ActorContext } from "#runtime";
import { isMap } from "../registry/index.ts";
import { type CallFailure, internal } from "./call-failure.ts";
import type { CallInfo } from "./call-info.ts";
import { type Callable, callablesOf } from "./callable.ts";
import type { Caller } from "./caller.ts";
import type { ErrorCode } from "./error-codes.ts";
import { Invoker } from "./invoker.ts";
import { parseRequest, type Request } from "./request.ts";
import { encodeResponse, failureResponse, type Response, successResponse } from "./response.ts";

/** What a channel demands of its callers. */
export interface ChannelPolicy {
  /** Refuse a caller whose user is not known. */
  readonly requireVerifiedUserId: boolean;
  /** Take user and roles from the socket alone; false believes those of the payload. */
  readonly overrideUserId: boolean;
}

/** How the gateway executes. */
export interface ExecutorOptions {
  /** Tell clients the details of internal failures; default false. */
  readonly detailError?: boolean;
}

/** The one end of a request. */
export interface Outcome {
  readonly response: Response;
  /** `error` where the request was malformed, refused unseen, or its arguments were invalid. */
  readonly status: "ok" | "error";
  /** The request type, or the message that goes with `error`. */
  readonly reply: string;
}

/**
 * Takes requests from their payload to their {@link Outcome}: plain functions in the turn of the
 * session that owns it. Each request ends in exactly one Outcome; what is refused ends at once,
 * what is called ends when the function does, or its deadline. Nothing here throws or rejects.
 */
export class Executor {
  readonly #context: ActorContext;
  readonly #functions: ReturnType<typeof callablesOf>;
  readonly #invoker: Invoker;
  readonly #detailError: boolean;

  constructor(context: ActorContext, options: ExecutorOptions = {}) {
    this.#context = context;
    this.#functions = callablesOf(context);
    this.#invoker = new Invoker(context);
    this.#detailError = options.detailError ?? false;
  }

  /**
   * Executes the payload of a push for `caller`, on a channel with `policy`. When `signal` fires the
   * function's own signal is aborted, and the Outcome is `cancelled`.
   */
  execute(
    payload: unknown,
    caller: Caller,
    policy: ChannelPolicy,
    signal?: AbortSignal,
  ): Outcome | Promise<Outcome> {
    // The steps stand in the order of a request; those of hooks, rate limits and permission belong
    // where they are named.
    const parsed = parseRequest(payload);
    if (!parsed.ok) {
      const { requestId, message } = parsed;
      return refuse(requestId, "invalid_request", `Invalid request: ${message}`, message);
    }
    const { request } = parsed;
    const { requestId, requestType } = request;
    const info = selectCallInfo(payload, request, caller, policy);
    if (policy.requireVerifiedUserId && info.userId === null) {
      const message = "Authentication required";
      return refuse(requestId, "authentication_required", message, message);
    }
    const found = this.#functions.lookup(request.service, requestType, request.version);
    if (!found.ok) return fail(request, found.code, found.message);
    // Next: beforeExecute, global and API rate limits, permission.
    const args = found.entry.checkArguments(request.args);
    if (!args.ok) return refuse(requestId, "invalid_arguments", args.message, args.message);
    return this.#call(found.entry, request, args.values, info, signal);
    // Last: afterExecute, on refusals as well.
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

  #call(
    callable: Callable,
    request: Request,
    values: unknown[] | Record<string, unknown>,
    info: CallInfo,
    signal: AbortSignal | undefined,
  ): Outcome | Promise<Outcome> {
    return this.#invoker.invoke<Outcome>(
      callable,
      callable.encodeMessage(values, info),
      callable.timeoutMs,
      signal,
      (result) => ({
        response: successResponse(request.requestId, result),
        status: "ok",
        reply: request.requestType,
      }),
      (failure) => {
        if (!failure.logged) this.#log(request, failure);
        return fail(request, failure.code, this.#tell(failure));
      },
    );
  }

  #tell({ message, detail }: CallFailure): string {
    return this.#detailError && detail !== null ? `${message}: ${detail}` : message;
  }

  #log({ service, requestType, requestId }: Request, { detail }: CallFailure): void {
    const fields = { function: `${service}.${requestType}`, requestId, error: detail };
    this.#context.log("error", "call failed", fields);
  }
}

/** The executor of a session: what it shares with the others of its thread is shared inside. */
export function executorOf(context: ActorContext, options: ExecutorOptions = {}): Executor {
  return new Executor(context, options);
}

/** The request was understood, and failed. */
function fail(request: Request, code: ErrorCode | (string & {}), message: string): Outcome {
  return {
    response: failureResponse(request.requestId, code, message),
    status: "ok",
    reply: request.requestType,
  };
}

/** The request was not accepted as one; `reply` is what the push is answered with. */
function refuse(requestId: string, code: ErrorCode, message: string, reply: string): Outcome {
  return { response: failureResponse(requestId, code, message), status: "error", reply };
}

function selectCallInfo(
  payload: unknown,
  request: Request,
  caller: Caller,
  policy: ChannelPolicy,
): CallInfo {
  let { userId, userRoles } = caller;
  if (!policy.overrideUserId && isMap(payload)) {
    const { user_id, user_roles } = payload;
    if (typeof user_id === "string" && user_id !== "") userId = user_id;
    if (Array.isArray(user_roles)) {
      userRoles = user_roles.filter((role) => typeof role === "string");
    }
  }
  const deviceId = request.deviceId ?? caller.deviceId;
  return { requestId: request.requestId, userId, userRoles, deviceId };
}
