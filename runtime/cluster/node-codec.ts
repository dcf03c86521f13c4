import { type Kernel, pack, unpack } from "../actor/index.ts";
import { HERE, toErrorRecord } from "../core/index.ts";
import { FrameError, frameHeaderBytes, frameKind, writeFrameHeader } from "./frame.ts";
import { type NodeEnvelope, parseEnvelope } from "./node-envelope.ts";

/**
 * The whole frame of envelopes that leave together. Refs of this node are written with its name.
 * @throws Error when something in it cannot be serialised.
 */
export function encodeBatchFrame(batch: readonly NodeEnvelope[], kernel: Kernel): Buffer {
  const frame = pack(batch, kernel.nodeName ?? HERE, frameHeaderBytes);
  writeFrameHeader(frame, frameKind.batch, frame.length - frameHeaderBytes);
  return frame;
}

/**
 * The envelopes of a payload; refs become refs of `kernel`. Bytes in messages are views of the
 * payload.
 * @throws FrameError `malformed` for what {@link encodeBatchFrame} did not make.
 */
export function decodeBatch(payload: Uint8Array, kernel: Kernel): readonly NodeEnvelope[] {
  let batch: unknown;
  try {
    batch = unpack(payload, kernel);
  } catch (cause) {
    const { message } = toErrorRecord(cause);
    throw new FrameError("malformed", `a batch cannot be decoded: ${message}`, cause);
  }
  if (!Array.isArray(batch)) {
    throw new FrameError("malformed", `batch: expected a list, received ${typeof batch}`);
  }
  for (const envelope of batch) parseEnvelope(envelope);
  return batch;
}
