import { Actor, type Signal } from "#runtime";
import {
  type Executor,
  type ExecutorOptions,
  executorOf,
  type Outcome,
} from "../../../actors/execution/index.ts";
import type { Caller, ChannelPolicy, Response, Streamed } from "../../../actors/request/index.ts";
import { Streams } from "../../../actors/streams/index.ts";

/** What a client would see of a request. */
export interface Seen {
  readonly status: Outcome["status"];
  readonly reply: string;
  /** The first Response; null where none is owed. */
  readonly response: Response;
  /** The final one, where it is another: of an async function, or of a stream. */
  readonly last: Response | null;
  /** The results of a stream before its last Response. */
  readonly chunks: readonly unknown[];
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
  readonly #streams: Streams = new Streams(this.context);

  constructor(options: ExecutorOptions = {}) {
    super();
    this.executor = executorOf(this.context, options);
  }

  async execute(
    payload: unknown,
    caller: Caller = alice,
    policy: ChannelPolicy = strictPolicy,
  ): Promise<Seen> {
    const options = { streams: this.#streams };
    const outcome = await this.executor.execute(payload, caller, policy, options);
    const { status, reply, response, later, stream } = outcome;
    const seen = <T extends Response | null>(one: T): T =>
      one === null ? one : JSON.parse(this.executor.encode(one));
    const chunks: unknown[] = [];
    const ended = new Promise<Response | null>((resolve) => {
      if (stream === undefined) resolve(null);
      stream?.start({
        hasRoom: () => true,
        chunk: (text) => void chunks.push(JSON.parse(text)),
        end: resolve,
      });
    });
    const last = (await later) ?? (await ended);
    return { status, reply, response: seen(response) as Response, last: seen(last), chunks };
  }

  streamed(...message: Streamed): void {
    this.#streams.receive(...message);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.terminated(signal.ref, signal.reason);
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
