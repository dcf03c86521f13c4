import { type Few, FewBy } from "./few.ts";
import { isReceiving, type MemberState } from "./group-kind.ts";
import { mergeMember } from "./merge-member.ts";
import { type RemovedMember, RemovedMembers } from "./removed-members.ts";

/** What became of one member. */
export interface MemberChange {
  readonly userId: string;
  /** null: was no member. */
  readonly before: MemberState | null;
  /** null: is no member any more. */
  readonly after: MemberState | null;
}

/** A member, and how many sessions it has. */
interface Standing {
  state: MemberState;
  sessions: number;
}

const byUser = new FewBy(({ state }: Standing) => state.userId);
const unchanged: readonly MemberChange[] = Object.freeze([]);
const nobody: readonly RemovedMember[] = Object.freeze([]);

/**
 * Members with their sessions, whoever may change them. It keeps these promises:
 *
 * - Where there are members there is an admin, who is active: when the last one goes, the
 *   longest-standing active member becomes admin; if there is none, the longest-standing muted one,
 *   unmuted. Pending ones alone are no group: they end with the last member that was accepted.
 * - Members that are not durable end with their last session. One that never had a session stays.
 * - Members that came without an admin, as those that survived a loss may, are not settled: theirs
 *   may be merged yet, and until then or {@link settle} nobody inherits.
 * - Who was removed from a durable group is brought back by no {@link merge} with a copy that has not
 *   heard of it, for as long as it is remembered.
 */
export class Members {
  readonly #isDurable: boolean;
  /** In the order of joining. */
  #standings: Few<string, Standing> = null;
  /** Null: there are none. */
  #removed: RemovedMembers | null = null;
  #admins = 0;
  #recipients = 0;
  #isSettled: boolean;

  /** @param isNew nobody was there before: it is settled without an admin too. */
  constructor(
    isDurable: boolean,
    states: readonly MemberState[],
    removed: readonly RemovedMember[],
    isNew: boolean,
  ) {
    this.#isDurable = isDurable;
    this.#isSettled = isNew;
    for (const state of states) this.set(state);
    if (removed.length === 0) return;
    this.#removed = new RemovedMembers();
    this.#removed.merge(removed);
  }

