/** Who is a member no more because somebody decided so: another copy of the group may not know. */
export interface RemovedMember {
  readonly userId: string;
  /** Wall clock, ms: what began then, or before, has ended. */
  readonly removedAt: number;
}

/** How many of a group are remembered, the last ones. */
export const maxRemoved = 1_000;
/** How long they are remembered, ms: 30 days. */
export const removedMs = 2_592_000_000;

/** Members that were removed, or have left: no other copy of the group brings them back. */
export class RemovedMembers {
  /** Those to be forgotten first come first. */
  #times = new Map<string, number>();

  /** When the last membership of a user ended; undefined: that is not known. */
  get(userId: string): number | undefined {
    return this.#times.get(userId);
  }

  /** What began at `removedAt`, or before, has ended. */
  add(userId: string, removedAt: number): void {
    if (removedAt <= (this.get(userId) ?? Number.NEGATIVE_INFINITY)) return;
    this.#times.delete(userId);
    this.#times.set(userId, removedAt);
    this.#forget(removedAt - removedMs);
  }

  /** The same for those that another copy knows. */
  merge(removed: Iterable<RemovedMember>): void {
    const all = new RemovedMembers();
    const inOrder = [...this.values(), ...removed].sort((a, b) => a.removedAt - b.removedAt);
    for (const { userId, removedAt } of inOrder) all.add(userId, removedAt);
    this.#times = all.#times;
  }

  values(): RemovedMember[] {
    return Array.from(this.#times, ([userId, removedAt]) => ({ userId, removedAt }));
  }

  #forget(oldest: number): void {
    for (const [userId, removedAt] of this.#times) {
      if (this.#times.size <= maxRemoved && removedAt >= oldest) return;
      this.#times.delete(userId);
    }
  }
}
