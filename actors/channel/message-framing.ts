/**
 * WebSocket framing of what a server sends (RFC 6455, section 5.2): unmasked, unfragmented data
 * frames, so that all messages of a turn are one buffer and one write.
 */

/** A message as it is sent: text is a string, binary a Buffer. */
export type Message = string | Buffer;

const finText = 0x81;
const finBinary = 0x82;

/** Lengths up to this one stand in the second byte. */
const shortLength = 125;
const length16 = 126;
const length64 = 127;
const maxLength16 = 0xffff;

/** The frames of `messages`, in order, in one buffer. */
export function encodeMessages(messages: readonly Message[]): Buffer {
  const lengths: number[] = [];
  let size = 0;
  for (const message of messages) {
    const length = typeof message === "string" ? Buffer.byteLength(message) : message.length;
    lengths.push(length);
    size += headerBytes(length) + length;
  }
  const frames = Buffer.allocUnsafe(size);
  let offset = 0;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i] as Message;
    const length = lengths[i] as number;
    offset = writeHeader(frames, offset, typeof message === "string" ? finText : finBinary, length);
    if (typeof message !== "string") frames.set(message, offset);
    // As many bytes as units: all ASCII, for which this is the faster way.
    else if (length === message.length) frames.write(message, offset, length, "latin1");
    else frames.write(message, offset, length, "utf8");
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
