import { ActorRef, type SystemSignal } from "../actor/index.ts";
import type { ErrorRecord } from "../core/index.ts";
import { FrameError } from "./frame.ts";

/** The kinds of envelope between nodes; the first element of each. */
export const nodeKind = {
  tell: 0,
  ask: 1,
  answer: 2,
  failure: 3,
  cancel: 4,
  signal: 5,
  hello: 6,
} as const;

/**
 * What travels between nodes. `thread`, `incarnation` and `id` are the address at the receiving
 * node; `askId` is the asking side's number, `remainingMs` what is left until its deadline.
 */
export type NodeEnvelope =
  | readonly [
      typeof nodeKind.tell,
      thread: number,
      incarnation: number,
      id: number,
      method: string,
      args: readonly unknown[],
    ]
  | readonly [
      typeof nodeKind.ask,
      thread: number,
      incarnation: number,
      id: number,
      method: string,
      args: readonly unknown[],
      askId: number,
      remainingMs: number,
    ]
  | readonly [typeof nodeKind.answer, askId: number, value: unknown]
  | readonly [typeof nodeKind.failure, askId: number, error: ErrorRecord]
  | readonly [typeof nodeKind.cancel, askId: number]
  | readonly [
      typeof nodeKind.signal,
      thread: number,
      incarnation: number,
      id: number,
      signal: SystemSignal,
    ]
  /** The first from the side that accepted: the address of its peer agent. */
  | readonly [typeof nodeKind.hello, agent: ActorRef];

/** Bytes or characters from which an argument or answer is encoded apart from others. */
const largeSize = 48 * 1024;
/** Elements from which a list is. */
const largeCount = 2_048;
/** Fields of an object that are looked at. */
const largeFields = 16;

/**
 * Checks what was decoded, as far as whoever takes it relies on it.
 * @throws FrameError `malformed` that names the field.
 */
export function parseEnvelope(value: unknown): NodeEnvelope {
  if (!Array.isArray(value)) throw malformed("envelope", "a list", value);
  const fields: readonly unknown[] = value;
  switch (fields[0]) {
    case nodeKind.tell:
    case nodeKind.ask:
      checkAddress(fields);
      if (typeof fields[4] !== "string") throw malformed("method", "a string", fields[4]);
      if (!Array.isArray(fields[5])) throw malformed("args", "a list", fields[5]);
      if (fields[0] === nodeKind.tell) break;
      checkNumber("askId", fields[6]);
      checkNumber("remainingMs", fields[7]);
      break;
    case nodeKind.answer:
    case nodeKind.cancel:
      checkNumber("askId", fields[1]);
      break;
    case nodeKind.failure:
      checkNumber("askId", fields[1]);
      checkObject("error", fields[2], "message");
      break;
    case nodeKind.signal:
      checkAddress(fields);
      checkSignal(fields[4]);
      break;
    case nodeKind.hello:
      checkRef("agent", fields[1]);
      break;
    default:
      throw malformed("kind of envelope", "0 to 6", fields[0]);
  }
  return value as unknown as NodeEnvelope;
}

/** The actor at the other node that an envelope goes to; null where order does not matter. */
export function selectTarget(envelope: NodeEnvelope): string | null {
  switch (envelope[0]) {
    case nodeKind.tell:
    case nodeKind.ask:
    case nodeKind.signal:
      return `${envelope[1]}.${envelope[3]}`;
    default:
      return null;
  }
}

/** What of an envelope is named in an error or a log line. */
export function describeNodeEnvelope(envelope: NodeEnvelope): string {
  switch (envelope[0]) {
    case nodeKind.tell:
    case nodeKind.ask:
      return `the message ${envelope[4]}`;
    case nodeKind.answer:
      return "the answer";
    default:
      return "a signal";
  }
}

/** Whether an envelope is a tell or an ask: a message, which may be refused. */
export function isMessageEnvelope(envelope: NodeEnvelope): boolean {
  return envelope[0] === nodeKind.tell || envelope[0] === nodeKind.ask;
}

