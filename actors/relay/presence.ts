import { randomBytes } from "node:crypto";
import { type Few, FewBy } from "./few.ts";

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

/** A session as a group shows it, from when messages reach it. */
export interface PresentSession {
  readonly userId: string;
  readonly deviceId: string | null;
  /** What its client said of it, JSON; a `phx_ref` in it is replaced. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** When it came, in s since 1970. */
  onlineAt: number;
  /** The order in which sessions came, to all groups of the thread; 0: it is not shown. */
  no: number;
}

/** The number of the next session that is to be shown. */
export function nextPresenceNo(): number {
  came += 1;
  return came;
}

/** Who is here, where these sessions are. */
export function selectPresence(sessions: Iterable<PresentSession>): PresenceState {
  const shown = [...sessions].filter(({ no }) => no > 0).sort((a, b) => a.no - b.no);
  const users = new Map<string, PresenceMeta[]>();
  for (const session of shown) {
    const metas = users.get(session.userId);
    if (metas === undefined) users.set(session.userId, [metaOf(session)]);
    else metas.push(metaOf(session));
  }
  return users;
}

/**
 * What the others have not been told yet of who came and went; most groups are quiet and have none.
 * Whoever starts from {@link selectPresence}, of when nothing was untold, and applies the diffs that
 * are taken from then on has what the group has.
 */
export class PresenceChanges {
  readonly #joins = new Set<PresentSession>();
  readonly #leaves = new Set<PresentSession>();

  join(session: PresentSession): void {
    this.#joins.add(session);
  }

  /** A session that came and went without a word in between is in no diff. */
  leave(session: PresentSession): void {
    if (!this.#joins.delete(session)) this.#leaves.add(session);
  }

  /** All of them; null: there are none. */
  diff(): PresenceDiff | null {
    if (this.#joins.size + this.#leaves.size === 0) return null;
    return { joins: selectPresence(this.#joins), leaves: selectPresence(this.#leaves) };
  }
}

interface PresentUser {
  readonly userId: string;
  readonly metas: readonly PresenceMeta[];
}

const byUser = new FewBy(({ userId }: PresentUser) => userId);

/** What a group told, elsewhere: who was here at some time, and the diffs since. */
export class PresenceReplica {
  /** The group's presence has begun anew: the next difference brings those who are in it again. */
  isNew = false;
  #users: Few<string, PresentUser> = null;
  /** Null: not made yet, or so short that it can be made at any time. */
  #text: string | null = null;

  /** Takes a state in place of what was known. */
  set(state: PresenceState): void {
    this.#users = null;
    for (const [userId, metas] of state) this.#users = byUser.set(this.#users, { userId, metas });
    this.#text = null;
  }

  /** Takes a diff; what of it is known already changes nothing. */
  apply(diff: PresenceDiff): void {
    this.#text = null;
    for (const [userId, joined] of diff.joins) {
      const metas = [...this.#without(userId, joined), ...joined];
      this.#users = byUser.set(this.#users, { userId, metas });
    }
    for (const [userId, left] of diff.leaves) {
      const metas = this.#without(userId, left);
      if (metas.length > 0) this.#users = byUser.set(this.#users, { userId, metas });
      else this.#users = byUser.delete(this.#users, userId);
    }
  }

  /** JSON of a `presence_state` push; where there are many users, made once between changes. */
  text(): string {
    if (this.#text !== null) return this.#text;
    const users = byUser.values(this.#users);
    const text = encodePresenceState(Array.from(users, ({ userId, metas }) => [userId, metas]));
    if (byUser.size(this.#users) > fewUsers) this.#text = text;
    return text;
  }

  /** The sessions of a user whose ref is not among `others`. */
  #without(userId: string, others: readonly PresenceMeta[]): readonly PresenceMeta[] {
    const refs = new Set(others.map((meta) => meta.phx_ref));
    const metas = byUser.get(this.#users, userId)?.metas ?? [];
    return metas.filter((meta) => !refs.has(meta.phx_ref));
  }
}

function metaOf({ meta, deviceId, onlineAt, no }: PresentSession): PresenceMeta {
  const device = deviceId === null ? {} : { device_id: deviceId };
  return { ...meta, ...device, online_at: onlineAt, phx_ref: `${refSalt}${no.toString(36)}` };
}

// A group that was lost or moved is built anew, and its clients still have the refs of the old one.
const refSalt = randomBytes(6).toString("base64url");
/** How many sessions came, to all groups of the thread. */
let came = 0;
