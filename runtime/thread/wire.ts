import { type Kernel, pack, type SystemSignal, type TableMessage, unpack } from "../actor/index.ts";
import type { ErrorRecord } from "../core/index.ts";

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

/** What travels between threads. */
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

/** Below this size a batch is posted as a string, which the platform copies faster than bytes. */
const stringLimitBytes = 4_096;

/** What a batch looks like on a port. */
export type EncodedBatch = string | Uint8Array<ArrayBuffer>;

/** Encodes envelopes of one turn together. @throws Error as `pack` does. */
export function encodeBatch(batch: readonly WireEnvelope[]): EncodedBatch {
  const bytes = pack(batch);
  // A copy of the exact size: the packer's own buffer is shared by many batches.
  return bytes.length < stringLimitBytes ? bytes.toString("latin1") : new Uint8Array(bytes);
}

/** The size of a batch on its way, bytes. */
export function batchBytes(batch: EncodedBatch): number {
  return batch.length;
}

/** Decodes what {@link encodeBatch} made; refs become refs of `kernel`. */
export function decodeBatch(encoded: EncodedBatch, kernel: Kernel): WireEnvelope[] {
  const bytes = typeof encoded === "string" ? Buffer.from(encoded, "latin1") : encoded;
  return unpack(bytes, kernel) as WireEnvelope[];
}
