import { eventually } from "../deadline.ts";

interface Metas {
  readonly metas: readonly { readonly phx_ref: string; readonly [key: string]: unknown }[];
}

/** `presence_state`: who is there. */
export type PresenceState = Readonly<Record<string, Metas>>;

/** `presence_diff`: who has come and gone. */
export interface PresenceDiff {
  readonly joins: PresenceState;
  readonly leaves: PresenceState;
}

/** Who is there, as a client knows it: the refs of the sessions of each user. */
export class PresenceList {
  readonly #users = new Map<string, Set<string>>();
  /** What came before the state; null: that has come. */
  #early: PresenceDiff[] | null = [];

  /** The client joins anew. */
  reset(): void {
    this.#early = [];
  }

  state(state: PresenceState): void {
    this.#users.clear();
    const early = this.#early ?? [];
    this.#early = null;
    this.diff({ joins: state, leaves: {} });
    for (const diff of early) this.diff(diff);
  }

  diff(diff: PresenceDiff): void {
    if (this.#early !== null) {
      this.#early.push(diff);
      return;
    }
    for (const [userId, { metas }] of Object.entries(diff.joins)) {
      const refs = this.#users.get(userId) ?? new Set();
      this.#users.set(userId, refs);
      for (const { phx_ref } of metas) refs.add(phx_ref);
    }
    for (const [userId, { metas }] of Object.entries(diff.leaves)) {
      const refs = this.#users.get(userId);
      for (const { phx_ref } of metas) refs?.delete(phx_ref);
      if (refs?.size === 0) this.#users.delete(userId);
    }
  }

  /** Users that are there. */
  get size(): number {
    return this.#early === null ? this.#users.size : 0;
  }

  /** Sessions of a user that are there. */
  devicesOf(userId: string): number {
    return this.#early === null ? (this.#users.get(userId)?.size ?? 0) : 0;
  }

  /** All of it, for comparisons: a line per user, in order. */
  lines(): string[] {
    return [...this.#users].map(([userId, refs]) => `${userId}: ${[...refs].sort()}`).sort();
  }
}

/** Resolves when all of them know the same, `users` users with the same sessions. */
export async function agree(
  clients: readonly { readonly presence: PresenceList }[],
  users: number,
): Promise<void> {
  await eventually(
    async () => clients.map(({ presence }) => presence.lines()),
    (seen) => seen.every((lines) => lines.length === users && `${lines}` === `${seen[0]}`),
    `the same ${users} users are there for all`,
    60_000,
  );
}
