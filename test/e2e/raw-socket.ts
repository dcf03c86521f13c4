import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { within } from "./deadline.ts";
import type { GatewayProcess } from "./gateway-process.ts";

/** A connection below WebSocket: for bytes that no client library would send. */
export class RawSocket {
  readonly socket: Socket;
  /** Everything that the server sent. */
  readonly received: Promise<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  #onBytes: (() => void) | null = null;

  constructor(gateway: GatewayProcess) {
    this.socket = connect(gateway.port, "127.0.0.1");
    // The server may hang up while something is being sent.
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#onBytes?.();
    });
    const closed = new Promise<Buffer>((resolve) => {
      this.socket.on("close", () => {
        this.#onBytes?.();
        resolve(this.#bytes);
      });
    });
    this.received = within(closed, "the server hangs up");
    this.received.catch(() => {});
  }

  /** A connection that has become a WebSocket. */
  static async upgraded(gateway: GatewayProcess): Promise<RawSocket> {
    const raw = new RawSocket(gateway);
    raw.socket.write(
      "GET /socket/websocket?vsn=2.0.0&user_id=raw HTTP/1.1\r\nHost: e2e\r\n" +
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    const head = await raw.until((bytes) => bytes.includes("\r\n\r\n"));
    if (!head.toString().startsWith("HTTP/1.1 101")) throw new Error(head.toString());
    raw.#bytes = raw.#bytes.subarray(head.indexOf("\r\n\r\n") + 4);
    return raw;
  }

  /** What has come, once it is enough. */
  async until(isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!isEnough(this.#bytes)) {
      if (this.socket.closed) throw new Error("the server hung up");
      const more = new Promise<void>((resolve) => {
        this.#onBytes = resolve;
      });
      await within(more, "bytes of the server");
    }
    return this.#bytes;
  }

  /** The code of the close frame with which the server ends; null when it sent none. */
  async closeCode(): Promise<number | null> {
    const bytes = await this.received;
    const at = bytes.indexOf(0x88);
    return at === -1 ? null : bytes.readUInt16BE(at + 2);
  }
}

/** The header of a masked text frame of `length` bytes (RFC 6455, section 5.2); the mask is zero. */
export function encodeHeader(length: number): Buffer {
  const header = Buffer.alloc(14);
  header[0] = 0x81;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
