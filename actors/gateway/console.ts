import { Actor, type Signal } from "#runtime";
import { type Executor, executorOf } from "../execution/index.ts";
import { type Caller, type Response, type Streamed, successResponse } from "../request/index.ts";
import { type IncomingStream, Streams } from "../streams/index.ts";

/** The registered name of the {@link Console}. */
export const consoleName = "console";

/** Whom an operator's call is made for. */
export interface OnBehalf {
  readonly user_id?: string;
  readonly user_roles?: readonly string[];
  readonly device_id?: string;
}

/** Chunks of a stream that an operator gets to see; then it is stopped. */
const maxChunks = 100;

/** Calls functions for operators as a channel would, with the details of failures told. */
export class Console extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #executor: Executor = executorOf(this.context, { isOperator: true });
  readonly #streams: Streams = new Streams(this.context);
  #calls = 0;

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.terminated(signal.ref, signal.reason);
  }

  protected override terminate(): void {
    this.#streams.closeAll();
  }

  /** Chunks of a stream that an operator has called; the message is named by `streamedMessage`. */
  streamed(...message: Streamed): void {
    this.#streams.receive(...message);
  }

  /**
   * Calls a function; `type` is its request type, with `@version` for a certain version. Ends as a
   * client's call does: with the final Response, success or not. Of a stream the chunks are the
   * result, a hundred at most.
   */
  async call(
    service: string,
    type: string,
    args: Readonly<Record<string, unknown>>,
    onBehalf: OnBehalf = {},
  ): Promise<Response> {
    this.#calls += 1;
    const [, requestType = type, version] = /^(.+)@(\d[^@]*)$/.exec(type) ?? [];
    const request = { service, request_type: requestType, request_id: `console_${this.#calls}` };
    const payload = { ...request, args, ...(version === undefined ? {} : { version }) };
    const policy = { requireVerifiedUserId: false, overrideUserId: true };
    const caller = toCaller(onBehalf);
    const options = { streams: this.#streams };
    const outcome = await this.#executor.execute(payload, caller, policy, options);
    if (outcome.stream !== undefined) return this.#collect(outcome.stream);
    const nothing = successResponse(request.request_id, null);
    const response = (await outcome.later) ?? outcome.response ?? nothing;
    // What a client would get: a result is what JSON makes of it.
    return JSON.parse(this.#executor.encode(response));
  }

  #collect(stream: IncomingStream): Promise<Response> {
    const { requestId } = stream;
    const chunks: unknown[] = [];
    return new Promise((resolve) => {
      stream.start({
        hasRoom: () => true,
        chunk: (text) => {
          if (chunks.push(JSON.parse(text)) === maxChunks) this.#streams.stop(requestId);
        },
        end: (last) => {
          if (!last.success && chunks.length < maxChunks) resolve(last);
          else {
            const more = last.result === null ? [] : [last.result];
            resolve(successResponse(requestId, [...chunks, ...more]));
          }
        },
      });
    });
  }
}

function toCaller(onBehalf: OnBehalf): Caller {
  const { user_id, user_roles, device_id } = onBehalf;
  return {
    userId: user_id ?? null,
    userRoles: user_roles ?? [],
    deviceId: device_id ?? null,
    ipAddress: null,
    assigns: { ...onBehalf },
  };
}
