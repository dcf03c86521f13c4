import { Actor } from "#runtime";
import {
  type Caller,
  type ChannelPolicy,
  type Executor,
  type ExecutorOptions,
  executorOf,
  type Outcome,
  type Response,
} from "../../../actors/execution/index.ts";

/** What a client would see of a request. */
export interface Seen {
  readonly status: Outcome["status"];
  readonly reply: string;
  readonly response: Response;
}

export const alice: Caller = {
  userId: "alice",
  userRoles: ["editor"],
  deviceId: "phone",
  ipAddress: null,
  assigns: {},
};

export const strictPolicy: ChannelPolicy = { requireVerifiedUserId: true, overrideUserId: true };

/** Executes requests where a session would. */
export class TestClient extends Actor {
  static override readonly source: string = import.meta.url;
  readonly executor: Executor;

  constructor(options: ExecutorOptions = {}) {
    super();
    this.executor = executorOf(this.context, options);
  }

  async execute(
    payload: unknown,
    caller: Caller = alice,
    policy: ChannelPolicy = strictPolicy,
  ): Promise<Seen> {
    const { status, reply, response } = await this.executor.execute(payload, caller, policy);
    return { status, reply, response: JSON.parse(this.executor.encode(response)) };
  }

  /** The responses' codes, or `ok`, each with how often it came, of `count` equal requests. */
  async repeat(payload: Record<string, unknown>, count: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    for (let index = 0; index < count; index++) {
      const { response } = await this.execute({ ...payload, request_id: `r${index}` });
      const key = response.code ?? "ok";
      seen[key] = (seen[key] ?? 0) + 1;
    }
    return seen;
  }
}