const noArgs: readonly unknown[] = [];

/**
 * What is kept of envelopes whose bytes wait, to tell of those that are never sent: tells and asks,
 * without their arguments, which would cost the memory once more.
 */
export function selectUnsentForm(envelopes: readonly NodeEnvelope[]): NodeEnvelope[] {
  const kept: NodeEnvelope[] = [];
  for (const envelope of envelopes) {
    if (envelope[0] === nodeKind.tell) {
      const [kind, thread, incarnation, id, method] = envelope;
      kept.push([kind, thread, incarnation, id, method, noArgs]);
    } else if (envelope[0] === nodeKind.ask) {
      const [kind, thread, incarnation, id, method, , askId, remainingMs] = envelope;
      kept.push([kind, thread, incarnation, id, method, noArgs, askId, remainingMs]);
    }
  }
  return kept;
}

/** Whether an envelope is large, as far as can be told without looking far into its values. */
export function isLargeEnvelope(envelope: NodeEnvelope): boolean {
  try {
    if (envelope[0] === nodeKind.answer) return isLarge(envelope[2]) || hasLargeField(envelope[2]);
    if (envelope[0] !== nodeKind.tell && envelope[0] !== nodeKind.ask) return false;
    const args = envelope[5];
    for (let i = 0; i < args.length; i += 1) {
      if (isLarge(args[i]) || hasLargeField(args[i])) return true;
    }
    return false;
  } catch {
    // Values are anybody's: a Proxy may throw when it is looked at. The encoder will say so.
    return false;
  }
}

function isLarge(value: unknown): boolean {
  if (typeof value === "string") return value.length >= largeSize;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.length >= largeCount;
  return ArrayBuffer.isView(value) && value.byteLength >= largeSize;
}

function hasLargeField(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value.constructor !== Object) return false;
  let fields = 0;
  for (const key in value) {
    fields += 1;
    if (fields > largeFields) return false;
    if (isLarge((value as Record<string, unknown>)[key])) return true;
  }
  return false;
}

function checkAddress(fields: readonly unknown[]): void {
  checkNumber("thread", fields[1]);
  checkNumber("incarnation", fields[2]);
  checkNumber("id", fields[3]);
}

function checkNumber(field: string, value: unknown): void {
  // Deadlines may be Infinity; NaN would compare as neither over nor not.
  if (typeof value !== "number" || Number.isNaN(value)) throw malformed(field, "a number", value);
}

function checkSignal(value: unknown): void {
  checkObject("signal", value, "type");
  const { type, watcher, peer, ref, reason, origin, shutdownMs } = value as Record<string, unknown>;
  switch (type) {
    case "stop":
    case "kill":
      checkObject("reason", reason, "kind");
      checkObject("reason", reason, "message");
      if (shutdownMs !== undefined) checkNumber("shutdownMs", shutdownMs);
      break;
    case "watch":
    case "unwatch":
      checkRef("watcher", watcher);
      break;
    case "link":
    case "unlink":
      checkRef("peer", peer);
      break;
    case "terminated":
    case "exit":
      checkRef("ref", ref);
      checkObject("reason", reason, "kind");
      checkObject("reason", reason, "message");
      if (origin !== undefined) checkRef("origin", origin);
      break;
    default:
      throw malformed("type of signal", "a known one", type);
  }
}

function checkRef(field: string, value: unknown): void {
  if (!(value instanceof ActorRef)) throw malformed(field, "a ref", value);
}

function checkObject(field: string, value: unknown, key: string): void {
  const object = value as Record<string, unknown> | null | undefined;
  if (typeof object === "object" && typeof object?.[key] === "string") return;
  throw malformed(field, `an object with the text ${key}`, value);
}

function malformed(field: string, expected: string, value: unknown): FrameError {
  const received = value === null ? "null" : typeof value;
  return new FrameError("malformed", `${field}: expected ${expected}, received ${received}`);
}
