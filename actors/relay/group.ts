import { Actor, type ActorRef, type Signal } from "#runtime";
import { admitMember } from "./admission.ts";
import { Crowd } from "./crowd.ts";
import { Departed } from "./departed.ts";
import type { Fanout } from "./fanout.ts";
import type { Claim, EnterAccepted, EnterRequest } from "./fanout-messages.ts";
import { type Eventually, GroupDoor } from "./group-door.ts";
import type { MemberState } from "./group-kind.ts";
import type {
  GroupAnswer,
  GroupInfo,
  GroupOrigin,
  GroupStart,
  HistoryAnswer,
  InfoAnswer,
  MemberAnswer,
  MemberOperation,
  MessageSource,
  SendAnswer,
  SummaryAnswer,
} from "./group-messages.ts";
import { openGroup } from "./group-origin.ts";
import { type GroupPlace, noteMember } from "./group-place.ts";
import { GroupRecord } from "./group-record.ts";
import type { GroupState } from "./group-state.ts";
import type { Decision, Membership } from "./membership.ts";
import { MessageLog } from "./message-log.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import { tellCreate, tellDelete, tellMove, tellRestore } from "./relay-telemetry.ts";
import { relayRouterOf } from "./router.ts";

/** How long a group that has moved still says where to. */
const forwardMs = 5_000;
/** How long those who were connected have to come back, after a move or a loss of the group. */
const graceMs = 10_000;
/** Members that `info` lists. */
const maxListed = 1_000;

/**
 * A group: its members, its messages in their one order, and who is to get them. It is a child of the
 * shard that is its home, spawned with a concurrency, so that what waits for the disk or for a move
 * holds nobody else up.
 *
 * Its fan-outs are told in one order: who enters gets what it missed, then every message that follows.
 * While it is being moved it waits; afterwards it says where it has gone, for 5 s. A group ends when it
 * is deleted, or has no member left and nobody who was lost may come back.
 */
