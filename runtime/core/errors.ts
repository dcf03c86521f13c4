/** Every code that the runtime gives a fault, and what it tells. The README lists the same rows. */
export const errorCodes = {
  ask_timeout: "no answer came before the deadline of the ask",
  cancelled: "the asker's AbortSignal fired before the answer came",
  no_actor: "the address or name belongs to no living actor; the message was not taken",
  actor_stopped: "the actor is stopping or has stopped; the message was not begun",
  actor_crashed: "the actor's method threw; the actor has stopped",
  abandoned: "the actor stopped while it worked on the answer",
  mailbox_full: "the actor's mailbox has no room; the message was not taken",
  link_full: "too much is already on its way to that thread or node; the message was not taken",
  thread_down: "the thread of the actor died before the answer came",
  node_down: "the connection to the actor's node was lost before the answer came",
  unreachable: "the actor's node is not connected; the message was not taken",
  not_allowed: "the actor's node does not start actors of that module for other nodes",
  message_too_large: "the message is larger than one that may go to another node",
  unknown_method: "the actor's class has no such public method",
  not_serialisable: "the message holds something that cannot leave its thread",
  name_taken: "another living actor holds the name",
  start_failed: "the actor's constructor or init failed, or took too long",
  load_failed: "the actor's module could not be loaded or lacks the export",
  stopping: "the system is shutting down and starts nothing new",
} as const;

/** A fault as plain data: what crosses threads and nodes, where classes do not survive. */
export interface ErrorRecord {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
  /** True for a {@link ReplyError}: an answer meant for the asker, not a crash. */
  readonly reply?: boolean;
  /** That of a {@link ReplyError} that has one. */
  readonly retryAfterMs?: number;
}

/** A fault of the runtime, told apart by its `code`. */
export class TroupeError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TroupeError";
    this.code = code;
  }
}

/**
 * An answer that is an error. Thrown by a method, it reaches the asker as it is, with its code, and
 * the actor goes on: it is an expected outcome, not a crash.
 */
export class ReplyError extends TroupeError {
  /** When the asker may come back, ms from now; absent: nobody knows. */
  declare readonly retryAfterMs?: number;

  constructor(code: string, message: string, cause?: unknown, retryAfterMs?: number) {
    super(code, message, cause);
    this.name = "ReplyError";
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Whether what was thrown is an answer for the asker. Never throws: anything can be thrown, also a
 * Proxy that cannot be looked at; such a one is no answer.
 */
export function isReplyError(thrown: unknown): thrown is ReplyError {
  try {
    if (!(thrown instanceof ReplyError)) return false;
    return typeof thrown.code === "string" && typeof thrown.message === "string";
  } catch {
    return false;
  }
}

/** How many causes of causes a record keeps; a longer chain is cut. */
const maxCauseDepth = 4;

/** The plain form of anything thrown; never throws itself. */
export function toErrorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (!isError(thrown)) {
    return { name: "Error", code: "", message: describeThrown(thrown) };
  }
  const stack = readText(thrown, "stack");
  const cause = depth < maxCauseDepth ? read(thrown, "cause") : undefined;
  const record: { -readonly [K in keyof ErrorRecord]: ErrorRecord[K] } = {
    name: readText(thrown, "name") ?? "Error",
    code: readText(thrown, "code") ?? "",
    message: readText(thrown, "message") ?? "",
  };
  if (stack !== undefined) record.stack = stack;
  if (cause !== undefined) record.cause = toErrorRecord(cause, depth + 1);
  if (!isReplyError(thrown)) return record;
  record.reply = true;
  const retryAfterMs = read(thrown, "retryAfterMs");
  if (typeof retryAfterMs === "number") record.retryAfterMs = retryAfterMs;
  return record;
}

/** An error to throw here for a record that came from elsewhere; its stack is that of the origin. */
export function fromErrorRecord(record: ErrorRecord): TroupeError {
  const cause = record.cause === undefined ? undefined : fromErrorRecord(record.cause);
  const error = record.reply
    ? new ReplyError(record.code, record.message, cause, record.retryAfterMs)
    : new TroupeError(record.code, record.message, cause);
  error.name = record.name;
  if (record.stack !== undefined) error.stack = record.stack;
  return error;
}

function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}

/** Errors are anybody's objects: a property may throw, or be anything. */
function read(thrown: Error, key: string): unknown {
  try {
    return (thrown as object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function readText(thrown: Error, key: string): string | undefined {
  const value = read(thrown, key);
  return typeof value === "string" ? value : undefined;
}

function describeThrown(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a thrown ${typeof thrown} that has no text form`;
  }
}
