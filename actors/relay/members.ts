import { Few } from "./few.ts";
import { isReceiving, type MemberState } from "./group-kind.ts";
import { MemberSessions } from "./member-sessions.ts";

/** What became of one member. */
export interface MemberChange {
  readonly userId: string;
  /** null: was no member. */
  readonly before: MemberState | null;
  /** null: is no member any more. */
  readonly after: MemberState | null;
}

const unchanged: readonly MemberChange[] = Object.freeze([]);

/**
 * Members with their sessions, whoever may change them. It keeps these promises:
 *
 * - Where there are members there is an admin, who is active: when the last one goes, the
 *   longest-standing active member becomes admin; if there is none, the longest-standing muted one,
 *   unmuted. Pending ones alone are no group: they end with the last member that was accepted.
 * - Members that are not durable end with their last session. One that never had a session stays.
 * - Members that came without an admin, as those that survived a loss may, are not settled: theirs
 *   may be merged yet, and until then or {@link settle} nobody inherits.
 */
export class Members {
  readonly #isDurable: boolean;
  /** In the order of joining. */
  #states: Few<string, MemberState> = new Few();
  /** Null: nobody has one. */
  #sessions: MemberSessions | null = null;
  #admins = 0;
  #recipients = 0;
  #isSettled: boolean;

  /** @param isNew nobody was there before: it is settled without an admin too. */
  constructor(isDurable: boolean, states: readonly MemberState[], isNew: boolean) {
    this.#isDurable = isDurable;
    this.#isSettled = isNew;
    for (const state of states) this.set(state);
  }

  get size(): number {
    return this.#states.size;
  }

  /** Sessions of the members that receive. */
  get recipients(): number {
    return this.#recipients;
  }

  /** Whether who comes now is the first of all, and so the admin. */
  get isFirst(): boolean {
    return this.#isSettled && this.#states.size === 0;
  }

  get(userId: string): MemberState | undefined {
    return this.#states.get(userId);
  }

  /** In the order of joining. */
  values(): Iterable<MemberState> {
    return this.#states.values();
  }

  isLastAdmin(member: MemberState): boolean {
    return member.role === "admin" && this.#admins === 1;
  }

  /** Adds a member as the last one, or replaces its state where it stands. */
  set(after: MemberState): MemberChange {
    const { userId } = after;
    const before = this.#states.get(userId) ?? null;
    this.#states.set(userId, after);
    this.#count(before, -1);
    this.#count(after, 1);
    return { userId, before, after };
  }

  /**
   * Ends memberships with their sessions, all at once: none of these users inherits.
   * @param mayReturn where nobody can inherit, it is not settled until {@link settle} is called
   */
  end(userIds: readonly string[], mayReturn = false): readonly MemberChange[] {
    const changes = userIds.map((userId) => this.#delete(userId));
    if (this.#isSettled && this.#admins === 0) this.#handOver(changes, mayReturn);
    return changes;
  }

  /** Says that nothing is left to merge: if there is no admin, one is found as when one goes. */
  settle(): readonly MemberChange[] {
    this.#isSettled = true;
    return this.end([]);
  }

  /** Adds those that are missing; then all are in the order of `joinedAt`, new ones behind equals. */
  merge(states: Iterable<MemberState>): readonly MemberChange[] {
    const changes: MemberChange[] = [];
    for (const state of states) {
      if (!this.#states.has(state.userId)) changes.push(this.set(state));
    }
    if (changes.length === 0) return unchanged;
    const inOrder = [...this.#states].sort(([, a], [, b]) => a.joinedAt - b.joinedAt);
    this.#states = new Few(inOrder);
    if (this.#admins === 0) this.#isSettled = false;
    return changes;
  }

  /** How many sessions a user has. */
  sessionsOf(userId: string): number {
    return this.#sessions?.count(userId) ?? 0;
  }

  /**
   * Adds a session of a member; false when the user is none.
   * @throws RangeError for a key of another user's session.
   */
  attach(userId: string, key: string): boolean {
    const member = this.#states.get(userId);
    if (member === undefined) return false;
    this.#sessions ??= new MemberSessions();
    if (this.#sessions.add(userId, key) && isReceiving(member)) this.#recipients += 1;
    return true;
  }

  /** Removes sessions, and ends the members that are gone with them. Unknown keys are passed over. */
  detach(keys: Iterable<string>, mayReturn = false): readonly MemberChange[] {
    const gone: string[] = [];
    for (const key of keys) {
      const userId = this.#sessions?.remove(key);
      if (userId === undefined) continue;
      const member = this.#states.get(userId);
      if (member !== undefined && isReceiving(member)) this.#recipients -= 1;
      if (!this.#isDurable && this.sessionsOf(userId) === 0) gone.push(userId);
    }
    this.#dropEmpty();
    return gone.length === 0 ? unchanged : this.end(gone, mayReturn);
  }

  #handOver(changes: MemberChange[], mayReturn: boolean): void {
    let muted: MemberState | null = null;
    for (const state of this.#states.values()) {
      if (state.status === "active") {
        changes.push(this.set({ ...state, role: "admin" }));
        return;
      }
      if (state.status === "muted") muted ??= state;
    }
    if (muted !== null) changes.push(this.set({ ...muted, role: "admin", status: "active" }));
    else if (mayReturn) this.#isSettled = false;
    else for (const userId of [...this.#states.keys()]) changes.push(this.#delete(userId));
  }

  #delete(userId: string): MemberChange {
    const before = this.#states.get(userId) ?? null;
    this.#count(before, -1);
    this.#states.delete(userId);
    this.#sessions?.removeAll(userId);
    this.#dropEmpty();
    return { userId, before, after: null };
  }

  #count(member: MemberState | null, sign: 1 | -1): void {
    if (member === null) return;
    if (member.role === "admin") {
      this.#admins += sign;
      this.#isSettled = true;
    }
    if (isReceiving(member)) this.#recipients += sign * this.sessionsOf(member.userId);
  }

  #dropEmpty(): void {
    if (this.#sessions?.isEmpty) this.#sessions = null;
  }
}
