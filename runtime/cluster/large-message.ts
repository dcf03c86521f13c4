import type { Kernel } from "../actor/index.ts";
import {
  type AttachedValue,
  attachmentSize,
  attachmentType,
  selectAttachmentType,
  withAttachments,
} from "./attachment.ts";
import { FrameError } from "./frame.ts";
import { decodeBatch } from "./node-codec.ts";
import type { NodeEnvelope } from "./node-envelope.ts";

/** Bytes that say how many attachments there are. */
const countBytes = 4;
/** Bytes that say of each attachment what it is and how long. */
const entryBytes = 5;

const textEncoder = new TextEncoder();

/**
 * A message that is too large for one frame, given out piece by piece. Its bytes are `u32 number of
 * attachments`, for each `u8 type, u32 bytes`, the batch, and the attachments in their order.
 * Attached bytes are not copied, and texts are encoded as they leave.
 */
export class LargeMessage {
  /** The length of the whole. */
  readonly bytes: number;
  #left: number;
  readonly #parts: (Uint8Array | string)[];
  /** How much of the first part was given out: bytes, or characters. */
  #taken = 0;

  /** `batch` is the payload of a batch with places for the attachments. */
  constructor(batch: Uint8Array, attachments: readonly AttachedValue[]) {
    const table = Buffer.allocUnsafe(countBytes + attachments.length * entryBytes);
    table.writeUInt32BE(attachments.length, 0);
    let bytes = table.length + batch.length;
    for (const [n, value] of attachments.entries()) {
      const length = Buffer.byteLength(value);
      const at = countBytes + n * entryBytes;
      table[at] = selectAttachmentType(value) ?? attachmentType.buffer;
      // One that is too long for the field is refused for its size, before it is sent.
      table.writeUInt32BE(length % 2 ** 32, at + 1);
      bytes += length;
    }
    this.bytes = bytes;
    this.#left = bytes;
    this.#parts = [table, batch, ...attachments];
  }

  /** Bytes that were not given out yet. */
  get left(): number {
    return this.#left;
  }

  /** The next bytes, `maxBytes` at most and a few less where a character would be divided. */
  next(maxBytes: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let room = maxBytes;
    while (this.#parts.length > 0) {
      const piece = this.#nextPiece(room);
      if (piece.length === 0) break;
      pieces.push(piece);
      room -= piece.length;
    }
    this.#left -= maxBytes - room;
    return pieces;
  }

  #nextPiece(room: number): Uint8Array {
    const part = this.#parts[0] as Uint8Array | string;
    const start = this.#taken;
    const piece =
      typeof part === "string" ? this.#encodeText(part, room) : part.subarray(start, start + room);
    if (typeof part !== "string") this.#taken += piece.length;
    if (this.#taken === part.length) {
      this.#parts.shift();
      this.#taken = 0;
    }
    return piece;
  }

  #encodeText(text: string, room: number): Uint8Array {
    const target = Buffer.allocUnsafe(room);
    // A slice of `room` characters never ends within the bytes that are written: where it divides a
    // character, there is no room for the first half.
    const { read, written } = textEncoder.encodeInto(
      text.slice(this.#taken, this.#taken + room),
      target,
    );
    this.#taken += read;
    return target.subarray(0, written);
  }
}

/**
 * The envelopes of a large message that has come whole. Attached bytes are views of it.
 * @throws FrameError `malformed`.
 */
export function decodeLarge(whole: Buffer, kernel: Kernel): readonly NodeEnvelope[] {
  const count = whole.length < countBytes ? 0 : whole.readUInt32BE(0);
  const tableBytes = countBytes + count * entryBytes;
  if (whole.length < tableBytes) {
    const text = `a message of ${whole.length} bytes: expected ${count} attachments`;
    throw new FrameError("malformed", text);
  }
  let end = whole.length;
  const values: AttachedValue[] = [];
  // From the last to the first: what is left between the table and them is the batch.
  for (let n = count - 1; n >= 0; n -= 1) {
    const at = countBytes + n * entryBytes;
    const bytes = whole.readUInt32BE(at + 1);
    const start = end - bytes;
    // The lower bound keeps their number in proportion to the message.
    if (bytes < attachmentSize || start < tableBytes) {
      const text = `attachment: expected ${attachmentSize} to ${end - tableBytes} bytes`;
      throw new FrameError("malformed", `${text}, received ${bytes}`);
    }
    values[n] = attachedValue(whole[at] as number, whole.subarray(start, end));
    end = start;
  }
  return withAttachments(values, () => decodeBatch(whole.subarray(tableBytes, end), kernel));
}

function attachedValue(type: number, bytes: Buffer): AttachedValue {
  switch (type) {
    case attachmentType.buffer:
      return bytes;
    case attachmentType.bytes:
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    case attachmentType.text:
      return bytes.toString("utf8");
    default:
      throw new FrameError("malformed", `type of attachment: expected 0 to 2, received ${type}`);
  }
}
