/** The handshake over a connection: bytes in, a deadline beside them, one outcome. */

import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../core/index.ts";
import { encodeFrame, FrameDecoder, FrameError, frameKind } from "./frame.ts";
import {
  awaited,
  beginAccepting,
  beginDialled,
  type Credentials,
  decideStep,
  type HandshakeState,
  type HandshakeStep,
  refuse,
} from "./handshake.ts";
import { HandshakeError, maxHandshakeBytes, type PeerIdentity } from "./handshake-messages.ts";
import type { Connection, ConnectionHandler } from "./transport.ts";

/** A connection whose other side has shown who it is. */
export interface Session {
  readonly peer: PeerIdentity;
  /** Of the protocol. */
  readonly version: number;
  /**
   * What came behind the handshake. Until the connection gets its next handler, what arrives is
   * added here: set the handler first, then read this.
   */
  readonly rest: readonly Uint8Array[];
}

/** How long a handshake may take altogether, connecting included. */
export const handshakeTimeoutMs: number = 5_000;

/** How long the other side is given to read why it was refused. */
const lingerMs = 500;

const nonceBytes = 32;

/**
 * Greets a node over a connection that was dialled. `expectedName` is the name that was dialled;
 * null takes whoever answers. When it rejects, the connection is over within what is left of
 * `timeoutMs`, and nothing need be done about it.
 * @throws (rejects) HandshakeError with one of `handshakeCodes`; RangeError for credentials that do
 *   not keep to the limits.
 */
export function openSession(
  connection: Connection,
  credentials: Credentials,
  expectedName: string | null,
  clock: Clock,
  timeoutMs: number = handshakeTimeoutMs,
): Promise<Session> {
  const begin = () => beginDialled(credentials, expectedName, randomBytes(nonceBytes));
  return greet(connection, begin, clock, timeoutMs);
}

/** Answers the greeting on a connection that was accepted; for the rest as {@link openSession}. */
export function acceptSession(
  connection: Connection,
  credentials: Credentials,
  clock: Clock,
  timeoutMs: number = handshakeTimeoutMs,
): Promise<Session> {
  const begin = () => beginAccepting(credentials, randomBytes(nonceBytes));
  return greet(connection, begin, clock, timeoutMs);
}

function greet(
  connection: Connection,
  begin: () => HandshakeStep,
  clock: Clock,
  timeoutMs: number,
): Promise<Session> {
  return new Promise((resolve, reject) => {
    try {
      const first = begin();
      connection.handle(new Greeting(connection, first, clock, timeoutMs, { resolve, reject }));
    } catch (error) {
      connection.destroy();
      reject(error);
    }
  });
}

interface Outcome {
  resolve(session: Session): void;
  reject(error: HandshakeError): void;
}

class Greeting implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #outcome: Outcome;
  readonly #decoder = new FrameDecoder(maxHandshakeBytes);
  readonly #rest: Uint8Array[] = [];
  readonly #dueAt: number;
  #timer: Timer;
  /** Null when it is over. */
  #state: HandshakeState | null = null;
  #isRefused = false;
  #receivedBytes = 0;

  constructor(
    connection: Connection,
    first: HandshakeStep,
    clock: Clock,
    timeoutMs: number,
    outcome: Outcome,
  ) {
    this.#connection = connection;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#outcome = outcome;
    this.#dueAt = clock.now() + timeoutMs;
    this.#timer = clock.after(timeoutMs, () => this.#expire());
    this.#apply(first);
  }

  data(bytes: Uint8Array): void {
    if (this.#isRefused) return;
    if (this.#state === null) {
      this.#rest.push(bytes);
      return;
    }
    this.#receivedBytes += bytes.length;
    try {
      const rest = this.#decoder.push(bytes, (kind, payload) => this.#take(kind, payload));
      if (rest.length > 0) this.#rest.push(rest);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#apply(refuse(error.code, isTls(bytes) ? tlsText : error.message));
    }
  }

  drained(): void {}

  closed(reason: string): void {
    this.#timer.cancel();
    if (this.#state === null) return;
    this.#state = null;
    this.#outcome.reject(new HandshakeError("closed", reason));
  }

  /** Whether to go on with the next frame. */
  #take(kind: number, payload: Uint8Array): boolean {
    if (this.#state === null) return false;
    this.#apply(
      kind === frameKind.handshake
        ? decideStep(this.#state, payload)
        : refuse(
            "malformed",
            `expected ${awaited[this.#state.at]}, received a frame of kind ${kind}`,
          ),
    );
    return this.#state !== null;
  }

  #apply(step: HandshakeStep): void {
    if (step.send !== null) {
      this.#connection.write([encodeFrame(frameKind.handshake, step.send)]);
    }
    if ("next" in step) {
      this.#state = step.next;
      return;
    }
    this.#state = null;
    this.#timer.cancel();
    if ("failure" in step) {
      this.#giveUp(step.failure);
    } else {
      this.#outcome.resolve({ peer: step.peer, version: step.version, rest: this.#rest });
    }
  }

  #giveUp(failure: HandshakeError): void {
    this.#isRefused = true;
    // Closing with unread bytes resets the connection, and the reason would be lost on the way.
    const remainingMs = Math.max(0, this.#dueAt - this.#clock.now());
    this.#timer = this.#clock.after(Math.min(lingerMs, remainingMs), () =>
      this.#connection.destroy(),
    );
    this.#connection.end();
    this.#outcome.reject(failure);
  }

  #expire(): void {
    if (this.#state === null) return;
    const expected = `expected ${awaited[this.#state.at]} within ${this.#timeoutMs} ms`;
    this.#apply(refuse("silent_peer", `${expected}, received ${this.#receivedBytes} bytes`));
  }
}

const tlsText = "received TLS, expected plain frames: both nodes need the same tls settings";

/** A record of a TLS handshake or alert. */
function isTls(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x16 || bytes[0] === 0x15) && bytes[1] === 0x03;
}
