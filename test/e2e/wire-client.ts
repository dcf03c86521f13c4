import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { within } from "./deadline.ts";
import type { GatewayProcess, Scope } from "./gateway-process.ts";
import type { WireResponse } from "./phoenix-client.ts";

/** A frame of version 2. */
export type Frame = readonly [
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: unknown,
];

/** How a socket ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** What {@link WireClient} counts. Whatever was sent is answered, or lost with its socket. */
export interface Tally {
  sent: number;
  lost: number;
  /** Answers by code; `ok` for a success. */
  readonly codes: Map<string, number>;
  /** Answers to what was not asked, or was answered before. */
  strays: number;
}

/** Everything that was answered. */
export function answered({ codes }: Tally): number {
  return [...codes.values()].reduce((sum, count) => sum + count, 0);
}

const topic = "api:lobby";

/** A client that says exactly what it is told to, and counts; joined in the inline form. */
export class WireClient {
  readonly ws: WebSocket;
  /** The connection below it. */
  readonly socket: Socket;
  readonly closed: Promise<Closed>;
  readonly tally: Tally = { sent: 0, lost: 0, codes: new Map(), strays: 0 };
  isClosed = false;
  readonly #pending = new Map<string, (response: WireResponse | null) => void>();
  readonly #frames: Frame[] = [];
  #heard: (() => void) | null = null;
  #lastRef = 1_000_000;

  constructor(scope: Scope, gateway: Pick<GatewayProcess, "url">) {
    const url = new URL(`${gateway.url}/websocket?vsn=2.0.0&user_id=wire`);
    this.socket = connect(Number(url.port), url.hostname);
    this.ws = new WebSocket(url, {
      perMessageDeflate: false,
      createConnection: () => this.socket,
    });
    scope.after(() => this.ws.terminate());
    this.closed = new Promise((resolve) => {
      this.ws.on("close", (code, reason) => {
        this.isClosed = true;
        this.tally.lost += this.#pending.size;
        for (const lose of this.#pending.values()) lose(null);
        this.#pending.clear();
        this.#heard?.();
        resolve({ code, reason: reason.toString() });
      });
    });
    this.ws.on("error", () => {});
    this.ws.on("message", (data) => this.#receive(JSON.parse(String(data)) as Frame));
  }

  /** Connects and joins. */
  static async join(scope: Scope, gateway: Pick<GatewayProcess, "url">): Promise<WireClient> {
    const client = new WireClient(scope, gateway);
    await client.opened();
    client.send(["1", "1", topic, "phx_join", { reply: "inline" }]);
    const [, , , , payload] = await client.next();
    if ((payload as { status: string }).status !== "ok") throw new Error(JSON.stringify(payload));
    return client;
  }

  /** Resolves when it is connected, rejects when it is not to be. */
  opened(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
    });
    return within(opened, "a socket opens");
  }

  /** Sends a frame, or whatever else. */
  send(frame: Frame | string | Uint8Array): void {
    this.ws.send(
      typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame),
    );
  }

  /** Does what sends many frames: they leave in few writes. */
  corked(work: () => void): void {
    this.socket.cork();
    work();
    this.socket.uncork();
  }

  /** Calls; null when the socket closes before the answer. */
  call(service: string, type: string, args: object = {}): Promise<WireResponse | null> {
    this.#lastRef += 1;
    const ref = String(this.#lastRef);
    const payload = { service, request_type: type, request_id: `wire_${ref}`, args };
    const answer = new Promise<WireResponse | null>((resolve) => this.#pending.set(ref, resolve));
    this.tally.sent += 1;
    this.send(["1", ref, topic, "api", payload]);
    return within(answer, `the answer to ${service}.${type}`);
  }

  /** The next frame that is no answer to a call. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.isClosed) throw new Error("the socket is closed");
      await within(
        new Promise<void>((resolve) => {
          this.#heard = resolve;
        }),
        "a frame",
      );
    }
  }

  /**
   * Keeps `inFlight` calls going, `next` choosing each one, until `isEnough` or the socket is
   * closed; what has been begun by then is waited for. With a `pauseMs` they leave the machine to
   * what is to happen meanwhile.
   */
  async pump(
    inFlight: number,
    next: (index: number) => readonly [service: string, type: string, args?: object],
    isEnough: () => boolean,
    pauseMs = 0,
  ): Promise<void> {
    let index = 0;
    const lane = async (): Promise<void> => {
      while (!isEnough() && this.ws.readyState === WebSocket.OPEN) {
        index += 1;
        await this.call(...next(index));
        if (pauseMs > 0) await pause(pauseMs);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  }

  #receive(frame: Frame): void {
    const [, ref, , event, payload] = frame;
    const settle = event === "phx_reply" ? this.#pending.get(String(ref)) : undefined;
    if (settle === undefined) {
      if (event === "api" || Number(ref) > 1_000_000) this.tally.strays += 1;
      this.#frames.push(frame);
      this.#heard?.();
      return;
    }
    this.#pending.delete(String(ref));
    const { response } = payload as { response: WireResponse };
    const code = response.success ? "ok" : (response.code ?? "none");
    this.tally.codes.set(code, (this.tally.codes.get(code) ?? 0) + 1);
    if (response.request_id !== `wire_${ref}`) this.tally.strays += 1;
    settle(response);
  }
}

/** Joins clients until there are `count` on each of the threads; needs `thread-service.ts`. */
export async function joinOnEach(
  scope: Scope,
  gateway: GatewayProcess,
  threads: readonly number[],
  count: number,
): Promise<Map<number, WireClient[]>> {
  const found = new Map(threads.map((thread) => [thread, [] as WireClient[]]));
  while ([...found.values()].some(({ length }) => length < count)) {
    const client = await WireClient.join(scope, gateway);
    const clients = found.get(await threadOf(client));
    if (clients === undefined || clients.length >= count) client.ws.terminate();
    else clients.push(client);
  }
  return found;
}

/** The thread that has a client's socket: the instance of a call is taken there. */
async function threadOf(client: WireClient): Promise<number> {
  const response = await client.call("thread_service", "thread");
  return Number(response?.result);
}