export class Group extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #place: GroupPlace;
  readonly #createdAt: number;
  readonly #crowd: Crowd;
  readonly #log: MessageLog;
  readonly #door: GroupDoor;
  /** Who may come back as what it was; null: nobody. */
  #departed: Departed | null = null;
  /** Until then every claim is believed, on the clock's `now`. */
  readonly #trustsUntil: number;

  constructor({ groupId, settings, origin }: GroupStart) {
    super();
    const { context } = this;
    const begun = openGroup(settings, origin, context.clock.wallTime(), this.#newEpoch());
    const { membership, createdAt } = begun;
    const isKept = membership.isDurable && settings.storage !== null;
    const record = isKept ? new GroupRecord(context, groupId, () => this.#state()) : null;
    const router = relayRouterOf(context);
    this.#door = new GroupDoor(groupId);
    this.#place = { groupId, context, settings, router, membership, record };
    this.#createdAt = createdAt;
    this.#crowd = new Crowd(this.#place, () => this.#log.offset);
    this.#log = new MessageLog(this.#place, this.#crowd, begun.history);
    const isSure = origin.type === "new" || origin.type === "moved";
    this.#trustsUntil = isSure ? Number.NEGATIVE_INFINITY : context.clock.now() + graceMs;
    if (origin.type !== "new" || membership.isEmpty) {
      const connected = origin.type === "moved" ? (origin.state.connected ?? []) : [];
      context.after(graceMs, () => this.#settle(connected));
    }
    this.#begin(origin);
  }

  // --- from fan-outs -------------------------------------------------------------------------

  /** A session wants in: the fan-out is told `entered`. */
  enter(fanout: ActorRef<Fanout>, request: EnterRequest): Eventually<void> {
    return this.#door.admit(fanout, () => {
      if (this.#membership.get(request.userId) !== undefined) return this.#enter(fanout, request);
      const { userId } = request;
      const home = this.#place.router.shardOf(userId);
      return admitMember(home, userId, this.#groupId).then((isAdmitted) => {
        // Its home has noted a group that is over.
        if (this.#door.isOver) noteMember(this.#place, userId, false);
        return this.#door.admit(fanout, () => {
          if (isAdmitted) return this.#enter(fanout, request);
          const limit = this.#place.settings.maxGroupsPerUser;
          const refusal = refuseRelay("too_many_groups", { limit });
          fanout.tell.entered(this.#groupId, request.no, refusal);
          return this.#endIfEmpty();
        });
      });
    });
  }

  /** A fan-out that has lost the group says what it knows: it is told `reentered`. */
  reenter(fanout: ActorRef<Fanout>, claim: Claim): Eventually<void> {
    return this.#door.admit(fanout, () => {
      const trusts = (userId: string): boolean =>
        this.#departed?.has(userId) === true || !this.#isSure;
      const answer = this.#crowd.reenter(fanout, claim, trusts);
      const recovery = this.#log.recover(claim.offset, claim.epoch);
      if (!recovery.recovered) this.#log.continueAfter(claim.offset);
      const { epoch, offset } = this.#log;
      fanout.tell.reentered(this.#groupId, { ...answer, ...recovery, epoch, offset });
    });
  }

  /** Sessions have ended. */
  exit(fanout: ActorRef<Fanout>, sessions: readonly number[]): Eventually<void> {
    return this.#door.admit(null, () => {
      this.#remember(this.#crowd.exit(fanout, sessions));
    });
  }

  // --- from services -------------------------------------------------------------------------

  /** Relays a message, the text of any JSON value, to all that receive. */
  send(source: MessageSource, text: string): Eventually<GroupAnswer<SendAnswer>> {
    return this.#door.answer(() => {
      const { userId } = source;
      const refusal = userId === null ? null : this.#membership.decideSend(userId);
      // Its fan-out has perhaps not told of it yet.
      if (refusal?.code === "not_a_member" && !this.#isSure) return refuseRelay("unavailable");
      return refusal ?? this.#log.send(source, text, this.#membership.recipients);
    });
  }

  /** Ends a user's own membership. */
  leave(userId: string): Eventually<GroupAnswer<MemberAnswer>> {
    return this.#door.answer(() => this.#change(userId, this.#membership.leave(userId)));
  }

  /** Changes what a member is; `by` null: a service or an operator, who may always. */
  operate(
    operation: MemberOperation,
    by: string | null,
    userId: string,
  ): Eventually<GroupAnswer<MemberAnswer>> {
    return this.#door.answer(() => {
      const decision = this.#membership[operation](by, userId);
      // Whoever may remove it need not wait for its return.
      const isAway = !decision.ok && decision.code === "no_such_member";
      if (operation === "remove" && isAway && this.#departed?.take(userId)) return gone;
      return this.#change(userId, decision);
    });
  }

  /** What there is to know; of private groups for their members alone. */
  info(by: string | null): Eventually<GroupAnswer<InfoAnswer>> {
    return this.#door.answer(
      () => this.#membership.decideInfo(by) ?? { ok: true, info: this.#describe() },
    );
  }

  /** The newest `limit` messages before an offset; null: of all. */
  history(
    by: string | null,
    before: number | null,
    limit: number,
  ): Eventually<GroupAnswer<HistoryAnswer | RelayRefusal>> {
    return this.#door.answer(
      () => this.#membership.decideRead(by) ?? this.#log.page(before, limit),
    );
  }

  /** Ends the group for everybody. */
  delete(by: string | null): Eventually<GroupAnswer<{ readonly ok: true } | RelayRefusal>> {
    return this.#door.answer<{ readonly ok: true } | RelayRefusal>(() => {
      const refusal = this.#membership.decideDelete(by);
      return refusal ?? this.#end("deleted").then(() => ({ ok: true }));
    });
  }

  /** The group as a user has it. */
  summary(userId: string): Eventually<GroupAnswer<SummaryAnswer>> {
    return this.#door.answer<SummaryAnswer>(() => {
      const member = this.#membership.get(userId);
      if (member === undefined) return { ok: true, summary: null };
      const { role, status } = member;
      const { kind } = this.#membership;
      return { ok: true, summary: { groupId: this.#groupId, kind, role, status } };
    });
  }

  // --- from shards ---------------------------------------------------------------------------

  /**
   * Begins a move: the state is all of the group, which from now on waits for {@link movedTo} or
   * {@link stay}. Null: it is being moved already, or is over.
   */
  export(): GroupState | null {
    if (!this.#door.shut()) return null;
    return { ...this.#state(), connected: this.#crowd.connected() };
  }

  /** Ends a move: the group is there now. */
  movedTo(group: ActorRef<Group>): void {
    tellMove(this.#groupId, group.node, this.#membership.size);
    for (const { ref } of this.#crowd.links()) ref.tell.moved(this.#groupId, group);
    void this.#record?.remove();
    this.#door.goOn(group);
    this.context.after(forwardMs, () => this.context.stop());
  }

  /** Ends a move that failed. */
  stay(): void {
    this.#door.goOn(null);
  }

  /** Takes in what another copy of the group has: what is here counts where both know something. */
  merge(state: GroupState): void {
    this.#crowd.change(this.#membership.merge(state.members));
    const isAnew = this.#log.merge(state, this.#newEpoch());
    // To the same group: that makes them say what they have seen.
    const self = this.self as ActorRef<Group>;
    if (isAnew) for (const { ref } of this.#crowd.links()) ref.tell.moved(this.#groupId, self);
    void this.#record?.write({ replace: this.#state() });
  }

  /** Tells the shards that know which groups a user is in, should they have changed. */
  renote(): void {
    for (const { userId } of this.#membership.members()) noteMember(this.#place, userId, true);
  }

  // --- the rest is its own -------------------------------------------------------------------

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    this.#remember(this.#crowd.lose(signal.ref));
  }

  /** Whether all who were members before a loss have had the time to say so. */
  get #isSure(): boolean {
    return this.context.clock.now() >= this.#trustsUntil;
  }

  get #groupId(): string {
    return this.#place.groupId;
  }

  get #membership(): Membership {
    return this.#place.membership;
  }

  get #record(): GroupRecord | null {
    return this.#place.record;
  }

  #newEpoch(): string {
    const { clock, random } = this.context;
    const chance = Math.floor(random() * 36 ** 4);
    return `${clock.wallTime().toString(36)}-${chance.toString(36).padStart(4, "0")}`;
  }

  /** Tells of itself, and is written down, at the start. */
  #begin(origin: GroupOrigin): void {
    const { kind, isDurable, size } = this.#membership;
    if (origin.type === "new") tellCreate(this.#groupId, kind, isDurable);
    else if (origin.type !== "moved") {
      tellRestore(this.#groupId, origin.type, size, this.#log.offset);
    }
    // Its own copy is as it should be, but for the epoch.
    const isWritten = origin.type === "stored" && !origin.isSuspect;
    if (!isWritten) void this.#record?.write({ replace: this.#state() });
    this.renote();
  }

  #enter(fanout: ActorRef<Fanout>, request: EnterRequest): void {
    const { userId, no } = request;
    this.#comeBack(userId);
    const entered = this.#crowd.enter(fanout, request);
    if (!entered.ok) {
      noteMember(this.#place, userId, false);
      fanout.tell.entered(this.#groupId, no, entered);
      return;
    }
    const { epoch, offset } = this.#log;
    const { kind, isDurable } = this.#membership;
    const { recovered, missed } = this.#recover(request);
    const answer = { ...entered, epoch, offset, kind, isDurable, recovered, missed };
    fanout.tell.entered(this.#groupId, no, answer);
  }

  /** A member that was away for a moment is what it was. */
  #comeBack(userId: string): void {
    const state = this.#departed?.take(userId);
    const isFull = this.#membership.size >= this.#place.settings.maxMembers;
    if (state !== undefined && !isFull) this.#crowd.change(this.#membership.merge([state]));
  }

  #recover({ userId, since, epoch }: EnterRequest): Pick<EnterAccepted, "recovered" | "missed"> {
    if (since === null) return { recovered: null, missed: [] };
    if (this.#membership.receives(userId)) return this.#log.recover(since, epoch);
    // What is sent until it is accepted will be missing too.
    return { recovered: false, missed: [] };
  }

  #change(userId: string, decision: Decision): MemberAnswer {
    if (!decision.ok) return decision;
    this.#crowd.change(decision);
    this.#endIfEmpty();
    return { ok: true, member: this.#membership.get(userId) ?? null };
  }

  #describe(): GroupInfo {
    const members: GroupInfo["members"][number][] = [];
    for (const member of this.#membership.members()) {
      if (members.length === maxListed) break;
      members.push({ ...member, devices: this.#membership.sessionsOf(member.userId) });
    }
    const { kind, isDurable, size: membersCount } = this.#membership;
    const { epoch, offset } = this.#log;
    const groupId = this.#groupId;
    const createdAt = this.#createdAt;
    return { groupId, kind, isDurable, epoch, offset, createdAt, membersCount, members };
  }

  #state(): GroupState {
    const { epoch, lastOffset: offset } = this.#log;
    const messages = this.#log.entries();
    const [groupId, createdAt] = [this.#groupId, this.#createdAt];
    return { groupId, ...this.#membership.state(), epoch, offset, createdAt, messages };
  }

  // --- moves and ends ------------------------------------------------------------------------

  #remember(states: readonly MemberState[]): void {
    // Where nothing was said there is nothing to come back to.
    const isUnused = this.#membership.isEmpty && this.#log.offset === 0;
    if (states.length === 0 || isUnused) {
      this.#endIfEmpty();
      return;
    }
    this.#departed ??= new Departed(this.context, () => this.#goOnWithout());
    this.#departed.remember(states);
  }

  /** Nobody else comes back: what is left of the group goes on without them, or ends. */
  #goOnWithout(): void {
    this.#departed = null;
    this.#crowd.change(this.#membership.settle());
    this.#endIfEmpty();
  }

  /** Whoever was to come back, after a move those who were connected, has come by now. */
  #settle(connected: readonly string[]): void {
    for (const userId of this.#membership.isDurable ? [] : connected) {
      const isBack = this.#membership.sessionsOf(userId) > 0;
      if (!isBack) this.#crowd.change(this.#membership.leave(userId));
    }
    if (this.#departed === null) this.#crowd.change(this.#membership.settle());
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    const mayComeBack = this.#departed !== null || !this.#isSure;
    if (this.#membership.isEmpty && !mayComeBack && this.#door.isOpen) void this.#end("empty");
  }

  async #end(reason: "deleted" | "empty"): Promise<void> {
    if (!this.#door.close()) return;
    tellDelete(this.#groupId, reason);
    for (const { ref } of this.#crowd.links()) ref.tell.closed(this.#groupId);
    for (const { userId } of this.#membership.members()) noteMember(this.#place, userId, false);
    await this.#record?.remove();
    this.context.stop();
  }
}

const gone: MemberAnswer = Object.freeze({ ok: true, member: null });
