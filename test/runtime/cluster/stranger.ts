/** Somebody who is no node, for the tests of the handshake. */

import { EventEmitter, once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { ManualClock } from "#runtime/testing";
import {
  acceptSession,
  encodeFrame,
  FrameDecoder,
  frameKind,
  openSession,
  tcpTransport,
} from "../../../runtime/cluster/index.ts";
import { Door, gate, gateName, Observed, outcome, users, usersName } from "./meeting.ts";

/** A message of a handshake as its fields. */
export type Fields = Record<string, unknown>;

/** Somebody on a bare socket, who says what the test wants. */
export class Stranger {
  readonly socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #payloads: Buffer[] = [];
  readonly #events = new EventEmitter();
  #isOver = false;

  constructor(t: TestContext, socket: Socket) {
    this.socket = socket;
    t.after(() => socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      this.#decoder.push(bytes, (_kind, payload) => {
        this.#payloads.push(payload);
        return true;
      });
      this.#events.emit("change");
    });
    socket.on("close", () => {
      this.#isOver = true;
      this.#events.emit("change");
    });
  }

  /** Calls at a port. */
  static async call(t: TestContext, port: number): Promise<Stranger> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Stranger(t, socket);
  }

  say(payload: Uint8Array | Fields): void {
    const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
    this.socket.write(encodeFrame(frameKind.handshake, bytes));
  }

  /** The payload of the next frame. */
  async hear(): Promise<Buffer> {
    while (this.#payloads.length === 0) {
      if (this.#isOver) throw new Error("it was closed without another word");
      await once(this.#events, "change");
    }
    return this.#payloads.shift() as Buffer;
  }

  async hearFields(): Promise<Fields> {
    return JSON.parse((await this.hear()).toString());
  }

  async closed(): Promise<void> {
    while (!this.#isOver) await once(this.#events, "change");
  }
}

/** A port of a stranger. */
interface StrangersPort {
  readonly port: number;
  /** Who calls there, in order. */
  next(): Promise<Stranger>;
}

/** Opens a port of a stranger. */
export async function strangersPort(t: TestContext): Promise<StrangersPort> {
  const server = createServer();
  const events = new EventEmitter();
  const arrived: Stranger[] = [];
  server.on("connection", (socket) => {
    arrived.push(new Stranger(t, socket));
    events.emit("arrived");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return {
    port,
    async next() {
      if (arrived.length === 0) await once(events, "arrived");
      return arrived.shift() as Stranger;
    },
  };
}

/** What a node says first. */
export const hello: Fields = {
  ...{ magic: "troupe", type: "hello", versions: { min: 1, max: 1 }, cluster: "blue" },
  ...{ name: gateName, incarnation: 7, thread: 1, roles: [], nonce: "0".repeat(64) },
};

/** A node and a stranger. */
interface Visit {
  readonly stranger: Stranger;
  /** That of the node. */
  readonly connection: Observed;
  /** How it ended for the node. */
  readonly session: Promise<string>;
  readonly clock: ManualClock;
}

/** A node that accepts, and a stranger who has called there. */
export async function visit(t: TestContext): Promise<Visit & { readonly door: Door }> {
  const clock = new ManualClock();
  const door = await Door.open(t, tcpTransport(null));
  const stranger = await Stranger.call(t, door.port);
  const connection = await door.next();
  const session = outcome(acceptSession(connection, users, clock));
  return { door, stranger, connection, session, clock };
}

/** A node that has dialled a stranger. */
export async function lure(t: TestContext): Promise<Visit & { readonly place: StrangersPort }> {
  const clock = new ManualClock();
  const place = await strangersPort(t);
  const connection = new Observed(tcpTransport(null).dial("127.0.0.1", place.port));
  t.after(() => connection.destroy());
  const session = outcome(openSession(connection, gate, usersName, clock));
  return { place, stranger: await place.next(), connection, session, clock };
}
