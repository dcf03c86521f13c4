import type { Kernel } from "../actor/index.ts";
import { TroupeError, toErrorRecord } from "../core/index.ts";
import { detachLarge } from "./attachment.ts";
import { frameHeaderBytes } from "./frame.ts";
import { LargeMessage } from "./large-message.ts";
import { encodeBatchFrame } from "./node-codec.ts";
import { describeNodeEnvelope, type NodeEnvelope, nodeKind } from "./node-envelope.ts";

/** A batch is sent in one frame up to this size: 64 KiB fit with what surrounds them. */
export const maxFrameBytes: number = 72 * 1024;

/** One envelope, encoded alone. */
export interface EncodedAlone {
  /** What is sent: a frame, or a message that is too large for one; null when nothing is. */
  readonly message: Buffer | LargeMessage | null;
  /** Why the envelope itself could not be sent; null when it is. */
  readonly error: TroupeError | null;
}

/**
 * Encodes one envelope. In the place of one that cannot be encoded, or is larger than
 * `maxMessageBytes`, something else is sent where someone at the other side waits for it: an answer
 * becomes a failure, a signal loses its details.
 */
export function encodeAlone(
  envelope: NodeEnvelope,
  kernel: Kernel,
  maxMessageBytes: number,
): EncodedAlone {
  const what = describeNodeEnvelope(envelope);
  let error: TroupeError;
  try {
    const message = encodeMessage(envelope, kernel);
    const bytes = message instanceof LargeMessage ? message.bytes : message.length;
    if (bytes <= maxMessageBytes) return { message, error: null };
    const text = `${what} has ${bytes} bytes; at most ${maxMessageBytes} may go to another node`;
    error = new TroupeError("message_too_large", text);
  } catch (cause) {
    const text = `${what} cannot leave its node: ${toErrorRecord(cause).message}`;
    error = new TroupeError("not_serialisable", text, cause);
  }
  const substitute = selectNodeSubstitute(envelope, error);
  return { message: substitute === null ? null : encodeMessage(substitute, kernel), error };
}

function encodeMessage(envelope: NodeEnvelope, kernel: Kernel): Buffer | LargeMessage {
  const detached = detachLarge(envelope);
  const frame = encodeBatchFrame([detached.envelope], kernel);
  const { attachments } = detached;
  if (attachments.length === 0 && frame.length <= maxFrameBytes) return frame;
  return new LargeMessage(frame.subarray(frameHeaderBytes), attachments);
}

/** What is sent in the place of an envelope that cannot be; null when nothing is. */
function selectNodeSubstitute(envelope: NodeEnvelope, error: TroupeError): NodeEnvelope | null {
  switch (envelope[0]) {
    case nodeKind.answer:
    case nodeKind.failure: {
      const { name, code, message } = error;
      return [nodeKind.failure, envelope[1], { name, code, message }];
    }
    case nodeKind.signal: {
      const [kind, thread, incarnation, id, signal] = envelope;
      if (!("reason" in signal)) return null;
      const { kind: reasonKind, message } = signal.reason;
      const reason = { kind: reasonKind, message: `${message}`.slice(0, 1_024) };
      return [kind, thread, incarnation, id, { ...signal, reason }];
    }
    default:
      return null;
  }
}
