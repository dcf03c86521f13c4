import type { GroupKind, MemberState } from "../../../actors/relay/group-kind.ts";
import type { MemberOperation } from "../../../actors/relay/group-messages.ts";
import { NaiveMembership, type Outcome } from "./naive-membership.ts";

const returnMs = 30_000;
const followMs = 10_000;

/** Those whose sessions are to come after a move, until a time. */
interface Window {
  readonly userIds: readonly string[];
  readonly until: number;
}

/**
 * A group as its README tells it: a membership ends with the last session of the user, who is within
 * 30 s what it was, and nobody inherits what somebody may come back for.
 */
export class NaiveGroup {
  readonly members: NaiveMembership;
  readonly #maxMembers: number;
  /** Wall clock, ms; of whole ms, as all times here. */
  now: number;
  readonly away: Map<string, { readonly state: MemberState; readonly until: number }> = new Map();
  readonly following: Set<string> = new Set();
  #windows: Window[] = [];
  /** When it has another look at itself, though nobody asks. */
  #looksAt: number;
  said = 0;
  isOver = false;
  /** How many have come back as what they were. */
  returned = 0;

  constructor(kind: GroupKind, isDurable: boolean, maxMembers: number, now: number) {
    this.members = new NaiveMembership(kind, isDurable);
    this.#maxMembers = maxMembers;
    this.now = now;
    this.#looksAt = now + followMs;
  }

  /** Users with sessions, and those whose sessions are awaited. */
  connected(): string[] {
    const here = this.members.people.filter(({ sessions }) => sessions.length > 0);
    return [...new Set([...here.map(({ userId }) => userId), ...this.following])];
  }

  /** "closed": the group is over with it. */
  enter(userId: string, key: string): Outcome {
    const { members } = this;
    if (!members.find(userId)) {
      const hasRoom = members.people.length < this.#maxMembers;
      if (hasRoom && this.#comeBack(userId)) this.#settle();
      if (this.isOver) return "closed";
    }
    const outcome = members.join(userId, this.now, this.#maxMembers);
    if (outcome === "ok") this.#attach(userId, key);
    return outcome;
  }

  /** Sessions end, all at once. */
  cut(keys: readonly string[]): void {
    this.#depart(() => this.members.detachAll(keys, true));
  }

  leave(userId: string): Outcome {
    return this.#orAway(
      userId,
      "not_a_member",
      this.members.leave(userId, this.now, this.#isMissed),
    );
  }

  operate(operation: MemberOperation, by: string | null, userId: string): Outcome {
    const outcome = this.members[operation](by, userId, this.now, this.#isMissed);
    if (operation === "remove") return this.#orAway(userId, "no_such_member", outcome);
    if (outcome === "ok") this.#settle();
    return outcome;
  }

  /** A fan-out says whom it has: users with the keys of their sessions. */
  reenter(claimed: readonly (readonly [userId: string, keys: readonly string[]])[]): void {
    for (const [userId] of claimed) this.#comeBack(userId);
    for (const [userId, keys] of claimed) {
      for (const key of keys) this.#attach(userId, key);
    }
    this.#settle();
  }

  /** Another copy, whose members are all awaited here. */
  merge(states: readonly MemberState[]): void {
    for (const { userId } of states) this.#comeBack(userId);
    this.members.merge(states);
    this.#await(states.map(({ userId }) => userId));
    this.#settle();
  }

  /** It goes on elsewhere, all sessions are to follow. */
  move(): void {
    const connected = this.connected();
    this.members.restart();
    for (const [userId, { state }] of this.away) {
      this.away.set(userId, { state, until: this.now + returnMs });
    }
    this.#windows = [];
    this.following.clear();
    this.#await(connected);
    this.#looksAt = this.now + followMs;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (let next = this.#nextAt(); next <= end && !this.isOver; next = this.#nextAt()) {
      this.now = next;
      this.#happen();
    }
    this.now = end;
  }

  #nextAt(): number {
    const times = [...this.away.values(), ...this.#windows].map(({ until }) => until);
    return Math.min(this.#looksAt, ...times);
  }

  #happen(): void {
    const { now } = this;
    for (const [userId, { until }] of [...this.away]) if (until <= now) this.away.delete(userId);
    const over = this.#windows.filter(({ until }) => until <= now);
    this.#windows = this.#windows.filter(({ until }) => until > now);
    for (const { userIds } of over) {
      for (const userId of userIds) this.following.delete(userId);
      this.#depart(() => this.members.expire(userIds));
    }
    if (this.#looksAt <= now) this.#looksAt = Number.POSITIVE_INFINITY;
    this.#settle();
  }

  /** Whether somebody who is no member may be one again. */
  get #isMissed(): boolean {
    return this.away.size > 0;
  }

  #attach(userId: string, key: string): void {
    if (this.members.find(userId)?.sessions.includes(key)) return;
    this.members.attach(userId, key);
  }

  #await(userIds: readonly string[]): void {
    const late = userIds.filter((userId) => !this.members.find(userId)?.sessions.length);
    if (this.members.isDurable || late.length === 0) return;
    for (const userId of late) this.following.add(userId);
    this.#windows.push({ userIds: late, until: this.now + followMs });
  }

  #comeBack(userId: string): boolean {
    const known = this.away.get(userId);
    if (known === undefined) return false;
    this.away.delete(userId);
    this.members.merge([known.state]);
    this.returned += 1;
    return true;
  }

  #orAway(userId: string, refusal: Outcome, outcome: Outcome): Outcome {
    const isAway = outcome === refusal && this.away.delete(userId);
    if (!isAway && outcome !== "ok") return outcome;
    this.#settle();
    return "ok";
  }

  /** Who is a member no more after it is away; where another has become admin, as no admin. */
  #depart(act: () => void): void {
    const before = this.members.states();
    act();
    const admins = this.members.people.filter(({ role }) => role === "admin");
    const wasAdmin = ({ userId }: { readonly userId: string }): boolean =>
      before.some((state) => state.userId === userId && state.role === "admin");
    const hasHeir = admins.some((admin) => !wasAdmin(admin));
    for (const state of before) {
      if (this.members.find(state.userId)) continue;
      const known: MemberState = hasHeir ? { ...state, role: "member" } : state;
      this.away.set(state.userId, { state: known, until: this.now + returnMs });
    }
    this.#settle();
  }

  #settle(): void {
    const { people, kind } = this.members;
    if (people.length === 0 && kind === "public" && this.said === 0) this.away.clear();
    // Where nobody is a member those who were to follow have left.
    if (this.away.size > 0 || (people.length > 0 && this.following.size > 0)) return;
    this.members.settle();
    this.isOver = this.members.people.length === 0;
  }
}
