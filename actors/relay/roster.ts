const none: readonly string[] = Object.freeze([]);

/**
 * Which groups users are in, for the users of one shard. What the groups tell; so it may lag behind
 * them, never in the limit: a group has its member admitted here before it takes it in.
 */
export class Roster {
  // A user's groups in the order of joining: lists of ids are small, and most users are in few.
  readonly #groups: Map<string, string[]> = new Map();

  /** How many users are in at least one group. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * Records that a user is in a group, unless it is in `max` others already: false then, and
   * nothing is recorded. What is recorded already is true.
   */
  admit(userId: string, groupId: string, max: number): boolean {
    const groups = this.#groups.get(userId) ?? none;
    if (groups.includes(groupId)) return true;
    if (groups.length >= max) return false;
    this.note(userId, groupId, true);
    return true;
  }

  /** Records what a group knows: no limit is asked. */
  note(userId: string, groupId: string, isMember: boolean): void {
    const groups = this.#groups.get(userId);
    const index = groups === undefined ? -1 : groups.indexOf(groupId);
    if (isMember === index >= 0) return;
    if (groups === undefined) this.#groups.set(userId, [groupId]);
    else if (isMember) groups.push(groupId);
    else if (groups.length > 1) groups.splice(index, 1);
    else this.#groups.delete(userId);
  }

  /** In the order of joining; a copy. */
  groupsOf(userId: string): readonly string[] {
    return [...(this.#groups.get(userId) ?? none)];
  }

  /** Forgets the users that are another shard's. */
  keep(isMine: (userId: string) => boolean): void {
    for (const userId of [...this.#groups.keys()]) {
      if (!isMine(userId)) this.#groups.delete(userId);
    }
  }
}
