import type { ActorRef } from "#runtime";
import type { Fanout } from "./fanout.ts";
import type { Claim, EnterRequest, ReenterAnswer } from "./fanout-messages.ts";
import { isReceiving, type MemberState } from "./group-kind.ts";
import { type GroupPlace, noteMember } from "./group-place.ts";
import { type FanoutLink, type GroupSession, GroupSessions } from "./group-sessions.ts";
import type { Decision, MemberChange, Membership } from "./membership.ts";
import { Presence, type PresenceState } from "./presence.ts";
import type { RelayRefusal } from "./refusal.ts";
import { tellJoin, tellLeave } from "./relay-telemetry.ts";

/** A session that is in the group now. */
export interface Entered {
  readonly ok: true;
  readonly member: MemberState;
  /** Who is here, for a fan-out that had no receiving session; null for the others. */
  readonly presence: PresenceState | null;
}

/**
 * The members of a group with their sessions: applies what the membership decides, and tells the
 * fan-outs, the disk and the roster of it.
 */
export class Crowd {
  readonly #place: GroupPlace;
  readonly #membership: Membership;
  readonly #lastOffset: () => number;
  readonly #sessions = new GroupSessions();
  /** Null: nobody has come yet, or the group tells no presence. */
  #presence: Presence | null = null;
  #tellsPresence: boolean;
  #isTelling = false;

  /** @param lastOffset of the group's messages, those that were relayed. */
  constructor(place: GroupPlace, lastOffset: () => number) {
    this.#place = place;
    this.#lastOffset = lastOffset;
    this.#membership = place.membership;
    this.#tellsPresence = place.settings.presence;
  }

  /** The fan-outs with sessions of the group. */
  links(): Iterable<FanoutLink> {
    return this.#sessions.links();
  }

  /** Users with a session. */
  connected(): string[] {
    const users = new Set<string>();
    for (const { sessions } of this.links()) {
      for (const { userId } of sessions.values()) users.add(userId);
    }
    return [...users];
  }

