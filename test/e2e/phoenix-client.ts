import { type Channel, type PhoenixMessage, type Push, Socket } from "phoenix";
import { WebSocket } from "ws";
import { within } from "./deadline.ts";
import type { Scope } from "./gateway-process.ts";

/** A Response as it comes over the wire. */
export interface WireResponse {
  readonly request_id: string;
  readonly result: unknown;
  readonly success: boolean;
  readonly error: string | null;
  readonly async: boolean;
  readonly has_more: boolean;
  readonly can_retry: boolean;
  readonly code?: string;
}

/** The end of a push: the status of its reply, and the reply. */
export type Replied = readonly [status: string, response: unknown];

/** A request as it is pushed. */
export interface Request {
  readonly service: string;
  readonly request_type: string;
  readonly request_id: string;
  readonly args?: unknown;
  readonly version?: string;
}

/** What a push is answered with. */
export function replied(push: Push): Promise<Replied> {
  const answer = new Promise<Replied>((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve([status, response]));
    }
  });
  return within(answer, "the reply to a push");
}

/** How a {@link PhoenixClient} connects and joins. */
export interface ClientOptions {
  readonly topic?: string;
  /** Null: nobody. */
  readonly userId?: string | null;
  /** Asks for the compact form. */
  readonly inline?: boolean;
  /** Options of the official socket. */
  readonly socket?: object;
}

/** The official client, unmodified, with a channel joined. */
export class PhoenixClient {
  readonly socket: Socket;
  readonly channel: Channel;
  readonly inline: boolean;
  /** Whatever the server sent. */
  readonly messages: PhoenixMessage[] = [];
  opens = 0;
  closes = 0;
  readonly #waiting = new Map<string, (response: WireResponse) => void>();
  #lastId = 0;

  private constructor(url: string, options: ClientOptions) {
    const { topic = "api:lobby", userId = "ada", inline = false } = options;
    this.inline = inline;
    this.socket = new Socket(url, {
      transport: WebSocket,
      params: userId === null ? {} : { user_id: userId },
      ...options.socket,
    });
    this.socket.onOpen(() => {
      this.opens += 1;
    });
    this.socket.onClose(() => {
      this.closes += 1;
    });
    this.socket.onMessage((message) => this.messages.push(message));
    this.channel = this.socket.channel(topic, inline ? { reply: "inline" } : {});
    this.channel.on("api", (payload) => {
      const response = payload as WireResponse;
      this.#waiting.get(response.request_id)?.(response);
      this.#waiting.delete(response.request_id);
    });
  }

  /** Connects, and joins; the socket is closed with `scope`. */
  static async join(
    scope: Scope,
    url: string,
    options: ClientOptions = {},
  ): Promise<PhoenixClient> {
    const client = new PhoenixClient(url, options);
    scope.after(() => client.disconnect());
    client.socket.connect();
    const [status, response] = await replied(client.channel.join());
    if (status !== "ok") throw new Error(`join: ${status} ${JSON.stringify(response)}`);
    return client;
  }

  /** A request with an id of its own. */
  request(service: string, type: string, args?: unknown, version?: string): Request {
    this.#lastId += 1;
    return {
      ...{ service, request_type: type, request_id: `e2e_${this.#lastId}` },
      ...(args === undefined ? {} : { args }),
      ...(version === undefined ? {} : { version }),
    };
  }

  /** Pushes a request; its reply, and its Response, which the compact form has in the reply. */
  async push(
    request: Request,
  ): Promise<{ readonly reply: Replied; readonly response: WireResponse }> {
    const pushed = this.inline ? null : this.#response(request.request_id);
    const reply = await replied(this.channel.push("api", request));
    return { reply, response: await (pushed ?? (reply[1] as WireResponse)) };
  }

  /** The Response to a call. */
  async call(
    service: string,
    type: string,
    args?: unknown,
    version?: string,
  ): Promise<WireResponse> {
    return (await this.push(this.request(service, type, args, version))).response;
  }

  /** The result of a call that succeeds. */
  async result(service: string, type: string, args?: unknown, version?: string): Promise<unknown> {
    const { success, result, error, code } = await this.call(service, type, args, version);
    if (!success) throw new Error(`${service}.${type}: ${code}: ${error}`);
    return result;
  }

  disconnect(): Promise<void> {
    return new Promise((resolve) => this.socket.disconnect(resolve));
  }

  #response(requestId: string): Promise<WireResponse> {
    const heard = new Promise<WireResponse>((resolve) => this.#waiting.set(requestId, resolve));
    return within(heard, `the Response to ${requestId}`);
  }
}
