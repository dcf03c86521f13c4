import { type TroupeError, toErrorRecord } from "../core/index.ts";
import { encodeBatch, kind, type WireEnvelope } from "./wire.ts";

/**
 * What is sent in the place of an envelope that cannot be encoded; null when nothing is: the sender
 * of a tell or an ask is told here. Whoever waits at the other side must not wait for ever, and the
 * versions of a table must go on without a gap.
 */
export function selectSubstitute(envelope: WireEnvelope, error: TroupeError): WireEnvelope | null {
  switch (envelope[0]) {
    case kind.answer:
      return [kind.failure, envelope[1], toErrorRecord(error)];
    case kind.signal: {
      const [, id, signal] = envelope;
      if (!("reason" in signal)) return null;
      const { kind: reasonKind, message } = signal.reason;
      return [kind.signal, id, { ...signal, reason: { kind: reasonKind, message: `${message}` } }];
    }
    case kind.table: {
      const message = envelope[1];
      if ("snapshot" in message) {
        const entries = message.snapshot.entries.filter(([, value]) => isEncodable(value));
        return [kind.table, { ...message, snapshot: { ...message.snapshot, entries } }];
      }
      if (message.change.op !== "set") return null;
      // Readers on other threads must not go on with the value from before.
      return [kind.table, { ...message, change: { op: "delete", key: message.change.key } }];
    }
    default:
      return null;
  }
}

/** What of an envelope is named in the error. */
export function describeEnvelope(envelope: WireEnvelope): string {
  switch (envelope[0]) {
    case kind.tell:
    case kind.ask:
      return `the message ${envelope[2]}`;
    case kind.answer:
      return "the answer";
    case kind.table:
      return `a value of the table ${envelope[1].name}`;
    default:
      return "a signal";
  }
}

function isEncodable(value: unknown): boolean {
  try {
    encodeBatch([[kind.answer, 0, value]]);
    return true;
  } catch {
    return false;
  }
}
