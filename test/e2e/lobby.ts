import { FrameClient } from "./frame-client.ts";
import type { Scope } from "./gateway-process.ts";
import type { Frame } from "./wire-client.ts";

/** A Response as it comes over the wire. */
export type Answer = Readonly<Record<string, unknown>>;

/** All that comes up to the reply to a push, the reply included. */
export interface Pushed {
  /** Responses that were pushed before the reply. */
  readonly responses: readonly Answer[];
  readonly status: string;
  readonly reply: unknown;
}

/** How a {@link Lobby} connects and joins. */
export interface LobbyOptions {
  readonly query?: string;
  readonly topic?: string;
  readonly event?: string;
  /** Takes Responses in the replies. */
  readonly inline?: boolean;
}

const joinRef = "1";

/** A client that has joined one channel and calls one function after the other. */
export class Lobby {
  readonly client: FrameClient;
  readonly inline: boolean;
  readonly #topic: string;
  readonly #event: string;
  #lastRef = 1;

  private constructor(client: FrameClient, { topic, event, inline }: Required<LobbyOptions>) {
    this.client = client;
    this.inline = inline;
    this.#topic = topic;
    this.#event = event;
  }

  static async join(scope: Scope, url: string, options: LobbyOptions = {}): Promise<Lobby> {
    const { query = "user_id=alice", topic = "api:lobby", event = "api", inline = false } = options;
    const client = await FrameClient.open(scope, url, `vsn=2.0.0&${query}`);
    const lobby = new Lobby(client, { query, topic, event, inline });
    client.send([joinRef, joinRef, topic, "phx_join", inline ? { reply: "inline" } : {}]);
    const [frame] = (await client.take(1)) as [Frame];
    if ((frame[4] as { status?: string }).status !== "ok") throw new Error(JSON.stringify(frame));
    return lobby;
  }

  /** Sends a push and does not wait; its ref. */
  send(event: string, payload: unknown): string {
    this.#lastRef += 1;
    const ref = String(this.#lastRef);
    this.client.send([joinRef, ref, this.#topic, event, payload]);
    return ref;
  }

  /** Pushes a payload as it is. */
  async push(payload: unknown, event: string = this.#event): Promise<Pushed> {
    const ref = this.send(event, payload);
    const responses: Answer[] = [];
    for (;;) {
      const [[, to, , , answer]] = (await this.client.take(1)) as [Frame];
      if (to === ref) {
        const { status, response } = answer as { status: string; response: unknown };
        return { responses, status, reply: response };
      }
      responses.push(answer as Answer);
    }
  }

  /** Sends a request without waiting. */
  begin(service: string, type: string, args: object = {}, more: object = {}): string {
    return this.send(this.#event, this.request(service, type, args, more));
  }

  /** Requests, up to the reply. */
  ask(service: string, type: string, args: object = {}, more: object = {}): Promise<Pushed> {
    return this.push(this.request(service, type, args, more));
  }

  /** The first Response to a request, in whichever form. */
  async call(service: string, type: string, args: object = {}, more: object = {}): Promise<Answer> {
    const { responses, reply } = await this.ask(service, type, args, more);
    return this.inline ? (reply as Answer) : (responses[0] as Answer);
  }

  /** The payload of the next frame. */
  async next(): Promise<Answer> {
    const [frame] = await this.client.take(1);
    return frame?.[4] as Answer;
  }

  /** A payload with a request id of its own. */
  request(service: string, type: string, args: object, more: object = {}): object {
    const request_id = `${service}.${type} ${this.#lastRef}`;
    return { service, request_type: type, request_id, args, ...more };
  }
}
