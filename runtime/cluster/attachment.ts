import { addExtension } from "msgpackr";
import { type NodeEnvelope, nodeKind } from "./node-envelope.ts";

/** Bytes or characters from which a value travels beside its message instead of within. */
export const attachmentSize: number = 256 * 1024;
/** Fields of an object that are looked at. */
const maxFields = 16;

/** What an attachment is at the other side. */
export const attachmentType = { buffer: 0, bytes: 1, text: 2 } as const;

/** A value that travels beside its message. */
export type AttachedValue = Buffer | Uint8Array | string;

/** The number of the MessagePack extension that stands for an attachment; the filler is its index. */
const slotExtension = 0x56;

/** What stands in the place of an attachment. */
class Slot {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/** The attachments of the message that is being decoded; decoding is synchronous. */
let attachedValues: readonly AttachedValue[] | null = null;

addExtension({
  Class: Slot as never,
  type: slotExtension,
  write: (slot: Slot) => slot.index as never,
  read(index: number): AttachedValue {
    const value = attachedValues?.[index];
    if (value === undefined) throw new TypeError("a message names an attachment that is not there");
    return value;
  },
});

/** Decodes with the attachments of a message at hand. */
export function withAttachments<T>(values: readonly AttachedValue[], decode: () => T): T {
  attachedValues = values;
  try {
    return decode();
  } finally {
    attachedValues = null;
  }
}

/** One of {@link attachmentType}, for a value that can be attached; undefined for any other. */
export function selectAttachmentType(value: unknown): number | undefined {
  if (typeof value === "string") return attachmentType.text;
  if (Buffer.isBuffer(value)) return attachmentType.buffer;
  const isBytes = value instanceof Uint8Array && value.constructor === Uint8Array;
  return isBytes ? attachmentType.bytes : undefined;
}

/** An envelope whose large values were taken out. */
export interface Detached {
  readonly envelope: NodeEnvelope;
  /** In the order of their places. */
  readonly attachments: readonly AttachedValue[];
}

/**
 * Takes large bytes and texts out of an envelope: the arguments, the answer, and fields of these.
 * They need not be copied then, nor encoded all at once, which would hold up the thread.
 */
export function detachLarge(envelope: NodeEnvelope): Detached {
  const attachments: AttachedValue[] = [];
  if (envelope[0] === nodeKind.answer) {
    const [kind, askId, value] = envelope;
    const detached = detachFields(value, attachments);
    if (attachments.length > 0) return { envelope: [kind, askId, detached], attachments };
  } else if (envelope[0] === nodeKind.tell || envelope[0] === nodeKind.ask) {
    const args = envelope[5].map((value) => detachFields(value, attachments));
    // The other fields are as before.
    const copy = envelope.with(5, args) as unknown as NodeEnvelope;
    if (attachments.length > 0) return { envelope: copy, attachments };
  }
  return { envelope, attachments };
}

function detachFields(value: unknown, attachments: AttachedValue[]): unknown {
  const detached = detachValue(value, attachments);
  if (detached !== value || !isPlainObject(value)) return detached;
  let copy: Record<string, unknown> | null = null;
  let fields = 0;
  for (const key in value) {
    fields += 1;
    if (fields > maxFields) break;
    const field = detachValue(value[key], attachments);
    if (field === value[key]) continue;
    copy ??= { ...value };
    copy[key] = field;
  }
  return copy ?? value;
}

function detachValue(value: unknown, attachments: AttachedValue[]): unknown {
  if (!isAttachable(value)) return value;
  attachments.push(value);
  return new Slot(attachments.length - 1);
}

function isAttachable(value: unknown): value is AttachedValue {
  const isText = typeof value === "string";
  if (!isText && (typeof value !== "object" || value === null)) return false;
  const { length } = value as { length?: unknown };
  if (typeof length !== "number" || length < attachmentSize) return false;
  return selectAttachmentType(value) !== undefined;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && value.constructor === Object;
}
