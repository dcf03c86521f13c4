import type { Socket as NetSocket } from "node:net";
import type { WebSocket } from "ws";
import { encodeMessages, type Message } from "./message-framing.ts";
import type { Outbox, Sender } from "./outbox.ts";

/** Who is told of a client that does not read what it is sent. */
export interface WriterOwner {
  /** So much waits that nothing more should be asked for. */
  onFull(): void;
  /** All of it has been taken, after `onFull`. */
  onEmptied(): void;
  /** The client has not taken what it was told to take before; `unreadBytes` wait. */
  onTooSlow(unreadBytes: number): void;
}

/** With so many bytes that the client has not taken, its writer is full. */
const fullAtBytes = 1_048_576;
/** A client that still has more than so many to take when there is more to send is too slow. */
const tooSlowAtBytes = 16_777_216;

/**
 * Writes the messages of one socket, those of a turn together. It frames them itself and goes past
 * the WebSocket to its connection: one buffer and one system call, however many messages.
 */
export class Writer implements Sender {
  readonly #owner: WriterOwner;
  readonly #outbox: Outbox;
  readonly #ws: WebSocket;
  readonly #net: NetSocket;
  /** What this turn has sent so far. */
  #unsent: Message[] | null = null;
  /** Set between `onFull` and `onEmptied`. */
  isFull = false;

  constructor(owner: WriterOwner, outbox: Outbox, ws: WebSocket, net: NetSocket) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#ws = ws;
    this.#net = net;
  }

  /** Sends a message at the end of the turn. */
  send(message: Message): void {
    if (this.#unsent === null) {
      this.#unsent = [message];
      this.#outbox.add(this);
    } else this.#unsent.push(message);
  }

  flush(): void {
    const messages = this.#unsent;
    if (messages === null) return;
    this.#unsent = null;
    // Behind a close frame nothing may follow.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const net = this.#net;
    if (net.writableLength > tooSlowAtBytes) {
      this.#owner.onTooSlow(net.writableLength);
      return;
    }
    net.write(encodeMessages(messages));
    if (net.writableLength < fullAtBytes || this.isFull) return;
    this.isFull = true;
    this.#owner.onFull();
    net.once("drain", () => {
      this.isFull = false;
      this.#owner.onEmptied();
    });
  }
}
