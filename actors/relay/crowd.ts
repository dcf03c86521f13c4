import type { ActorRef } from "#runtime";
import type { Fanout } from "./fanout.ts";
import { FanoutLink, type LinkOwner, type Telling } from "./fanout-link.ts";
import type { Claim, EnterRequest, ReenterAnswer } from "./fanout-messages.ts";
import { isReceiving, type MemberState } from "./group-kind.ts";
import { type GroupPlace, noteMember } from "./group-place.ts";
import {
  byFanout,
  byNumber,
  type FanoutLinks,
  type GroupSession,
  listSessions,
} from "./group-sessions.ts";
import type { Decision, MemberChange, Membership } from "./membership.ts";
import type { MessageLog } from "./message-log.ts";
import { nextPresenceNo, PresenceChanges, type PresenceState, selectPresence } from "./presence.ts";
import type { RelayRefusal } from "./refusal.ts";
import { tellJoin, tellLeave } from "./relay-telemetry.ts";

/** A session that is in the group now. */
export interface Entered {
  readonly ok: true;
  readonly member: MemberState;
  /** Who is here, for a fan-out that had no session to tell it to; null for the others. */
  readonly presence: PresenceState | null;
}

/**
 * The members of a group with their sessions: applies what the membership decides, and tells the
 * fan-outs, the disk and the roster of it.
 */
export class Crowd implements LinkOwner {
  readonly #place: GroupPlace;
  readonly #log: Pick<MessageLog, "offset">;
  #links: FanoutLinks = null;
  #tellsPresence: boolean;
  /** What of the presence has to be told soon; null: nothing. */
  #untold: PresenceChanges | null = null;

  constructor(place: GroupPlace, log: Pick<MessageLog, "offset">) {
    this.#place = place;
    this.#log = log;
    this.#tellsPresence = place.settings.presence;
  }

  get place(): GroupPlace {
    return this.#place;
  }