  /** A session comes; its user joins, or is a member already. */
  enter(ref: ActorRef<Fanout>, request: EnterRequest): Entered | RelayRefusal {
    const { context, settings } = this.#place;
    const { userId } = request;
    const now = context.clock.wallTime();
    const decision = this.#membership.join(userId, now, settings.maxMembers);
    if (!decision.ok) return decision;
    const link = this.#sessions.linkOf(ref);
    const isFirst = link.receiving === 0;
    this.#add(link, request.session, userId, request.deviceId, request.meta);
    this.#apply(decision.changes);
    const member = this.#membership.get(userId) as MemberState;
    return { ok: true, member, presence: this.#presenceFor(link, isFirst) };
  }

  /**
   * A fan-out says which sessions it has. Members that are unknown here come back when `trusts` says
   * so; the sessions of the others stay out.
   */
  reenter(
    ref: ActorRef<Fanout>,
    claim: Claim,
    trusts: (userId: string) => boolean,
  ): Pick<ReenterAnswer, "members" | "presence"> {
    const link = this.#sessions.linkOf(ref);
    const claimed = new Set(
      claim.members.flatMap(({ sessions }) => sessions.map((s) => s.session)),
    );
    this.#leave([...link.sessions.values()].filter(({ session }) => !claimed.has(session)));
    const back = claim.members.filter(
      ({ userId }) => this.#membership.get(userId) === undefined && trusts(userId),
    );
    const merged = this.#membership.merge(
      back.map(({ userId, role, status, joinedAt }) => ({ userId, role, status, joinedAt })),
    );
    const members: MemberState[] = [];
    for (const { userId, sessions } of claim.members) {
      const member = this.#membership.get(userId);
      if (member === undefined) continue;
      members.push(member);
      for (const { session, deviceId, meta } of sessions) {
        this.#add(link, session, userId, deviceId, meta);
      }
    }
    if (merged.ok) this.#apply(merged.changes);
    return { members, presence: this.#presentNow() };
  }

  /** Sessions have ended; the result is who was a member only by them, as it may come back. */
  exit(ref: ActorRef<Fanout>, sessions: readonly number[]): MemberState[] {
    const link = this.#sessions.linkOf(ref);
    return this.#leave(sessions.flatMap((session) => link.sessions.get(session) ?? []));
  }

  /** The same for a fan-out that is gone with all its sessions. */
  lose(ref: ActorRef): MemberState[] {
    const link = this.#sessions.linkOf(ref as ActorRef<Fanout>);
    return this.#leave([...link.sessions.values()]);
  }

  /** Applies what was decided of the membership. */
  change(decision: Decision): void {
    if (decision.ok) this.#apply(decision.changes);
  }

  #add(
    link: FanoutLink,
    session: number,
    userId: string,
    deviceId: string | null,
    meta: Readonly<Record<string, unknown>>,
  ): void {
    if (link.sessions.has(session)) return;
    const key = `${link.ref.key} ${session}`;
    if (!this.#membership.attach(userId, key)) return;
    const added = { key, link, session, userId, deviceId, meta };
    if (this.#sessions.add(added)) this.#place.context.watch(link.ref);
    if (this.#membership.receives(userId)) this.#begin(added);
  }

  /** They end at once: none of their users becomes admin on the way. */
  #leave(sessions: readonly GroupSession[]): MemberState[] {
    for (const session of sessions) {
      if (this.#membership.receives(session.userId)) this.#end(session);
      this.#forget(session);
    }
    const decision = this.#membership.detachAll(
      sessions.map(({ key }) => key),
      true,
    );
    if (!decision.ok) return [];
    this.#apply(decision.changes);
    // Where another has become admin, there is one.
    const hasHeir = decision.changes.some(({ after }) => after?.role === "admin");
    return decision.changes.flatMap(({ before, after }) => {
      if (before === null || after !== null) return [];
      return hasHeir ? { ...before, role: "member" } : before;
    });
  }

  #forget(session: GroupSession): void {
    if (this.#sessions.remove(session)) this.#place.context.unwatch(session.link.ref);
  }

  #apply(changes: readonly MemberChange[]): void {
    if (changes.length === 0) return;
    const members: MemberState[] = [];
    const gone: string[] = [];
    for (const change of changes) {
      const { userId, before, after } = change;
      if (after === null) gone.push(userId);
      else members.push(after);
      if (before === null || after === null) this.#note(userId, after);
      if (before !== null) this.#tell(change, before);
    }
    void this.#place.record?.write({ members, gone });
  }

  #note(userId: string, after: MemberState | null): void {
    const { groupId } = this.#place;
    noteMember(this.#place, userId, after !== null);
    if (after === null) tellLeave(groupId, userId, this.#membership.size);
    else tellJoin(groupId, after);
  }

  /** Tells the fan-outs where the member has sessions. */
  #tell({ userId, after }: MemberChange, before: MemberState): void {
    const did = isReceiving(before);
    const does = after !== null && isReceiving(after);
    const sessions = this.#sessions.ofUser(userId);
    const quiet = new Set(
      sessions.map(({ link }) => link).filter(({ receiving }) => receiving === 0),
    );
    for (const session of sessions) {
      if (did && !does) this.#end(session);
      if (!did && does) this.#begin(session);
    }
    for (const link of new Set(sessions.map((session) => session.link))) {
      const presence = does ? this.#presenceFor(link, quiet.has(link)) : null;
      const { groupId } = this.#place;
      const offset = this.#lastOffset();
      link.ref.tell.changed(groupId, after ?? before, after === null, offset, presence);
    }
    if (after === null) for (const session of sessions) this.#forget(session);
  }

  /** Messages reach the session from now on. */
  #begin({ link, userId, key, deviceId, meta }: GroupSession): void {
    link.receiving += 1;
    if (!this.#tellsPresence) return;
    this.#presence ??= new Presence();
    if (this.#presence.size >= this.#place.settings.maxPresence) {
      this.#stopPresence();
      return;
    }
    const at = Math.floor(this.#place.context.clock.wallTime() / 1_000);
    const device = deviceId === null ? {} : { device_id: deviceId };
    this.#presence.track(userId, key, { ...meta, ...device, online_at: at });
    this.#tellLater();
  }

  #end({ link, key }: GroupSession): void {
    link.receiving -= 1;
    if (this.#presence === null) return;
    this.#presence.untrack(key);
    this.#tellLater();
  }

  /** What a fan-out whose first receiving session has come has to know; those that had one know it. */
  #presenceFor(link: FanoutLink, wasQuiet: boolean): PresenceState | null {
    return wasQuiet && link.receiving > 0 ? this.#presentNow() : null;
  }

  /** All who are here; the others have been told then as well. Null: it is not told. */
  #presentNow(): PresenceState | null {
    if (this.#presence === null) return null;
    this.#tellPresence(this.#presence);
    return this.#presence.state();
  }

  /** Changes of a short time are told together: a storm of joins is not a storm of pushes. */
  #tellLater(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const { context, settings } = this.#place;
    context.after(settings.presenceIntervalMs, () => {
      this.#isTelling = false;
      if (this.#presence !== null) this.#tellPresence(this.#presence);
    });
  }

  #tellPresence(presence: Presence): void {
    const diff = presence.takeDiff();
    if (diff === null) return;
    for (const { ref, receiving } of this.links()) {
      if (receiving > 0) ref.tell.presence(this.#place.groupId, diff);
    }
  }

  /** The group has grown too large to tell everybody of everybody: for those who know, all have left. */
  #stopPresence(): void {
    this.#tellsPresence = false;
    const presence = this.#presence;
    this.#presence = null;
    if (presence === null) return;
    // What is new has been told with the state already: it must have come before it goes.
    this.#tellPresence(presence);
    for (const { sessions } of this.links()) {
      for (const { key } of sessions.values()) presence.untrack(key);
    }
    this.#tellPresence(presence);
    const { groupId, context } = this.#place;
    context.log("info", "a group has grown too large for presence", { groupId });
  }
}
