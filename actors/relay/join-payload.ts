import { isMap, printReceived } from "../registry/index.ts";
import { type GroupKind, groupKinds, isGroupKind } from "./group-kind.ts";

/**
 * Bytes of UTF-8 of the name of a group at most: a topic has 255, of which a channel's prefix with its
 * colon may be the rest.
 */
export const maxGroupIdBytes = 200;

/** Bytes of the JSON of what a client tells of itself at most. */
export const maxMetaBytes = 1_024;

/** What a client tells of itself that tells nothing: one for all of them. */
export const noMeta: Readonly<Record<string, never>> = Object.freeze({});

/** UTF-16 units of an epoch at most: those that groups give are much shorter. */
const maxEpochLength = 128;

/** What a client asks for as it joins a group. */
export interface JoinOptions {
  /** The last offset that it has seen; null: it asks for nothing missed. */
  readonly since: number | null;
  /** Of that offset. */
  readonly epoch: string | null;
  /** Of the group, where it is created; null: it does not say. */
  readonly kind: GroupKind | null;
  /** What the others see of it. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** `reason` names field, what was expected, what was received. */
export type JoinOptionsOutcome =
  | { readonly ok: true; readonly options: JoinOptions }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads the payload of a join, `{since?, epoch?, type?, meta?}`; null counts as left out, and other
 * fields are not looked at.
 */
export function parseJoinPayload(payload: unknown): JoinOptionsOutcome {
  if (!isMap(payload)) return fault("payload", "an object", payload);
  const { since = null, epoch = null, type = null, meta = null } = payload;
  if (since !== null && !(Number.isSafeInteger(since) && Number(since) >= 0)) {
    return fault("since", "a whole number >= 0", since);
  }
  if (epoch !== null && !(typeof epoch === "string" && epoch.length <= maxEpochLength)) {
    return fault("epoch", `a text of at most ${maxEpochLength} characters`, epoch);
  }
  if (type !== null && !isGroupKind(type)) return fault("type", groupKinds.join(" or "), type);
  if (meta !== null && !isMap(meta)) return fault("meta", "an object", meta);
  if (meta !== null) {
    const text = JSON.stringify(meta);
    const bytes = Buffer.byteLength(text);
    const expected = `at most ${maxMetaBytes} bytes of JSON`;
    if (bytes > maxMetaBytes) return fault("meta", expected, bytes);
    // Between threads it would be called: presence that holds it would reach nobody there.
    if (text.includes('"toJSON":')) return fault("meta", "no field toJSON", meta);
  }
  const options = { since: since as number | null, epoch, kind: type, meta: meta ?? noMeta };
  return { ok: true, options };
}

/** What is wrong with the name of a group; null: nothing. */
export function checkGroupId(groupId: string): string | null {
  // Another text on another thread, and the same as others on the disk.
  if (!groupId.isWellFormed()) return "group_id: expected valid Unicode, received lone surrogates";
  const bytes = Buffer.byteLength(groupId);
  if (bytes > 0 && bytes <= maxGroupIdBytes) return null;
  return `group_id: expected 1 to ${maxGroupIdBytes} bytes of UTF-8, received ${bytes}`;
}

function fault(field: string, expected: string, received: unknown): JoinOptionsOutcome {
  const reason = `${field}: expected ${expected}, received ${printReceived(received)}`;
  return { ok: false, reason };
}
