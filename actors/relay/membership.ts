import { type GroupKind, isReceiving, type MemberState } from "./group-kind.ts";
import { type MemberChange, Members } from "./members.ts";
import { decidePermission, type GroupAction } from "./permission.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import type { RemovedMember } from "./removed-members.ts";

export type { MemberChange } from "./members.ts";

/** A group's members, as they travel and are stored. */
export interface MembershipState {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  /** In the order of joining. */
  readonly members: readonly MemberState[];
  /** Who was one, where that is remembered; absent: nobody. */
  readonly removed?: readonly RemovedMember[];
}

/** Versions begin low: who joins where nobody knows of an older membership is to lose nothing by it. */
const joined = 1;
/** As if it had joined, been accepted, and been promoted. */
const founded = 3;

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
 *
 * Versions: a decision raises that of the member by one, so that it counts for more than what it was
 * made of, and no more than that. Muting raises it to the time, and a removal ends all that began
 * before it: both count for more than whatever is decided elsewhere without knowing of them.
 */
export class Membership {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  readonly #members: Members;

  private constructor(state: MembershipState, isNew: boolean) {
    this.kind = state.kind;
    this.isDurable = state.isDurable;
    this.#members = new Members(state.isDurable, state.members, state.removed ?? [], isNew);
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
      members.push(founderOf(creator, at, 0));
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
    const { kind, isDurable } = this;
    const removed = this.#members.removed();
    const members = [...this.#members.values()];
    return { kind, isDurable, members, ...(removed.length > 0 ? { removed } : {}) };
  }

  /** Those of the users whose end is remembered. */
  removedOf(userIds: readonly string[]): readonly RemovedMember[] {
    return userIds.flatMap((userId) => {
      const removedAt = this.#members.removedAt(userId);
      return removedAt === undefined ? [] : { userId, removedAt };
    });
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
    const before = this.#members.removedAt(userId) ?? 0;
    const joinedAt = Math.max(at, before + 1);
    if (this.#members.isFirst) return this.#set(founderOf(userId, joinedAt, before));
    const status = this.kind === "public" ? "active" : "pending";
    return this.#set({ userId, role: "member", status, joinedAt, version: before + joined });
  }

  /**
   * Ends a membership of any status at `at` (wall clock, ms).
   * @param mayReturn as of {@link detachAll}: others who are gone may come back
   * @returns `not_a_member`.
   */
  leave(userId: string, at: number, mayReturn = false): Decision {
    if (this.#members.get(userId) === undefined) return refuseRelay("not_a_member");
    return { ok: true, changes: this.#members.remove(userId, at, mayReturn) };
  }

  /**
   * Makes a pending member active. Muted ones stay muted.
   * @param by null: the system, here and below: it may do all that groups of the kind have.
   * @returns a refusal of {@link decidePermission}; `no_such_member`.
   */
  accept(by: string | null, userId: string): Decision {
    const target = this.#target(by, "accept", userId);
    if ("ok" in target || target.status !== "pending") return this.#keep(target);
    return this.#set({ ...target, status: "active", version: target.version + 1 });
  }

  /**
   * Takes a member the right to send, at `at` (wall clock, ms). An admin is one no more then: it could
   * unmute itself.
   * @returns a refusal of {@link decidePermission}; `no_such_member`; `membership_pending` for a
   *   member that is pending; `last_admin`.
   */
  mute(by: string | null, userId: string, at: number): Decision {
    const target = this.#accepted(by, "mute", userId);
    if ("ok" in target || target.status === "muted") return this.#keep(target);
    if (this.#members.isLastAdmin(target)) return refuseRelay("last_admin");
    const version = Math.max(target.version + 1, at);
    return this.#set({ ...target, role: "member", status: "muted", version });
  }

  /** Gives it back. @returns the refusals of {@link mute}, without `last_admin`. */
  unmute(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "unmute", userId);
    if ("ok" in target || target.status !== "muted") return this.#keep(target);
    return this.#set({ ...target, status: "active", version: target.version + 1 });
  }

  /** Makes a member an admin, and active if it is muted. @returns the refusals of {@link unmute}. */
  promote(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "promote", userId);
    if ("ok" in target || target.role === "admin") return this.#keep(target);
    const version = target.version + 1;
    return this.#set({ ...target, role: "admin", status: "active", version });
  }

  /** Makes an admin a member again. @returns the refusals of {@link mute}. */
  demote(by: string | null, userId: string): Decision {
    const target = this.#accepted(by, "demote", userId);
    if ("ok" in target || target.role === "member") return this.#keep(target);
    if (this.#members.isLastAdmin(target)) return refuseRelay("last_admin");
    return this.#set({ ...target, role: "member", version: target.version + 1 });
  }

  /** Ends a membership, be it one's own, as {@link leave}. @returns the refusals of {@link accept}. */
  remove(by: string | null, userId: string, at: number, mayReturn = false): Decision {
    const target = this.#target(by, "remove", userId);
    return "ok" in target ? target : this.leave(userId, at, mayReturn);
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

  /** Adds a session of a member; false: the user is none. */
  attach(userId: string): boolean {
    return this.#members.attach(userId);
  }

  /**
   * Removes sessions that ended at once, and then the members that are not durable and have no
   * other: none of them becomes admin in between. Users without a session are passed over.
   * @param userIds whose they were, each as often as sessions have ended
   * @param mayReturn those who are pending do not end with the last one that was accepted, nor is who
   *   comes next the first, before {@link settle}
   */
  detachAll(userIds: Iterable<string>, mayReturn = false): Decision {
    return { ok: true, changes: this.#members.detach(userIds, mayReturn) };
  }

  /** Ends those of the members that are not durable and have no session; they may return. */
  expire(userIds: readonly string[]): Decision {
    return { ok: true, changes: this.#members.expire(userIds) };
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
   * Takes in what another copy knows: a claim, a stored one. Of the states of one user that of the
   * higher version counts, else the stricter one, and those who were removed are not brought back. All
   * are in the order of `joinedAt` then; of equal ones, those that were here come first.
   * No limit is asked. Without an admin it waits for one, as after {@link Membership.restore}.
   */
  merge(members: Iterable<MemberState>, removed?: readonly RemovedMember[]): Decision {
    return { ok: true, changes: this.#members.merge(members, removed) };
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

/** The admin that a group begins with; `before`: when the last membership ended, 0: that is not known. */
function founderOf(userId: string, joinedAt: number, before: number): MemberState {
  return { userId, role: "admin", status: "active", joinedAt, version: before + founded };
}
