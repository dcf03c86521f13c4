import { Actor, isReplyError } from "#runtime";
import { type CallOptions, callFunction, parseCallOptions } from "../execution/index.ts";
import { type FunctionCaller, provideThreadCaller, withdrawThreadCaller } from "./call-scope.ts";
import { toServiceError } from "./service-error.ts";

/** The registered name of the caller of thread N begins with it. */
export const threadCallerPrefix = "caller-";

/**
 * Lets code of its thread that works on no request call functions, as the node itself: without a
 * user, and without a deadline but that of the function.
 */
export class ThreadCaller extends Actor implements FunctionCaller {
  static override readonly source: string = import.meta.url;
  #calls = 0;

  protected override init(): void {
    provideThreadCaller(this, this.context);
  }

  protected override terminate(): void {
    withdrawThreadCaller();
  }

  /** As that of a HandlerContext. */
  async call(
    service: string,
    requestType: string,
    args: Record<string, unknown> = {},
    options: string | null | CallOptions = null,
  ): Promise<unknown> {
    const terms = parseCallOptions(options, `${service}.${requestType}`);
    const { version, changes, timeoutMs: remainingMs, signal } = terms;
    this.#calls += 1;
    const requestId = `${this.context.self}_${this.#calls}`;
    const info = { requestId, userId: null, userRoles: [], deviceId: null };
    const call = { service, requestType, args, version, changes, remainingMs, info };
    try {
      return await callFunction(this.context, signal === undefined ? call : { ...call, signal });
    } catch (error) {
      if (isReplyError(error)) throw toServiceError(error);
      throw error;
    }
  }
}
