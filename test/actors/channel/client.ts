import { once } from "node:events";
import type { TestContext } from "node:test";
import { type ClientOptions, WebSocket } from "ws";
import type { AcceptorConfig, AcceptorStatistics } from "../../../actors/channel/index.ts";
import { claimPort } from "../../../actors/channel/index.ts";
import type { ActorRef, Clock, LogLevel, System } from "../../../runtime/index.ts";
import { createSystem } from "../../../runtime/index.ts";
import { FakeAcceptor, fake, fakeConfig } from "./fixtures/fake-acceptor.ts";

/** One frame of serialization 2.0.0. */
export type WireFrame = [string | null, string | null, string, string, unknown];

/** A line that was logged. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** A WebSocket client that reads frame by frame. */
export class Client {
  readonly ws: WebSocket;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #frames: (string | Buffer)[] = [];
  #waiting: ((frame: string | Buffer | null) => void) | null = null;
  #ref = 0;

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.ws = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    this.ws.on("message", (data, isBinary) => {
      this.#deliver(isBinary ? (data as Buffer) : data.toString());
    });
    this.ws.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.ws.on("close", (code) => {
        resolve(code);
        this.#waiting?.(null);
      });
    });
  }

  async open(): Promise<this> {
    await once(this.ws, "open");
    return this;
  }

  send(frame: WireFrame | string | Buffer): void {
    this.ws.send(Array.isArray(frame) ? JSON.stringify(frame) : frame);
  }

  /** The next message as it came; rejects when the socket closes instead. */
  async nextMessage(): Promise<string | Buffer> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return frame;
    if (this.ws.readyState === WebSocket.CLOSED) throw new Error("the socket is closed");
    const next = await new Promise<string | Buffer | null>((resolve) => {
      this.#waiting = resolve;
    });
    if (next === null) throw new Error("the socket closed instead of answering");
    return next;
  }

  async next(): Promise<WireFrame> {
    return JSON.parse(String(await this.nextMessage()));
  }

  /** So many frames. */
  async take(count: number): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  /** Joins with `joinRef` as ref too, and takes the reply. */
  async join(topic: string, joinRef = "1", payload: unknown = {}): Promise<WireFrame> {
    this.send([joinRef, joinRef, topic, "phx_join", payload]);
    return this.next();
  }

  /** A heartbeat and its reply: what was sent before has been read by then. */
  async heartbeat(): Promise<WireFrame> {
    this.#ref += 1;
    this.send([null, `hb${this.#ref}`, "phoenix", "heartbeat", {}]);
    return this.next();
  }

  #deliver(frame: string | Buffer): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#frames.push(frame);
    else waiting(frame);
  }
}

/** A payload for the fake executor. */
export function request(
  type: string,
  id: string,
  args: Record<string, unknown> = {},
): Record<string, unknown> {
  return { service: "fake", request_type: type, request_id: id, args };
}

/** A system with one acceptor on the test's own thread. */
export class Stage {
  readonly system: System;
  readonly acceptor: ActorRef<FakeAcceptor>;
  readonly port: number;
  readonly log: LogLine[];

  constructor(system: System, acceptor: ActorRef<FakeAcceptor>, port: number, log: LogLine[]) {
    this.system = system;
    this.acceptor = acceptor;
    this.port = port;
    this.log = log;
  }

  url(query = "vsn=2.0.0"): string {
    return `ws://127.0.0.1:${this.port}/socket/websocket?${query}`;
  }

  connect(query?: string, protocols?: string[]): Promise<Client> {
    return new Client(this.url(query), protocols).open();
  }

  statistics(): Promise<AcceptorStatistics> {
    return this.acceptor.ask.statistics();
  }

  /** Resolves when the acceptor is as `isSo` wants it. */
  async until(isSo: (statistics: AcceptorStatistics) => boolean): Promise<void> {
    while (!isSo(await this.statistics())) {
      // Sockets have their turn between two looks.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when the acceptor has nothing to do with anybody. */
  quiet(): Promise<void> {
    return this.until(({ sockets, sessions, inFlight }) => sockets + sessions + inFlight === 0);
  }
}

/** Starts an acceptor of `acceptorClass` for one test. */
export async function stage(
  t: TestContext,
  changes: Partial<AcceptorConfig> = {},
  clock?: Clock,
  acceptorClass: typeof FakeAcceptor = FakeAcceptor,
): Promise<Stage> {
  fake.reset();
  const lines: LogLine[] = [];
  const system = await createSystem({
    threads: 0,
    strictMessages: true,
    // On a busy machine any turn may be a slow one; tests look at the last line of the log.
    slowTurnMs: 60_000,
    log: (level, message, fields) => lines.push({ level, message, fields }),
    ...(clock === undefined ? {} : { clock }),
  });
  t.after(() => system.stop());
  const wanted = fakeConfig(changes);
  const port = await claimPort(wanted.host, wanted.port);
  const config = { ...wanted, port };
  const options = { name: "acceptor-1", args: [config] as [AcceptorConfig] };
  const acceptor = await system.spawn(acceptorClass, options);
  return new Stage(system, acceptor, port, lines);
}
