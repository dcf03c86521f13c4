import { TroupeError } from "../core/index.ts";

/**
 * The kinds of frame. On the wire a frame is `u32 big-endian length of the rest, u8 kind, payload`.
 * - `handshake`: a message of the handshake, before all others.
 * - `batch`: envelopes that left together.
 * - `chunk`: a part of a batch that is too large for one frame.
 * - `ping`, `pong`: eight bytes that come back as they are.
 * - `bye`: the last of all; why the sender goes, as text.
 * - `taken`: how many bytes of chunks have arrived since the last one, a u32.
 */
export const frameKind = {
  handshake: 1,
  batch: 2,
  chunk: 3,
  ping: 4,
  pong: 5,
  bye: 6,
  taken: 7,
} as const;

/** One of {@link frameKind}. */
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

/** Bytes before the payload of a frame. */
export const frameHeaderBytes = 5;

/** The longest payload on an established connection; a longer one ends the connection. */
export const maxPayloadBytes: number = 128 * 1024;

/** What came is not a frame of this protocol, or a longer one than is taken. */
export class FrameError extends TroupeError {
  declare readonly code: "malformed" | "oversized_frame";

  constructor(code: "malformed" | "oversized_frame", message: string, cause?: unknown) {
    super(code, message, cause);
    this.name = "FrameError";
  }
}

/** Writes the header over the first five bytes of `frame`, whose payload is all that follows. */
export function writeFrameHeader(frame: Buffer, kind: FrameKind, payloadBytes: number): void {
  frame.writeUInt32BE(payloadBytes + 1, 0);
  frame[4] = kind;
}

/** A frame around a copy of `payload`. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHeader(frame, kind, payload.length);
  frame.set(payload, frameHeaderBytes);
  return frame;
}

/** Takes a frame; true to go on with the next one. */
export type TakeFrame = (kind: FrameKind, payload: Buffer) => boolean;

const nothing: Buffer = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into frames. A frame that lies whole in the bytes that came is a view of
 * them; one that came in pieces is put together in a buffer of its own, which is made only when its
 * length is known to be allowed: a decoder never holds more than one payload.
 */
export class FrameDecoder {
  readonly #maxPayloadBytes: number;
  readonly #header: Buffer = Buffer.alloc(frameHeaderBytes);
  #headerFilled = 0;
  /** The payload that is being put together; null between frames and within a header. */
  #payload: Buffer | null = null;
  #payloadFilled = 0;

  /** Frames with a payload of more than `payloadBytes` are refused, from their header alone. */
  constructor(payloadBytes: number = maxPayloadBytes) {
    this.#maxPayloadBytes = payloadBytes;
  }

  /** Bytes of a frame that has not come whole. */
  get pendingBytes(): number {
    return this.#headerFilled + this.#payloadFilled;
  }

  /**
   * Takes the next bytes and calls `take` for each frame that is whole. Gives back the bytes behind
   * the frame at which `take` said to stop, empty otherwise.
   * @throws FrameError `malformed` for a length of 0 or an unknown kind, `oversized_frame`. The
   *   stream cannot be taken up again after that.
   */
  push(bytes: Uint8Array, take: TakeFrame): Buffer {
    const source = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < source.length) {
      if (this.#headerFilled > 0 || source.length - at < frameHeaderBytes) {
        at += this.#fill(source, at);
        if (this.#payload === null || this.#payloadFilled < this.#payload.length) continue;
        const kind = this.#header[4] as FrameKind;
        const payload = this.#payload;
        this.#reset();
        if (!take(kind, payload)) return source.subarray(at);
        continue;
      }
      const payloadBytes = this.#check(source, at);
      const payloadAt = at + frameHeaderBytes;
      if (source.length - payloadAt < payloadBytes) {
        at += this.#fill(source, at);
        continue;
      }
      const kind = source[at + 4] as FrameKind;
      at = payloadAt + payloadBytes;
      if (!take(kind, source.subarray(payloadAt, at))) return source.subarray(at);
    }
    return nothing;
  }

  /** Copies what belongs to the frame that is not whole; how many bytes that were. */
  #fill(source: Buffer, at: number): number {
    if (this.#payload === null) {
      const end = Math.min(source.length, at + frameHeaderBytes - this.#headerFilled);
      source.copy(this.#header, this.#headerFilled, at, end);
      this.#headerFilled += end - at;
      // A wrong length is refused as soon as it is there, before the kind has come.
      if (this.#headerFilled >= 4) this.#checkLength(this.#header.readUInt32BE(0));
      if (this.#headerFilled === frameHeaderBytes) {
        this.#payload = Buffer.allocUnsafeSlow(this.#check(this.#header, 0));
      }
      return end - at;
    }
    const end = Math.min(source.length, at + this.#payload.length - this.#payloadFilled);
    source.copy(this.#payload, this.#payloadFilled, at, end);
    this.#payloadFilled += end - at;
    return end - at;
  }

  /** The length of the payload behind the header at `at`. */
  #check(source: Buffer, at: number): number {
    const payloadBytes = this.#checkLength(source.readUInt32BE(at));
    const kind = source[at + 4] as number;
    if (kind < frameKind.handshake || kind > frameKind.taken) {
      throw new FrameError("malformed", `kind of frame: expected 1 to 7, received ${kind}`);
    }
    return payloadBytes;
  }

  #checkLength(length: number): number {
    if (length === 0) {
      throw new FrameError("malformed", "length of a frame: expected 1 or more, received 0");
    }
    if (length - 1 > this.#maxPayloadBytes) {
      const text = `payload of a frame: expected at most ${this.#maxPayloadBytes} bytes`;
      throw new FrameError("oversized_frame", `${text}, received ${length - 1}`);
    }
    return length - 1;
  }

  #reset(): void {
    this.#headerFilled = 0;
    this.#payload = null;
    this.#payloadFilled = 0;
  }
}