  get size(): number {
    return byUser.size(this.#standings);
  }

  /** Sessions of the members that receive. */
  get recipients(): number {
    return this.#recipients;
  }

  /** Whether who comes now is the first of all, and so the admin. */
  get isFirst(): boolean {
    return this.#isSettled && this.#standings === null;
  }

  get(userId: string): MemberState | undefined {
    return this.#standingOf(userId)?.state;
  }

  /** In the order of joining. */
  *values(): Iterable<MemberState> {
    for (const { state } of byUser.values(this.#standings)) yield state;
  }

  isLastAdmin(member: MemberState): boolean {
    return member.role === "admin" && this.#admins === 1;
  }

  /** When the last membership of a user ended; undefined: that is not known. */
  removedAt(userId: string): number | undefined {
    return this.#removed?.get(userId);
  }

  /** Those whose end is remembered. */
  removed(): readonly RemovedMember[] {
    return this.#removed?.values() ?? nobody;
  }

  /** Adds a member as the last one, or replaces its state where it stands. */
  set(after: MemberState): MemberChange {
    const { userId } = after;
    const known = this.#standingOf(userId);
    this.#count(known, -1);
    const standing: Standing = { state: after, sessions: known?.sessions ?? 0 };
    this.#standings = byUser.set(this.#standings, standing);
    this.#count(standing, 1);
    return { userId, before: known?.state ?? null, after };
  }

  /** Ends a membership because somebody has decided so, at `at` (wall clock, ms). */
  remove(userId: string, at: number, mayReturn = false): readonly MemberChange[] {
    if (this.#isDurable) {
      const joinedAt = this.get(userId)?.joinedAt ?? at;
      this.#removed ??= new RemovedMembers();
      this.#removed.add(userId, Math.max(at, joinedAt));
    }
    return this.#end([userId], mayReturn, 1);
  }

  /** Says that nothing is left to merge: if there is no admin, one is found as when one goes. */
  settle(): readonly MemberChange[] {
    this.#isSettled = true;
    return this.#end([], false, 0);
  }

  /**
   * Brings together what is here and what another copy knows: see {@link mergeMember}; then all are in
   * the order of `joinedAt`, new ones behind equals. Those who went come first.
   */
  merge(
    states: Iterable<MemberState>,
    removed: readonly RemovedMember[] = nobody,
  ): readonly MemberChange[] {
    if (removed.length > 0) {
      this.#removed ??= new RemovedMembers();
      this.#removed.merge(removed);
    }
    const changes: MemberChange[] = [];
    for (const state of states) {
      const own = this.get(state.userId);
      if (this.#isRemoved(state)) continue;
      const isOwnOver = own === undefined || this.#isRemoved(own);
      const after = isOwnOver ? state : mergeMember(own, state);
      if (after !== own) changes.push(this.set(after));
    }
    const gone: MemberChange[] = [];
    for (const { userId } of removed) {
      const own = this.get(userId);
      if (own !== undefined && this.#isRemoved(own)) gone.push(this.#delete(userId));
    }
    if (changes.length === 0 && gone.length === 0) return unchanged;
    const inOrder = [...byUser.values(this.#standings)];
    inOrder.sort((a, b) => a.state.joinedAt - b.state.joinedAt);
    this.#standings = null;
    for (const standing of inOrder) this.#standings = byUser.set(this.#standings, standing);
    if (this.#admins === 0) this.#isSettled = false;
    return [...gone, ...changes];
  }

  /** How many sessions a user has. */
  sessionsOf(userId: string): number {
    return this.#standingOf(userId)?.sessions ?? 0;
  }

  /** Adds a session of a member; false when the user is none. */
  attach(userId: string): boolean {
    const standing = this.#standingOf(userId);
    if (standing === undefined) return false;
    standing.sessions += 1;
    if (isReceiving(standing.state)) this.#recipients += 1;
    return true;
  }

  /** Removes a session of each, and ends the members that are gone with their last. */
  detach(userIds: Iterable<string>, mayReturn = false): readonly MemberChange[] {
    const gone: string[] = [];
    for (const userId of userIds) {
      const standing = this.#standingOf(userId);
      if (standing === undefined || standing.sessions === 0) continue;
      standing.sessions -= 1;
      if (isReceiving(standing.state)) this.#recipients -= 1;
      if (!this.#isDurable && standing.sessions === 0) gone.push(userId);
    }
    return gone.length === 0 ? unchanged : this.#end(gone, mayReturn, 0);
  }

  /** Ends those of the members that have no session, and may return. */
  expire(userIds: readonly string[]): readonly MemberChange[] {
    const isIdle = (userId: string): boolean => this.#standingOf(userId)?.sessions === 0;
    const gone = this.#isDurable ? [] : userIds.filter(isIdle);
    return gone.length === 0 ? unchanged : this.#end(gone, true, 0);
  }

  #standingOf(userId: string): Standing | undefined {
    return byUser.get(this.#standings, userId);
  }

  #isRemoved({ userId, joinedAt }: MemberState): boolean {
    const removedAt = this.#removed?.get(userId);
    return removedAt !== undefined && joinedAt <= removedAt;
  }

  /**
   * All at once: none of these users inherits.
   * @param mayReturn where nobody can inherit, it is not settled until {@link settle} is called
   * @param versions by which the heir is raised: by none where nobody has decided anything, as an
   *   admin who is elsewhere counts for more
   */
  #end(userIds: readonly string[], mayReturn: boolean, versions: 0 | 1): readonly MemberChange[] {
    const changes = userIds.map((userId) => this.#delete(userId));
    if (!this.#isSettled || this.#admins > 0) return changes;
    const heir = this.#selectHeir();
    if (heir !== null) {
      const version = heir.version + versions;
      changes.push(this.set({ ...heir, role: "admin", status: "active", version }));
    } else if (mayReturn) this.#isSettled = false;
    else for (const { userId } of [...this.values()]) changes.push(this.#delete(userId));
    return changes;
  }

  #selectHeir(): MemberState | null {
    let muted: MemberState | null = null;
    for (const state of this.values()) {
      if (state.status === "active") return state;
      if (state.status === "muted") muted ??= state;
    }
    return muted;
  }

  #delete(userId: string): MemberChange {
    const standing = this.#standingOf(userId);
    this.#count(standing, -1);
    this.#standings = byUser.delete(this.#standings, userId);
    return { userId, before: standing?.state ?? null, after: null };
  }

  #count(standing: Standing | undefined, sign: 1 | -1): void {
    if (standing === undefined) return;
    const { state, sessions } = standing;
    if (state.role === "admin") {
      this.#admins += sign;
      this.#isSettled = true;
    }
    if (isReceiving(state)) this.#recipients += sign * sessions;
  }
}
