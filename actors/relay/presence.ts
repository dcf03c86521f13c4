import { randomBytes } from "node:crypto";
import { Few } from "./few.ts";

/** One session of a user: a device or a tab. */
export interface PresenceMeta {
  /** Unique among all sessions of all groups and times; what a client tells them apart by. */
  readonly phx_ref: string;
  readonly [key: string]: unknown;
}

/**
 * Who is here: user id → sessions, in the order in which they came. A map and no record: user ids
 * are any text, and the transport between threads renames a record's key `__proto__`.
 * {@link encodePresenceState} makes the wire form of it; `JSON.stringify` does not.
 */
export type PresenceState = ReadonlyMap<string, readonly PresenceMeta[]>;

/** What changed; joins go before leaves. {@link encodePresenceDiff} makes the wire form of it. */
export interface PresenceDiff {
  readonly joins: PresenceState;
  readonly leaves: PresenceState;
}

/** JSON of a `presence_state` push, as Phoenix Presence has it: `{"<user id>": {"metas": […]}}`. */
export function encodePresenceState(
  state: Iterable<readonly [userId: string, metas: readonly PresenceMeta[]]>,
): string {
  let text = "";
  for (const [userId, metas] of state) {
    text += `${text === "" ? "" : ","}${JSON.stringify(userId)}:{"metas":${JSON.stringify(metas)}}`;
  }
  return `{${text}}`;
}

/** JSON of a `presence_diff` push, as Phoenix Presence has it: `{"joins": …, "leaves": …}`. */
export function encodePresenceDiff(diff: PresenceDiff): string {
  return `{"joins":${encodePresenceState(diff.joins)},"leaves":${encodePresenceState(diff.leaves)}}`;
}

/** Of so many users the text is made anew each time: it takes more memory than it saves work. */
const fewUsers = 8;

/** A session, from when it came until the diff that tells of its end was taken. */
interface Tracked {
  readonly userId: string;
  readonly meta: PresenceMeta;
  /** The order in which sessions came. */
  readonly no: number;
  /** Whether a diff has told of it. */
  isShown: boolean;
  isGone: boolean;
}

/**
 * Who is here, as a group knows it, and what of it the others have not been told. What
 * {@link state} gives is the sum of all diffs that were taken: whoever starts from it and applies
 * the diffs that are taken from then on has what the group has.
 */
export class Presence {
  /** By the key of the session. */
  readonly #sessions = new Few<string, Tracked>();
  /** Those that came or went since the last diff; most groups are quiet and have no list. */
  #changed: Set<Tracked> | null = null;

  /** How many sessions are here. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * A session came. One that is here already gets the new `meta`: to the others the old one leaves
   * and a new one joins.
   * @param sessionKey unique in the group
   * @param meta what others see of the session, JSON; a `phx_ref` in it is replaced.
   */
  track(userId: string, sessionKey: string, meta: Readonly<Record<string, unknown>>): void {
    this.untrack(sessionKey);
    came += 1;
    const no = came;
    const shown = { ...meta, phx_ref: `${refSalt}${no.toString(36)}` };
    const tracked: Tracked = { userId, meta: shown, no, isShown: false, isGone: false };
    this.#sessions.set(sessionKey, tracked);
    this.#changes().add(tracked);
  }

  /** A session went; one that is not here changes nothing. */
  untrack(sessionKey: string): void {
    const tracked = this.#sessions.get(sessionKey);
    if (tracked === undefined) return;
    this.#sessions.delete(sessionKey);
    tracked.isGone = true;
    if (tracked.isShown) this.#changes().add(tracked);
    else this.#changed?.delete(tracked);
  }

  /**
   * What changed since the last take; null: nothing. A session that came and went in between is not
   * in it.
   */
  takeDiff(): PresenceDiff | null {
    const changed = this.#changed;
    this.#changed = null;
    if (changed === null || changed.size === 0) return null;
    const joins: Tracked[] = [];
    const leaves: Tracked[] = [];
    for (const tracked of changed) {
      (tracked.isGone ? leaves : joins).push(tracked);
      tracked.isShown = true;
    }
    return { joins: byUser(joins), leaves: byUser(leaves) };
  }

  /** Who is here by the diffs that were taken; what changed since is not in it. */
  state(): PresenceState {
    const shown: Tracked[] = [];
    for (const tracked of this.#sessions.values()) if (tracked.isShown) shown.push(tracked);
    for (const tracked of this.#changed ?? []) if (tracked.isGone) shown.push(tracked);
    return byUser(shown.sort((a, b) => a.no - b.no));
  }

  #changes(): Set<Tracked> {
    this.#changed ??= new Set();
    return this.#changed;
  }
}

/** What a {@link Presence} told, elsewhere: its state at some time and the diffs since. */
export class PresenceReplica {
  #users = new Few<string, readonly PresenceMeta[]>();
  /** Null: not made yet, or so short that it can be made at any time. */
  #text: string | null = null;

  /** Takes a state in place of what was known. */
  set(state: PresenceState): void {
    this.#users = new Few(state);
    this.#text = null;
  }

  /** Takes a diff; what of it is known already changes nothing. */
  apply(diff: PresenceDiff): void {
    this.#text = null;
    for (const [userId, metas] of diff.joins) {
      this.#users.set(userId, [...without(this.#users.get(userId) ?? [], metas), ...metas]);
    }
    for (const [userId, metas] of diff.leaves) {
      const left = without(this.#users.get(userId) ?? [], metas);
      if (left.length > 0) this.#users.set(userId, left);
      else this.#users.delete(userId);
    }
  }

  /** JSON of a `presence_state` push; where there are many users, made once between changes. */
  text(): string {
    const text = this.#text ?? encodePresenceState(this.#users);
    if (this.#users.size > fewUsers) this.#text = text;
    return text;
  }
}

function byUser(sessions: readonly Tracked[]): PresenceState {
  const users = new Map<string, PresenceMeta[]>();
  for (const { userId, meta } of sessions) {
    const metas = users.get(userId);
    if (metas === undefined) users.set(userId, [meta]);
    else metas.push(meta);
  }
  return users;
}

/** Those whose ref is not among `others`. */
function without(
  metas: readonly PresenceMeta[],
  others: readonly PresenceMeta[],
): readonly PresenceMeta[] {
  const refs = new Set(others.map((meta) => meta.phx_ref));
  return metas.filter((meta) => !refs.has(meta.phx_ref));
}

// A group that was lost or moved is built anew, and its clients still have the refs of the old one.
const refSalt = randomBytes(6).toString("base64url");
/** How many sessions came, to all groups of the thread. */
let came = 0;
