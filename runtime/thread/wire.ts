import { addExtension, Packr } from "msgpackr";
import { ActorRef, type Kernel, type SystemSignal, type TableMessage } from "../actor/index.ts";
import type { Address, ErrorRecord } from "../core/index.ts";
import { defineWireTypes } from "./wire-types.ts";

/** The kinds of envelope; the first element of each. */
export const kind = {
  tell: 0,
  ask: 1,
  answer: 2,
  failure: 3,
  cancel: 4,
  signal: 5,
  table: 6,
  hello: 7,
} as const;

/** What travels between threads (and, in the same form, between nodes). */
export type WireEnvelope =
  | readonly [typeof kind.tell, id: number, method: string, args: readonly unknown[]]
  | readonly [
      typeof kind.ask,
      id: number,
      method: string,
      args: readonly unknown[],
      askId: number,
      remainingMs: number,
    ]
  | readonly [typeof kind.answer, askId: number, value: unknown]
  | readonly [typeof kind.failure, askId: number, error: ErrorRecord]
  | readonly [typeof kind.cancel, askId: number]
  | readonly [typeof kind.signal, id: number, signal: SystemSignal]
  | readonly [typeof kind.table, message: TableMessage]
  | readonly [typeof kind.hello];

/** The number of the MessagePack extension that carries a ref. */
const refExtension = 0x54;

/** Whose refs are being decoded; decoding is synchronous, so one is enough. */
let decodingFor: Kernel | null = null;

defineWireTypes();
addExtension({
  Class: ActorRef as never,
  type: refExtension,
  write: (ref: ActorRef): Address => [ref.node, ref.thread, ref.id, ref.incarnation] as never,
  read([node, thread, id, incarnation]: [number, number, number, number]) {
    if (decodingFor === null) throw new TypeError("a ref was decoded outside of a link");
    return decodingFor.ref({ node, thread, id, incarnation });
  },
});

/** Below this size a batch is posted as a string, which the platform copies faster than bytes. */
const stringLimitBytes = 4_096;

/** What a batch looks like on a port. */
export type EncodedBatch = string | Uint8Array<ArrayBuffer>;

const packr = new Packr({ moreTypes: true, useRecords: true, useBigIntExtension: true });

/**
 * Encodes envelopes of one turn together. Format: MessagePack with msgpackr's records, so that
 * equal shapes in a batch name their keys once; refs and errors are extensions.
 * @throws Error when something in it cannot be serialised (a cycle, a symbol, a function), or when
 *   all of it is too much for one buffer.
 */
export function encodeBatch(batch: readonly WireEnvelope[]): EncodedBatch {
  const bytes = packr.pack(batch);
  // A copy of the exact size: the packer's own buffer is shared by many batches.
  return bytes.length < stringLimitBytes ? bytes.toString("latin1") : new Uint8Array(bytes);
}

/** The size of a batch on its way, bytes. */
export function batchBytes(batch: EncodedBatch): number {
  return batch.length;
}

/** Decodes what {@link encodeBatch} made; refs become refs of `kernel`. */
export function decodeBatch(encoded: EncodedBatch, kernel: Kernel): WireEnvelope[] {
  decodingFor = kernel;
  try {
    return packr.unpack(typeof encoded === "string" ? Buffer.from(encoded, "latin1") : encoded);
  } finally {
    decodingFor = null;
  }
}
