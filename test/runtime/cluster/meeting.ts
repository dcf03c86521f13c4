/** Nodes that meet, for the tests of the handshake. */

import { EventEmitter, once } from "node:events";
import type { TestContext } from "node:test";
import type {
  Connection,
  ConnectionHandler,
  Credentials,
  PeerIdentity,
  Session,
  Transport,
} from "../../../runtime/cluster/index.ts";

/** What a node knows of itself. */
export function credentials(name: string, over: Partial<PeerIdentity> = {}): Credentials {
  const identity = { name, incarnation: 7, cluster: "blue", roles: ["service"], thread: 1 };
  return { identity: { ...identity, ...over }, cookie: "a secret" };
}

/** How a handshake ended: the peer's name, or the reason in one line. */
export function outcome(session: Promise<Session>): Promise<string> {
  return session.then(
    ({ peer }) => `with ${peer.name}`,
    (error) => `${error.code}: ${error.message}`,
  );
}

/** A connection that tells its test what happens to it. */
export class Observed implements Connection {
  readonly events: EventEmitter = new EventEmitter();
  receivedBytes = 0;
  closedReasons: string[] = [];
  readonly #inner: Connection;

  constructor(inner: Connection) {
    this.#inner = inner;
  }

  get peer(): string {
    return this.#inner.peer;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  handle(handler: ConnectionHandler): void {
    this.#inner.handle({
      data: (bytes) => {
        this.receivedBytes += bytes.length;
        handler.data(bytes);
        this.events.emit("data");
      },
      drained: () => handler.drained(),
      closed: (reason) => {
        this.closedReasons.push(reason);
        handler.closed(reason);
        this.events.emit("closed");
      },
    });
  }

  write(chunks: readonly Uint8Array[]): void {
    this.#inner.write(chunks);
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  /** Until so many bytes have arrived. */
  async received(bytes: number): Promise<void> {
    while (this.receivedBytes < bytes) await once(this.events, "data");
  }

  /** Until it is over. */
  async closed(): Promise<void> {
    if (this.closedReasons.length === 0) await once(this.events, "closed");
  }
}

/** A port of this machine that hands over what it accepts, in order. */
export class Door {
  readonly port: number;
  readonly #arrived: Observed[];
  readonly #events: EventEmitter;

  private constructor(port: number, arrived: Observed[], events: EventEmitter) {
    this.port = port;
    this.#arrived = arrived;
    this.#events = events;
  }

  static async open(t: TestContext, transport: Transport): Promise<Door> {
    const events = new EventEmitter();
    const arrived: Observed[] = [];
    const place = { host: "127.0.0.1", port: 0, shared: false };
    const listener = await transport.listen(place, (connection) => {
      const observed = new Observed(connection);
      t.after(() => observed.destroy());
      arrived.push(observed);
      events.emit("arrived");
    });
    t.after(() => listener.close());
    return new Door(listener.port, arrived, events);
  }

  async next(): Promise<Observed> {
    if (this.#arrived.length === 0) await once(this.#events, "arrived");
    return this.#arrived.shift() as Observed;
  }
}

export const usersName = "users@127.0.0.1:9101";
export const gateName = "gate@127.0.0.1:9100";
/** A node that accepts. */
export const users: Credentials = credentials(usersName, { incarnation: 9 });
/** A node that dials. */
export const gate: Credentials = credentials(gateName);