  /** The fan-outs with sessions of the group, and those that have to be told something. */
  links(): Iterable<FanoutLink> {
    return byFanout.values(this.#links);
  }

  /** The way to a fan-out, for now: it is not to be kept. */
  linkTo(ref: ActorRef<Fanout>): FanoutLink {
    return byFanout.get(this.#links, ref.nearKey) ?? new FanoutLink(ref, this);
  }

  /** Keeps the link, and watches its fan-out, for as long as it is in use. */
  review(link: FanoutLink): void {
    const { nearKey } = link.ref;
    const isKept = byFanout.get(this.#links, nearKey) !== undefined;
    if (isKept === link.isInUse) return;
    if (isKept) {
      this.#links = byFanout.delete(this.#links, nearKey);
      this.#place.context.unwatch(link.ref);
    } else {
      this.#links = byFanout.set(this.#links, link);
      this.#place.context.watch(link.ref);
    }
  }

  /** Tells something to every fan-out that has somebody to give it to. */
  tellReceiving(telling: Telling): void {
    for (const link of this.links()) if (link.receiving > 0) link.tell(telling);
  }

  /** Sessions that messages are for. */
  get recipients(): number {
    return this.#membership.recipients;
  }

  /** Users with a session. */
  connected(): string[] {
    return [...new Set(listSessions(this.#links).map(({ userId }) => userId))];
  }

  /** Makes a user a member who is none; null: it is one now. */
  join(userId: string): RelayRefusal | null {
    const { context, settings, record } = this.#place;
    if (this.#membership.get(userId) !== undefined) return null;
    const now = context.clock.wallTime();
    const decision = record?.refusal ?? this.#membership.join(userId, now, settings.maxMembers);
    if (!decision.ok) return decision;
    this.#apply(decision.changes);
    return null;
  }

  /** A session of a member comes. */
  enter(ref: ActorRef<Fanout>, request: EnterRequest): Entered {
    const { userId, session, deviceId, meta, isOfTopic } = request;
    const link = this.linkTo(ref);
    const isBlind = link.watching === 0;
    this.#add(link, { session, userId, deviceId, meta, isOfTopic });
    const member = this.#membership.get(userId) as MemberState;
    return { ok: true, member, presence: this.#presenceFor(link, isBlind) };
  }

  /**
   * A fan-out says which sessions it has. If it is trusted members that are unknown here come back;
   * the sessions of the others stay out. Of those that are known it may have heard more. `gone`: whose
   * sessions it has no more, as of {@link exit}.
   */
  reenter(
    ref: ActorRef<Fanout>,
    claim: Claim,
    isTrusted: boolean,
  ): Pick<ReenterAnswer, "members" | "presence"> & { readonly gone: MemberState[] } {
    const link = this.linkTo(ref);
    const claimed = new Set(
      claim.members.flatMap(({ sessions }) => sessions.map((s) => s.session)),
    );
    const gone = this.#leave(
      [...byNumber.values(link.sessions)].filter(({ session }) => !claimed.has(session)),
    );
    const news = claim.members.filter(({ userId, joinedAt, version }) => {
      const known = this.#membership.get(userId);
      if (known === undefined) return isTrusted;
      return joinedAt === known.joinedAt && version > known.version;
    });
    this.change(this.#membership.merge(news.map(({ sessions: _, ...state }) => state)));
    const members: MemberState[] = [];
    for (const { userId, sessions } of claim.members) {
      const member = this.#membership.get(userId);
      if (member === undefined) continue;
      members.push(member);
      for (const session of sessions) this.#add(link, { ...session, userId });
    }
    return { members, presence: this.#presenceFor(link, true), gone };
  }

  /** Sessions have ended; the result is who was a member only by them, as it may come back. */
  exit(ref: ActorRef<Fanout>, sessions: readonly number[]): MemberState[] {
    const link = this.linkTo(ref);
    const ended = [...new Set(sessions)];
    return this.#leave(ended.flatMap((session) => byNumber.get(link.sessions, session) ?? []));
  }

  /** The same for a fan-out that is gone with all its sessions. */
  lose(ref: ActorRef): MemberState[] {
    const link = this.linkTo(ref as ActorRef<Fanout>);
    link.end();
    return this.#leave([...byNumber.values(link.sessions)]);
  }

  /** Applies what was decided of the membership. */
  change(decision: Decision): void {
    if (decision.ok) this.#apply(decision.changes);
  }

  get #membership(): Membership {
    return this.#place.membership;
  }

  #add(link: FanoutLink, given: Omit<GroupSession, "link" | "onlineAt" | "no">): void {
    const { session, userId, deviceId, meta, isOfTopic } = given;
    if (byNumber.get(link.sessions, session) !== undefined) return;
    if (!this.#membership.attach(userId)) return;
    const added = { link, session, userId, deviceId, meta, isOfTopic, onlineAt: 0, no: 0 };
    link.sessions = byNumber.set(link.sessions, added);
    this.review(link);
    if (this.#membership.receives(userId)) this.#begin(added);
  }

  /** They end at once: none of their users becomes admin on the way. */
  #leave(sessions: readonly GroupSession[]): MemberState[] {
    for (const session of sessions) {
      if (this.#membership.receives(session.userId)) this.#end(session);
      this.#forget(session);
    }
    const userIds = sessions.map(({ userId }) => userId);
    return this.#part(this.#membership.detachAll(userIds, true));
  }

  /** Members without a session are members no more; the result as of {@link exit}. */
  expire(userIds: readonly string[]): MemberState[] {
    return this.#part(this.#membership.expire(userIds));
  }

  /** Those who are gone have no session left. */
  #part(decision: Decision): MemberState[] {
    if (!decision.ok) return [];
    this.#apply(decision.changes, true);
    // Where another has become admin, there is one.
    const hasHeir = decision.changes.some(({ after }) => after?.role === "admin");
    return decision.changes.flatMap(({ before, after }) => {
      if (before === null || after !== null) return [];
      return hasHeir ? { ...before, role: "member" } : before;
    });
  }

  #forget({ link, session }: GroupSession): void {
    link.sessions = byNumber.delete(link.sessions, session);
    this.review(link);
  }

  /** @param haveLeft who is gone has no session: of thousands, it is not looked for */
  #apply(changes: readonly MemberChange[], haveLeft = false): void {
    if (changes.length === 0) return;
    const members: MemberState[] = [];
    const gone: string[] = [];
    for (const change of changes) {
      const { userId, before, after } = change;
      if (after === null) gone.push(userId);
      else members.push(after);
      if (before === null || after === null) this.#note(userId, after);
      if (before !== null && !(haveLeft && after === null)) this.#tell(change, before);
    }
    void this.#place.record?.write({ members, gone, removed: this.#membership.removedOf(gone) });
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
    const sessions = listSessions(this.#links).filter((session) => session.userId === userId);
    const blind = new Set(
      sessions.map(({ link }) => link).filter(({ watching }) => watching === 0),
    );
    for (const session of sessions) {
      if (did && !does) this.#end(session);
      if (!did && does) this.#begin(session);
    }
    for (const link of new Set(sessions.map((session) => session.link))) {
      const presence = does ? this.#presenceFor(link, blind.has(link)) : null;
      const { groupId } = this.#place;
      const { offset } = this.#log;
      const member = after ?? before;
      link.tell((to) => to.changed(groupId, member, after === null, offset, presence));
    }
    if (after === null) for (const session of sessions) this.#forget(session);
  }

  /** Messages reach the session from now on. */
  #begin(session: GroupSession): void {
    this.#count(session, 1);
    if (!this.#tellsPresence) return;
    if (this.#membership.recipients > this.#place.settings.maxPresence) {
      this.#stopPresence();
      return;
    }
    session.onlineAt = Math.floor(this.#place.context.clock.wallTime() / 1_000);
    session.no = nextPresenceNo();
    this.#tellLater().join(session);
  }

  #end(session: GroupSession): void {
    this.#count(session, -1);
    if (this.#tellsPresence) this.#tellLater().leave(session);
  }

  #count({ link, isOfTopic }: GroupSession, by: 1 | -1): void {
    link.receiving += by;
    if (isOfTopic) link.watching += by;
  }

  /** What a fan-out has to know that has somebody to tell now; those that had somebody know it. */
  #presenceFor(link: FanoutLink, wasBlind: boolean): PresenceState | null {
    return wasBlind && link.watching > 0 ? this.#presentNow() : null;
  }

  /** All who are here; the others have been told then as well. Null: it is not told. */
  #presentNow(): PresenceState | null {
    if (!this.#tellsPresence) return null;
    this.#tellPresence();
    return selectPresence(listSessions(this.#links));
  }

  /** Changes of a short time are told together: a storm of joins is not a storm of pushes. */
  #tellLater(): PresenceChanges {
    if (this.#untold !== null) return this.#untold;
    const { context, settings } = this.#place;
    context.after(settings.presenceIntervalMs, () => this.#tellPresence());
    this.#untold = new PresenceChanges();
    return this.#untold;
  }

  #tellPresence(): void {
    const diff = this.#untold?.diff() ?? null;
    this.#untold = null;
    if (diff === null) return;
    const { groupId } = this.#place;
    for (const link of this.links()) {
      if (link.watching > 0) link.tell((to) => to.presence(groupId, diff));
    }
  }

  /** The group has grown too large to tell everybody of everybody: for those who know, all have left. */
  #stopPresence(): void {
    // What is new has been told with the state already: it must have come before it goes.
    this.#tellPresence();
    for (const session of listSessions(this.#links)) {
      if (session.no > 0) this.#tellLater().leave(session);
    }
    this.#tellPresence();
    this.#tellsPresence = false;
    const { groupId, context } = this.#place;
    context.log("info", "a group has grown too large for presence", { groupId });
  }
}
