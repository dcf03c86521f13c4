import { type GroupKind, isReceiving, type MemberState } from "./group-kind.ts";
import { type MemberChange, Members } from "./members.ts";
import { decidePermission, type GroupAction } from "./permission.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";

export type { MemberChange } from "./members.ts";

/** A group's members, as they travel and are stored. */
export interface MembershipState {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  /** In the order of joining. */
  readonly members: readonly MemberState[];
}

/**
 * What an operation did to the members, or why it did nothing. A user is in it once at most, those
 * who went come first; an operation that finds all as it should be is ok, with no changes.
 */
export type Decision =
  | { readonly ok: true; readonly changes: readonly MemberChange[] }
  | RelayRefusal;

/**
 * Who is in a group, in which role and status, with how many sessions, and who may change it.
 * What it promises of its members is told by {@link Members}.
 */
export class Membership {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  readonly #members: Members;

  private constructor(state: MembershipState, isNew: boolean) {
    this.kind = state.kind;
    this.isDurable = state.isDurable;
    this.#members = new Members(state.isDurable, state.members, isNew);
  }

  /**
   * A new group.
   * @param creator is its admin; null: the first who joins becomes it.
   * @param at wall clock, ms.
   */
  static create(
    kind: GroupKind,
    isDurable: boolean,
    creator: string | null,
    at: number,
  ): Membership {
    const members: MemberState[] = [];
    if (creator !== null) {
      members.push({ userId: creator, role: "admin", status: "active", joinedAt: at });
    }
    return new Membership({ kind, isDurable, members }, true);
  }

  /**
   * A group as it was, without sessions. Without an admin among the members it waits for theirs to
   * be merged: until then or {@link settle} nobody inherits, and who comes first is no admin.
   */
  static restore(state: MembershipState): Membership {
    return new Membership(state, false);
  }

