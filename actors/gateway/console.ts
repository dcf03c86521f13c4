import { Actor } from "#runtime";
import { type Caller, type Executor, executorOf, type Response } from "../execution/index.ts";

/** The registered name of the {@link Console}. */
export const consoleName = "console";

/** Whom an operator's call is made for. */
export interface OnBehalf {
  readonly user_id?: string;
  readonly user_roles?: readonly string[];
  readonly device_id?: string;
}

/** Calls functions for operators as a channel would, with the details of failures told. */
export class Console extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #executor: Executor = executorOf(this.context, { detailError: true });
  #calls = 0;

  /**
   * Calls a function; `type` is its request type, with `@version` for a certain version. Ends as a
   * client's call does: with a Response, success or not.
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
    const { response } = await this.#executor.execute(payload, toCaller(onBehalf), policy);
    return response;
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
