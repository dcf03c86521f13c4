import type { Socket as NetSocket } from "node:net";
import type { WebSocket } from "ws";
import { encodeAsciiMessages, encodeMessages, Framed, type Message } from "./message-framing.ts";
import type { Outbox, Sender } from "./outbox.ts";

/** Who is told of a client that does not read what it is sent. */
export interface WriterOwner {
  /** So much waits that nothing more should be asked for. */
  onFull(): void;
  /** All of it has been taken, after `onFull`. */
  onEmptied(): void;
  /** There is room for more, after `hasRoom` was found false. */
  onRoom(): void;
  /** The client has not taken what it was told to take before; `unreadBytes` wait. */
  onTooSlow(unreadBytes: number): void;
}

/** With so many bytes that the client has not taken, its writer is full. */
const fullAtBytes = 1_048_576;
/**
 * With less than so many there is room for what can wait, such as the chunks of streams. They alone
 * never make a writer full, so that a client who is slow to read a stream can still stop it.
 */
const roomBytes = 262_144;
/** A client that still has more than so many to take when there is more to send is too slow. */
const tooSlowAtBytes = 16_777_216;

/**
 * Writes the messages of one socket, those of a turn together. It frames them itself and goes past
 * the WebSocket to its connection: one system call, however many messages.
 */
export class Writer implements Sender {
  readonly #owner: WriterOwner;
  readonly #outbox: Outbox;
  readonly #ws: WebSocket;
  readonly #net: NetSocket;
  /** What this turn has sent so far. */
  #unsent: (Message | Framed)[] | null = null;
  /** Their length, which is about that many bytes. */
  #unsentLength = 0;
  /** Set from the moment when no room was found until there is some. */
  #wantsRoom = false;
  #awaitsDrain = false;
  /** Set between `onFull` and `onEmptied`. */
  isFull = false;

  constructor(owner: WriterOwner, outbox: Outbox, ws: WebSocket, net: NetSocket) {
    this.#owner = owner;
    this.#outbox = outbox;
    this.#ws = ws;
    this.#net = net;
  }

  /** Bytes that were sent and that the client has not taken. */
  get unreadBytes(): number {
    return this.#unsentLength + this.#net.writableLength;
  }

  /** Whether something that can wait need not; when it is to wait, `onRoom` is called later. */
  hasRoom(): boolean {
    if (this.unreadBytes < roomBytes) return true;
    this.#wantsRoom = true;
    if (this.#unsent === null) this.#awaitDrain();
    return false;
  }

  /** Sends a message, or several that are framed already, at the end of the turn. */
  send(message: Message | Framed): void {
    this.#unsentLength += message.length;
    if (this.#unsent === null) {
      this.#unsent = [message];
      this.#outbox.add(this);
    } else this.#unsent.push(message);
  }

  flush(): void {
    const messages = this.#unsent;
    if (messages === null) return;
    this.#unsent = null;
    this.#unsentLength = 0;
    // Behind a close frame nothing may follow.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const net = this.#net;
    if (net.writableLength > tooSlowAtBytes) {
      this.#owner.onTooSlow(net.writableLength);
      return;
    }
    this.#write(messages);
    if (net.writableLength >= fullAtBytes && !this.isFull) {
      this.isFull = true;
      this.#awaitDrain();
      this.#owner.onFull();
    }
    if (!this.#wantsRoom) return;
    if (net.writableLength < roomBytes) this.#tellRoom();
    else this.#awaitDrain();
  }

  #write(messages: readonly (Message | Framed)[]): void {
    const net = this.#net;
    const first = messages[0];
    // What many sockets are sent is one buffer for all of them.
    if (messages.length === 1 && first instanceof Framed) {
      net.write(first.bytes);
      return;
    }
    const text = encodeAsciiMessages(messages);
    if (text === null) net.write(encodeMessages(messages));
    else net.write(text, "latin1");
  }

  /** So much waits that the connection will say when it has been taken. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#net.once("drain", () => {
      this.#awaitsDrain = false;
      const wasFull = this.isFull;
      this.isFull = false;
      if (wasFull) this.#owner.onEmptied();
      this.#tellRoom();
    });
  }

  #tellRoom(): void {
    if (!this.#wantsRoom) return;
    this.#wantsRoom = false;
    this.#owner.onRoom();
  }
}