  /** A copy, for {@link Membership.restore}. */
  state(): MembershipState {
    return { kind: this.kind, isDurable: this.isDurable, members: [...this.#members.values()] };
  }

  get size(): number {
    return this.#members.size;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get(userId: string): MemberState | undefined {
    return this.#members.get(userId);
  }

  /** In the order of joining. */
  members(): Iterable<MemberState> {
    return this.#members.values();
  }

  /**
   * Makes a user a member at `at` (wall clock, ms): active in a public group, else pending; the
   * first one is the admin. Who is a member stays as it is.
   * @returns `group_full` when there are `maxMembers` already.
   */
  join(userId: string, at: number, maxMembers: number): Decision {
    if (this.#members.get(userId) !== undefined) return { ok: true, changes: [] };
    if (this.size >= maxMembers) return refuseRelay("group_full", { limit: maxMembers });
    const role = this.#members.isFirst ? "admin" : "member";
    const status = role === "admin" || this.kind === "public" ? "active" : "pending";
    return this.#set({ userId, role, status, joinedAt: at });
  }

  /** Ends a membership of any status. @returns `not_a_member`. */
  leave(userId: string): Decision {
    if (this.#members.get(userId) === undefined) return refuseRelay("not_a_member");
    return { ok: true, changes: this.#members.end([userId]) };
  }

  /**
   * Makes a pending member active. Muted ones stay muted.
   * @param by null: the system, here and below: it may do all that groups of the kind have.
   * @returns a refusal of {@link decidePermission}; `no_such_member`.
   */
  accept(by: string | null, userId: string): Decision {
    const target = this.#target(by, "accept", userId);
    if ("ok" in target || target.status !== "pending") return this.#keep(target);
    return this.#set({ ...target, status: "active" });
  }

  /**
   * Takes a member the right to send. An admin is one no more then: it could unmute itself.
   * @returns a refusal of {@link decidePermission}; `no_such_member`; `membership_pending` for a
   *   member that is pending; `last_admin`.
   */
  mute(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "mute", userId);
    if ("ok" in target || target.status === "muted") return this.#keep(target);
    if (this.#members.isLastAdmin(target)) return refuseRelay("last_admin");
    return this.#set({ ...target, role: "member", status: "muted" });
  }

  /** Gives it back. @returns the refusals of {@link mute}, without `last_admin`. */
  unmute(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "unmute", userId);
    if ("ok" in target || target.status !== "muted") return this.#keep(target);
    return this.#set({ ...target, status: "active" });
  }

  /** Makes a member an admin, and active if it is muted. @returns the refusals of {@link unmute}. */
  promote(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "promote", userId);
    if ("ok" in target || target.role === "admin") return this.#keep(target);
    return this.#set({ ...target, role: "admin", status: "active" });
  }

  /** Makes an admin a member again. @returns the refusals of {@link mute}. */
  demote(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "demote", userId);
    if ("ok" in target || target.role === "member") return this.#keep(target);
    if (this.#members.isLastAdmin(target)) return refuseRelay("last_admin");
    return this.#set({ ...target, role: "member" });
  }

  /** Ends a membership, be it one's own, as {@link leave}. @returns the refusals of {@link accept}. */
  remove(by: string | null, userId: string): Decision {
    const target = this.#target(by, "remove", userId);
    return "ok" in target ? target : this.leave(userId);
  }

  /** Whether `by` may send; null: yes. @returns else a refusal of {@link decidePermission}. */
  decideSend(by: string | null): RelayRefusal | null {
    return this.#decide(by, "send");
  }

  /** The same for the messages of the past. */
  decideRead(by: string | null): RelayRefusal | null {
    return this.#decide(by, "history");
  }

  /** The same for the group's data and its list of members. */
  decideInfo(by: string | null): RelayRefusal | null {
    return this.#decide(by, "info");
  }

  /** The same for the end of the group. */
  decideDelete(by: string | null): RelayRefusal | null {
    return this.#decide(by, "delete");
  }

  /**
   * Adds a session of a member; false: the user is none. Nothing changes for one that is there.
   * @param key of this session alone.
   * @throws RangeError for a key of another user's session.
   */
  attach(userId: string, key: string): boolean {
    return this.#members.attach(userId, key);
  }

  /**
   * Removes sessions that ended at once, and then the members that are not durable and have no
   * other: none of them becomes admin in between. Keys of no session are passed over.
   * @param mayReturn those who are pending do not end with the last one that was accepted, nor is who
   *   comes next the first, before {@link settle}
   */
  detachAll(keys: Iterable<string>, mayReturn = false): Decision {
    return { ok: true, changes: this.#members.detach(keys, mayReturn) };
  }

  /** How many sessions a user has here. */
  sessionsOf(userId: string): number {
    return this.#members.sessionsOf(userId);
  }

  /** Whether messages reach a user: it is an active or muted member. */
  receives(userId: string): boolean {
    const member = this.#members.get(userId);
    return member !== undefined && isReceiving(member);
  }

  /** The sessions of all members that receive. */
  get recipients(): number {
    return this.#members.recipients;
  }

  /**
   * Adds members that another copy has: a claim, a stored one. Those that are here stay as they
   * are. All are in the order of `joinedAt` then; of equal ones, those that were here come first.
   * No limit is asked. Without an admin it waits for one, as after {@link Membership.restore}.
   */
  merge(members: Iterable<MemberState>): Decision {
    return { ok: true, changes: this.#members.merge(members) };
  }

  /** Says that nothing is left to merge: if there is no admin, one is found as when one leaves. */
  settle(): Decision {
    return { ok: true, changes: this.#members.settle() };
  }

  #decide(by: string | null, action: GroupAction): RelayRefusal | null {
    return decidePermission(this.kind, action, by === null ? null : this.#members.get(by));
  }

  #target(by: string | null, action: GroupAction, userId: string): MemberState | RelayRefusal {
    const refusal = this.#decide(by, action);
    return refusal ?? this.#members.get(userId) ?? refuseRelay("no_such_member");
  }

  #accepted(by: string | null, action: GroupAction, userId: string): MemberState | RelayRefusal {
    const target = this.#target(by, action, userId);
    const isPending = !("ok" in target) && target.status === "pending";
    return isPending ? refuseRelay("membership_pending") : target;
  }

  #keep(target: MemberState | RelayRefusal): Decision {
    return "ok" in target ? target : { ok: true, changes: [] };
  }

  #set(after: MemberState): Decision {
    return { ok: true, changes: [this.#members.set(after)] };
  }
}
