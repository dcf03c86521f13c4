/**
 * A message of the Phoenix Channels protocol, whatever its serialization, and what makes it valid.
 */

/** One message between a client and a channel. */
export interface Frame {
  /** The ref of the join that this message belongs to; null where the sender names none. */
  readonly joinRef: string | null;
  /** What a reply repeats; null when none is wanted, and on every message that the server starts. */
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  /** A JSON value, or a `Buffer` when the frame was binary. */
  readonly payload: unknown;
}

/** Why a frame was refused, with the address to answer: see {@link rejectFrame}. */
export interface FrameFault {
  readonly ok: false;
  /** For the client; says what was expected and repeats nothing of what came. */
  readonly reason: string;
  /** The frame's ref where it could be read, else null. */
  readonly ref: string | null;
  /** The frame's topic where it could be read, else {@link controlTopic}. */
  readonly topic: string;
  /**
   * A join whose topic is refused: `ref` and `topic` are its own, and it is answered by a `phx_reply`
   * to them, because a client takes no `phx_error` for the answer to a join.
   */
  readonly isJoin?: true;
}

/** Outcome of reading one frame. A bad frame is a value: parsing never throws. */
export type ParsedFrame = { readonly ok: true; readonly frame: Frame } | FrameFault;

/** Status of a `phx_reply`. */
export type ReplyStatus = "ok" | "error";

/** Encodes the replies of one channel. */
export type EncodeReply = (ref: string | null, status: ReplyStatus, responseJson: string) => string;

/** Encodes the pushes of one channel. */
export type EncodePush = (payloadJson: string) => string;

/** Event names that the protocol itself uses. */
export const controlEvents = {
  join: "phx_join",
  leave: "phx_leave",
  reply: "phx_reply",
  close: "phx_close",
  error: "phx_error",
  /** Valid on {@link controlTopic} alone. */
  heartbeat: "heartbeat",
} as const;

/** The topic of the socket itself: heartbeats, and errors of frames whose topic is unreadable. */
export const controlTopic = "phoenix";

/**
 * Longest join_ref, ref, topic and event, each, in bytes of UTF-8. The binary form gives a length
 * one byte; text frames have the same bound, so that what came in one form can go out in the other.
 */
export const maxFieldBytes = 255;

/** Longest topic of a refused join, in bytes of UTF-8, that its answer repeats. */
export const maxEchoBytes = 1_024;

/** A UTF-16 unit takes at most three bytes: up to this length nothing needs to be counted. */
const surelyShort = maxFieldBytes / 3;

/** Whether `text` fits {@link maxFieldBytes} and survives UTF-8 (no lone surrogates). */
function isFieldText(text: string): boolean {
  if (text.length > surelyShort && Buffer.byteLength(text) > maxFieldBytes) return false;
  return text.isWellFormed();
}

/** Whether the answer to a join whose topic is refused repeats that topic. */
function isEchoed(topic: unknown): topic is string {
  if (typeof topic !== "string" || topic.length > maxEchoBytes) return false;
  return Buffer.byteLength(topic) <= maxEchoBytes;
}

function isRef(value: unknown): value is string | null {
  return value === null || (typeof value === "string" && isFieldText(value));
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && isFieldText(value);
}

/** Says what is wrong with a field that {@link isRef} or {@link isName} refused. */
function explainField(field: string, expected: string, value: unknown): string {
  if (typeof value !== "string" || value === "") return `${field} must be ${expected}`;
  if (!value.isWellFormed()) return `${field} is not valid Unicode`;
  return `${field} is longer than ${maxFieldBytes} bytes`;
}

/**
 * Decides whether five values of unknown type make a frame.
 *
 * `joinRef` and `ref` must be strings or null, `topic` and `event` strings that are not empty, each
 * within {@link maxFieldBytes} and free of lone surrogates; any `payload` will do. A join whose topic
 * alone is refused keeps it, up to {@link maxEchoBytes}: its client waits for an answer on that topic.
 */
export function parseFields(
  joinRef: unknown,
  ref: unknown,
  topic: unknown,
  event: unknown,
  payload: unknown,
): ParsedFrame {
  let reason: string;
  if (!isName(topic)) {
    reason = explainField("topic", "a non-empty string", topic);
    if (event === controlEvents.join && ref !== null && isRef(ref) && isEchoed(topic)) {
      return { ok: false, reason, ref, topic, isJoin: true };
    }
  } else if (!isName(event)) reason = explainField("event", "a non-empty string", event);
  else if (!isRef(ref)) reason = explainField("ref", "a string or null", ref);
  else if (!isRef(joinRef)) reason = explainField("join_ref", "a string or null", joinRef);
  else return { ok: true, frame: { joinRef, ref, topic, event, payload } };
  return rejectFrame(reason, ref, topic);
}

/**
 * A refusal that carries as much of the address as is valid. The socket answers it with
 * `[null, ref, topic, "phx_error", {"reason": …}]`.
 */
export function rejectFrame(reason: string, ref: unknown, topic: unknown): FrameFault {
  return {
    ok: false,
    reason,
    ref: isRef(ref) ? ref : null,
    topic: isName(topic) ? topic : controlTopic,
  };
}
