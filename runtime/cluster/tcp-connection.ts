import type { Socket } from "node:net";
import { explainError, peerEnded } from "./connection-reason.ts";
import type { Connection, ConnectionHandler } from "./transport.ts";

/** A socket as a {@link Connection}. */
export class TcpConnection implements Connection {
  readonly peer: string;
  readonly #silentEnd: string;
  #socket: Socket;
  /** Whether `#socket` carries bytes; before that it stands for one that will. */
  #isReady = false;
  #handler: ConnectionHandler | null = null;
  #waiting: Uint8Array[] = [];
  #hasReceived = false;
  #isEnding = false;
  #hasToDrain = false;
  #failure: string | null = null;
  #closedReason: string | null = null;
  readonly #onWritten = (): void => this.#drain();

  /**
   * Until {@link carry} nothing is sent or heard, but the end of `socket` is that of the connection.
   * `silentEnd` is the reason when the other side ends without having said anything.
   */
  constructor(peer: string, socket: Socket, silentEnd: string = peerEnded) {
    this.peer = peer;
    this.#socket = socket;
    this.#silentEnd = silentEnd;
    socket.on("error", (error) => this.fail(explainError(error, socket)));
    // Whoever knows better why it ended, such as TLS, says so in the same turn.
    socket.once("close", () => setImmediate(() => this.#close(silentEnd)));
  }

  get bufferedBytes(): number {
    let bytes = this.#isReady ? this.#socket.writableLength : 0;
    for (const chunk of this.#waiting) bytes += chunk.length;
    return bytes;
  }

  /** From now on the bytes go over `socket`, the first one or one around it. */
  carry(socket: Socket): void {
    if (socket !== this.#socket) {
      socket.on("error", (error) => this.fail(explainError(error, socket)));
    }
    this.#socket = socket;
    this.#isReady = true;
    socket.once("end", () => this.fail(this.#hasReceived ? peerEnded : this.#silentEnd));
    socket.once("close", () => this.#close("closed by this side"));
    if (this.#handler !== null) this.#listen();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#push(waiting);
    if (this.#isEnding) socket.end();
  }

  handle(handler: ConnectionHandler): void {
    const isFirst = this.#handler === null;
    this.#handler = handler;
    const reason = this.#closedReason;
    if (reason !== null) queueMicrotask(() => handler.closed(reason));
    else if (isFirst && this.#isReady) this.#listen();
  }

  write(chunks: readonly Uint8Array[]): void {
    if (this.#closedReason !== null || this.#isEnding || chunks.length === 0) return;
    if (this.#isReady) this.#push(chunks);
    else this.#waiting.push(...chunks);
  }

  end(): void {
    this.#isEnding = true;
    if (this.#isReady) this.#socket.end();
  }

  destroy(): void {
    this.fail("closed by this side");
    this.#socket.destroy();
  }

  /** Keeps the first reason for the end that is on its way. */
  fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** It is over, for the reason that came first. */
  #close(reason: string): void {
    if (this.#closedReason !== null) return;
    this.#closedReason = this.#failure ?? reason;
    this.#waiting = [];
    this.#handler?.closed(this.#closedReason);
  }

  #push(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (!socket.writable || chunks.length === 0) return;
    const last = chunks.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(chunks[i] as Uint8Array);
    socket.write(chunks[last] as Uint8Array, this.#onWritten);
    if (last > 0) socket.uncork();
    if (socket.writableLength > 0) this.#hasToDrain = true;
  }

  #listen(): void {
    this.#socket.on("data", (bytes: Buffer) => {
      this.#hasReceived = true;
      this.#handler?.data(bytes);
    });
  }

  #drain(): void {
    if (!this.#hasToDrain || this.#socket.writableLength > 0) return;
    this.#hasToDrain = false;
    if (this.#closedReason === null && !this.#socket.destroyed) this.#handler?.drained();
  }
}
