import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** One for all: what was read is gone through before anything else is read. */
const input = Buffer.allocUnsafeSlow(256 * 1_024);

/**
 * A client's side of a WebSocket (RFC 6455) with next to nothing in it, so that ten thousand of them
 * fit into a process. Takes whole text frames; others count as the end of the connection.
 */
export class RelaySocket {
  /** Told the payload of each text; the bytes are good until it returns. */
  onText: (payload: Buffer) => void = () => {};
  /** Told once when the connection is gone, unless this side ended it. */
  onEnd: (why: string) => void = () => {};
  readonly #net: Socket;
  readonly #opened: PromiseWithResolvers<void> = Promise.withResolvers();
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer | null = null;
  #isOpen = false;
  #isCorked = false;

  private constructor(port: number, path: string) {
    const callback = (bytes: number): boolean => {
      this.#take(input.subarray(0, bytes));
      return true;
    };
    const onread = { buffer: input, callback };
    this.#net = connect({ host: "127.0.0.1", port, noDelay: true, onread });
    this.#net.on("error", (error) => this.#fail(error.message));
    this.#net.on("close", () => this.#fail("closed"));
    const key = randomBytes(16).toString("base64");
    this.#net.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  }

  /** Connects, and resolves when texts may be sent. */
  static async open(port: number, path: string): Promise<RelaySocket> {
    const socket = new RelaySocket(port, path);
    await socket.#opened.promise;
    return socket;
  }

  /** What is sent in answer to one read leaves in one write. `frame` is {@link encodeText}'s. */
  send(frame: Buffer): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#net.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#net.uncork();
      });
    }
    this.#net.write(frame);
  }

  close(): void {
    this.onEnd = () => {};
    this.#net.destroy();
  }

  #fail(why: string): void {
    this.#opened.reject(new Error(why));
    this.onEnd(why);
    this.close();
  }

  #take(read: Buffer): void {
    const bytes = this.#rest === null ? read : Buffer.concat([this.#rest, read]);
    let at = this.#isOpen ? 0 : this.#takeUpgrade(bytes);
    while (bytes.length - at >= 2) {
      const code = bytes[at + 1] ?? 0;
      const start = at + (code < 126 ? 2 : code === 126 ? 4 : 10);
      if (bytes.length < start) break;
      const length =
        code < 126 ? code : code === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
      if (bytes.length < start + length) break;
      if (bytes[at] !== 0x81) {
        this.#fail(`a frame that begins with byte ${bytes[at]}`);
        return;
      }
      this.onText(bytes.subarray(start, start + length));
      at = start + length;
    }
    this.#rest = at === bytes.length ? null : Buffer.from(bytes.subarray(at));
  }

  /** Where the first frame begins; 0 as long as the answer to the upgrade is not whole. */
  #takeUpgrade(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const status = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
    if (!status.startsWith("HTTP/1.1 101 ")) this.#fail(status);
    this.#isOpen = true;
    this.#opened.resolve();
    return end + 4;
  }
}

/** A text as a masked frame, as clients send it. @throws RangeError over 65,535 bytes. */
export function encodeText(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 0xffff) throw new RangeError(`a text of ${payload.length} bytes`);
  const mask = randomBytes(4);
  const isShort = payload.length < 126;
  const header = Buffer.alloc(isShort ? 2 : 4);
  header[0] = 0x81;
  header[1] = 0x80 | (isShort ? payload.length : 126);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([header, mask, masked]);
}
