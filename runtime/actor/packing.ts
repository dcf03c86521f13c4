import { addExtension, Packr, RESERVE_START_SPACE } from "msgpackr";
import { type Address, HERE } from "../core/index.ts";
import type { Kernel } from "./kernel.ts";
import { checkRecord, defineOddRecords, wrapOddRecords } from "./odd-record.ts";
import { ActorRef } from "./ref.ts";
import { defineWireTypes } from "./wire-types.ts";

/** The number of the MessagePack extension that carries a ref. */
const refExtension = 0x54;

/** Whose refs are being decoded; decoding is synchronous, so one is enough. */
let decodingFor: Kernel | null = null;
/** What stands for this node in the refs that are being encoded. */
let ownName = HERE;

defineWireTypes();
defineOddRecords();
addExtension({
  Class: ActorRef as never,
  type: refExtension,
  write: (ref: ActorRef): Address =>
    [ref.node === HERE ? ownName : ref.node, ref.thread, ref.id, ref.incarnation] as never,
  read([node, thread, id, incarnation]: [string, number, number, number]) {
    if (decodingFor === null) throw new TypeError("a ref was decoded outside of a link");
    const isHere = node === decodingFor.nodeName;
    return decodingFor.ref({ node: isHere ? HERE : node, thread, id, incarnation });
  },
});

/** Messages from this size on leave the encoder with a new buffer. */
const largeBytes = 1024 * 1024;
const bufferBytes = 64 * 1024;

const packr = new Packr({ moreTypes: true, useRecords: checkRecord, useBigIntExtension: true });

/**
 * Encodes a value for another thread or node. Format: MessagePack with msgpackr's records, so that
 * equal shapes name their keys once; refs, errors and odd records are extensions. `reserve` bytes (255 at most) are
 * left free at the start. The bytes are part of a buffer that others share; no later call touches
 * them. `nodeName` is the name of this node for a reader on another one.
 * @throws Error when something in it cannot be serialised (a cycle, a symbol, a function), or when
 *   all of it is too much for one buffer.
 */
export function pack(value: unknown, nodeName: string = HERE, reserve = 0): Buffer {
  ownName = nodeName;
  try {
    const bytes = encode(value, reserve === 0 ? 0 : RESERVE_START_SPACE + reserve);
    // It would go on with buffers of that size, of which the smallest message then holds one.
    if (bytes.length > largeBytes) packr.useBuffer(Buffer.allocUnsafeSlow(bufferBytes));
    return bytes;
  } finally {
    ownName = HERE;
  }
}

function encode(value: unknown, options: number): Buffer {
  try {
    return packr.pack(value, options);
  } catch (error) {
    const wrapped = wrapOddRecords(value);
    if (wrapped === value) throw error;
    return packr.pack(wrapped, options);
  }
}

/**
 * Decodes what {@link pack} made; refs become refs of `kernel`.
 * @throws Error for bytes that `pack` did not make.
 */
export function unpack(bytes: Uint8Array, kernel: Kernel): unknown {
  decodingFor = kernel;
  try {
    return packr.unpack(bytes);
  } finally {
    decodingFor = null;
  }
}
