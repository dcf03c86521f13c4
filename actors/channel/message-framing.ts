/**
 * WebSocket framing of what a server sends (RFC 6455, section 5.2): unmasked, unfragmented data
 * frames, so that all messages of a turn are one buffer and one write.
 */

/** A message as it is sent: text is a string, binary a Buffer. */
export type Message = string | Buffer;

/** Messages that are framed already, once for all the sockets that they are sent to. */
export class Framed {
  /** Not to be written to: sockets that have not been read yet share it. */
  readonly bytes: Buffer;
  readonly length: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.length = bytes.length;
  }
}

const finText = 0x81;
const finBinary = 0x82;

/** Lengths up to this one stand in the second byte. */
const shortLength = 125;
const length16 = 126;
const length64 = 127;
const maxLength16 = 0xffff;

/** Frames messages that several sockets are to be sent. */
export function frameMessages(messages: readonly Message[]): Framed {
  return new Framed(encodeMessages(messages));
}

/** Node writes up to 16 KiB of text without allocating memory for them. */
const maxTextLength = 16_000;

/**
 * The frames of `messages`, in order, as text to be written as "latin1": half the price of a buffer.
 * Null where it would not do: some are binary or framed already, not all is ASCII, or it is too long.
 */
export function encodeAsciiMessages(messages: readonly (Message | Framed)[]): string | null {
  let frames = "";
  let highUnits = 0;
  for (const message of messages) {
    if (typeof message !== "string") return null;
    const { length } = message;
    if (frames.length + length > maxTextLength) return null;
    if (length <= shortLength) {
      frames += String.fromCharCode(finText, length) + message;
      highUnits += 1;
    } else {
      frames += String.fromCharCode(finText, length16, length >> 8, length & 0xff) + message;
      highUnits += (length & 0x80) === 0 ? 1 : 2;
    }
  }
  // UTF-8 has a second byte for each unit over 0x7f: there are none but those of the headers.
  return Buffer.byteLength(frames) === frames.length + highUnits ? frames : null;
}

/** The frames of `messages`, in order, in one buffer; what is framed already is copied. */
export function encodeMessages(messages: readonly (Message | Framed)[]): Buffer {
  const lengths: number[] = [];
  let size = 0;
  for (const message of messages) {
    const length = typeof message === "string" ? Buffer.byteLength(message) : message.length;
    lengths.push(length);
    size += length;
    if (typeof message === "string" || !(message instanceof Framed)) size += headerBytes(length);
  }
  const frames = Buffer.allocUnsafe(size);
  let offset = 0;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as Message | Framed;
    const length = lengths[i] as number;
    if (typeof message === "string") {
      offset = writeHeader(frames, offset, finText, length);
      // As many bytes as units: all ASCII, for which this is the faster way.
      if (length === message.length) frames.write(message, offset, length, "latin1");
      else frames.write(message, offset, length, "utf8");
    } else if (message instanceof Framed) frames.set(message.bytes, offset);
    else {
      offset = writeHeader(frames, offset, finBinary, length);
      frames.set(message, offset);
    }
    offset += length;
  }
  return frames;
}

function headerBytes(length: number): number {
  if (length <= shortLength) return 2;
  return length <= maxLength16 ? 4 : 10;
}

/** Returns the offset behind the header. */
function writeHeader(frames: Buffer, offset: number, first: number, length: number): number {
  frames[offset] = first;
  if (length <= shortLength) {
    frames[offset + 1] = length;
    return offset + 2;
  }
  if (length <= maxLength16) {
    frames[offset + 1] = length16;
    return frames.writeUInt16BE(length, offset + 2);
  }
  frames[offset + 1] = length64;
  return frames.writeBigUInt64BE(BigInt(length), offset + 2);
}
