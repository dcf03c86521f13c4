import { FrameError } from "./frame.ts";

/** Bytes of a large message that one chunk carries at most. */
export const chunkBytes: number = 64 * 1024;
/** Bytes before the data of a chunk: `u32 stream, u32 bytes of the whole message`. */
export const chunkHeaderBytes = 8;
/** Large messages that may be under way at a time in one direction. */
export const maxStreams = 64;

/** What has come of one large message. */
interface Stream {
  readonly whole: Buffer;
  filled: number;
}

/**
 * Puts large messages together from their chunks. What is under way is bounded: the messages
 * together are never larger than one may be, and never more than 64, so a peer that lies about
 * lengths costs no more than an honest one.
 */
export class Assembly {
  readonly #maxBytes: number;
  readonly #streams = new Map<number, Stream>();
  #reservedBytes = 0;

  /** `maxBytes`: the largest message that is taken, and all that are under way together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that the messages under way will have. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** How many messages have come in part. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /**
   * Takes the payload of a chunk; gives the message when it is whole.
   * @throws FrameError `malformed`, `oversized_frame` when it breaks the rules above.
   */
  take(payload: Buffer): Buffer | null {
    if (payload.length <= chunkHeaderBytes) {
      throw new FrameError("malformed", `chunk: expected data, received ${payload.length} bytes`);
    }
    const id = payload.readUInt32BE(0);
    const wholeBytes = payload.readUInt32BE(4);
    const dataBytes = payload.length - chunkHeaderBytes;
    const stream = this.#streams.get(id) ?? this.#open(id, wholeBytes);
    const { whole } = stream;
    if (whole.length !== wholeBytes) {
      const text = `length of message ${id}: expected ${whole.length} as before`;
      throw new FrameError("malformed", `${text}, received ${wholeBytes}`);
    }
    if (stream.filled + dataBytes > wholeBytes) {
      const text = `chunks of message ${id}: expected ${wholeBytes} bytes together`;
      throw new FrameError("malformed", `${text}, received more`);
    }
    payload.copy(whole, stream.filled, chunkHeaderBytes);
    stream.filled += dataBytes;
    if (stream.filled < wholeBytes) return null;
    this.#streams.delete(id);
    this.#reservedBytes -= wholeBytes;
    return whole;
  }

  #open(id: number, wholeBytes: number): Stream {
    if (wholeBytes > this.#maxBytes - this.#reservedBytes) {
      const text = `large messages under way: expected at most ${this.#maxBytes} bytes together`;
      const received = this.#reservedBytes + wholeBytes;
      throw new FrameError("oversized_frame", `${text}, received ${received}`);
    }
    if (this.#streams.size >= maxStreams) {
      throw new FrameError("malformed", `large messages under way: expected at most ${maxStreams}`);
    }
    // Memory that is reserved is not used before it is written: a lie costs address space.
    const stream = { whole: Buffer.allocUnsafeSlow(wholeBytes), filled: 0 };
    this.#streams.set(id, stream);
    this.#reservedBytes += wholeBytes;
    return stream;
  }
}
