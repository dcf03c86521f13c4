import { Actor, type ActorRef, type Signal } from "#runtime";
import { admitMember } from "./admission.ts";
import { Crowd } from "./crowd.ts";
import type { Fanout } from "./fanout.ts";
import type { Claim, EnterAccepted, EnterAnswer, EnterRequest } from "./fanout-messages.ts";
import { type Eventually, GroupDoor } from "./group-door.ts";
import { describeGroup, summarizeGroup } from "./group-info.ts";
import type { MemberState } from "./group-kind.ts";
import type {
  GroupAnswer,
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
import { newEpoch, openGroup } from "./group-origin.ts";
import { type GroupPlace, noteMember } from "./group-place.ts";
import { GroupRecord, notWritten } from "./group-record.ts";
import type { GroupState } from "./group-state.ts";
import type { Decision, Membership } from "./membership.ts";
import { MessageLog } from "./message-log.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import { tellCreate, tellDelete, tellMove, tellRestore } from "./relay-telemetry.ts";
import { Returns } from "./returns.ts";
import { relayRouterOf } from "./router.ts";

/** How long a group that has moved still says where to. */
const forwardMs = 5_000;
/** How long those who were connected have to come back, after a loss of the group. */
const graceMs = 10_000;

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
  /** Who is expected; null: nobody. */
  #returns: Returns | null = null;
  /** Until then every claim is believed, on the clock's `now`; null: a new group has believed none. */
  readonly #trustsUntil: number | null;

  constructor({ groupId, settings, origin }: GroupStart) {
    super();
    const { context } = this;
    const begun = openGroup(settings, origin, this.#now(), newEpoch(context));
    const { membership, createdAt } = begun;
    const isKept = membership.isDurable && settings.storage !== null;
    const isFull = settings.storage?.sync === "full";
    const record = isKept ? new GroupRecord(context, groupId, isFull, () => this.#state()) : null;
    const router = relayRouterOf(context);
    this.#place = { groupId, context, settings, router, membership, record };
    this.#createdAt = createdAt;
    this.#log = new MessageLog(this.#place, begun.history);
    this.#crowd = new Crowd(this.#place, this.#log);
    this.#door = new GroupDoor(this.#crowd);
    const trustMs = origin.type === "moved" ? 0 : graceMs;
    this.#trustsUntil = origin.type === "new" ? null : context.clock.now() + trustMs;
    if (origin.type === "moved") this.#expected.expect(origin.state);
    if (origin.type !== "new" || membership.isEmpty) {
      context.after(graceMs, () => void this.#door.admit(null, () => this.#settle()));
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
          this.#answer(fanout, request, refusal);
          return this.#settle();
        });
      });
    });
  }

  /** A fan-out that has lost the group says what it knows: it is told `reentered`. */
  reenter(fanout: ActorRef<Fanout>, claim: Claim): Eventually<void> {
    return this.#door.admit(fanout, () => {
      for (const { userId } of claim.members) this.#returns?.comeBack(userId);
      const { gone, ...answer } = this.#crowd.reenter(fanout, claim, !this.#isSure);
      const recovery = this.#log.catchUp(claim.offset, claim.epoch);
      if (!recovery.recovered) this.#log.continueAfter(claim.offset);
      const told = { ...answer, ...recovery, ...this.#log.position };
      this.#crowd.linkTo(fanout).tell((to) => to.reentered(this.#groupId, told));
      this.#remember(gone);
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
      return refusal ?? this.#log.send(source, text, this.#crowd);
    });
  }

  /** Ends a user's own membership. */
  leave(userId: string): Eventually<GroupAnswer<MemberAnswer>> {
    return this.#door.answer(() => {
      const decide = (): Decision => this.#membership.leave(userId, this.#now(), this.#mayReturn);
      return this.#orStayAway(userId, "not_a_member", this.#change(userId, decide));
    });
  }

  /** Changes what a member is; `by` null: a service or an operator, who may always. */
  operate(
    operation: MemberOperation,
    by: string | null,
    userId: string,
  ): Eventually<GroupAnswer<MemberAnswer>> {
    return this.#door.answer(() => {
      const decide = (): Decision =>
        this.#membership[operation](by, userId, this.#now(), this.#mayReturn);
      const answer = this.#change(userId, decide);
      return operation === "remove" ? this.#orStayAway(userId, "no_such_member", answer) : answer;
    });
  }

  /** What there is to know; of private groups for their members alone. */
  info(by: string | null): Eventually<GroupAnswer<InfoAnswer>> {
    return this.#door.answer<InfoAnswer>(() => {
      const refusal = this.#membership.decideInfo(by);
      if (refusal !== null) return refusal;
      return { ok: true, info: describeGroup(this.#place, this.#log, this.#createdAt) };
    });
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
      if (refusal !== null) return refusal;
      return this.#end("deleted").then((isDone) => {
        if (isDone) return { ok: true };
        throw notWritten();
      });
    });
  }

  /** The group as a user has it. */
  summary(userId: string): Eventually<GroupAnswer<SummaryAnswer>> {
    return this.#door.answer<SummaryAnswer>(() => ({
      ok: true,
      summary: summarizeGroup(this.#place, userId),
    }));
  }

  // --- from shards ---------------------------------------------------------------------------

  /**
   * Begins a move: the state is all of the group, which from now on waits for {@link movedTo} or
   * {@link stay}. Null: it is being moved already, or is over.
   */
  export(): GroupState | null {
    if (!this.#door.shut()) return null;
    const { connected, departed } = this.#expected.state();
    const all = new Set([...this.#crowd.connected(), ...connected]);
    return { ...this.#state(), connected: [...all], departed };
  }

  /** Ends a move: the group is there now. */
  movedTo(group: ActorRef<Group>): void {
    tellMove(this.#groupId, group.node, this.#membership.size);
    for (const link of this.#crowd.links()) link.sendOn(group);
    void this.#record?.remove();
    this.#door.goOn(group);
    this.context.after(forwardMs, () => this.context.stop());
  }

  /** Ends a move that failed. */
  stay(): void {
    this.#door.goOn(null);
  }

  /** Takes in what another copy of the group has. */
  merge(state: GroupState): Eventually<void> {
    for (const { userId } of state.members) this.#returns?.comeBack(userId);
    this.#crowd.change(this.#membership.merge(state.members, state.removed));
    this.#expected.expect(state);
    const isAnew = this.#log.merge(state, newEpoch(this.context), this.#crowd);
    if (isAnew) for (const link of this.#crowd.links()) link.fallBehind();
    void this.#record?.write({ replace: this.#state() });
    // What was decided on both sides may leave it without an admin.
    this.#settle();
    // The other copy goes when this one has it all.
    return this.#record?.saved?.then(() => {});
  }

  /** Tells the shards that know which groups a user is in, should they have changed. */
  renote(): void {
    for (const { userId } of this.#membership.members()) noteMember(this.#place, userId, true);
  }

  // --- the rest is its own -------------------------------------------------------------------

  /** It is there when it is on disk, where that is promised. */
  protected override async init(): Promise<void> {
    if ((await this.#record?.saved) !== false || this.#trustsUntil !== null) return;
    for (const { userId } of this.#membership.members()) noteMember(this.#place, userId, false);
    throw notWritten();
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    void this.#door.admit(null, () => this.#remember(this.#crowd.lose(signal.ref)));
  }

  /** Whether all who were members before a loss have had the time to say so. */
  get #isSure(): boolean {
    return this.#trustsUntil === null || this.context.clock.now() >= this.#trustsUntil;
  }

  #now(): number {
    return this.context.clock.wallTime();
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

  #enter(fanout: ActorRef<Fanout>, request: EnterRequest): Eventually<void> {
    const { userId } = request;
    const isFull = this.#membership.size >= this.#place.settings.maxMembers;
    if (!isFull && this.#returns?.comeBack(userId)) this.#settle();
    // Left to those who are pending it is over: the one that comes back is no founder of it.
    if (this.#door.isOver) return this.#door.admit(fanout, () => {});
    const refusal = this.#crowd.join(userId);
    if (refusal !== null) {
      noteMember(this.#place, userId, false);
      this.#answer(fanout, request, refusal);
      return undefined;
    }
    const seat = (isSaved: boolean): Eventually<void> => {
      if (!isSaved) this.#answer(fanout, request, refuseRelay("unavailable"));
      else if (this.#membership.get(userId) !== undefined) this.#seat(fanout, request);
      else return this.#enter(fanout, request);
    };
    const saved = this.#record?.saved ?? null;
    if (saved === null) return seat(true);
    return saved.then((isSaved) => this.#door.admit(fanout, () => seat(isSaved)));
  }

  #seat(fanout: ActorRef<Fanout>, request: EnterRequest): void {
    const entered = this.#crowd.enter(fanout, request);
    const { kind, isDurable } = this.#membership;
    const place = { ...this.#log.position, kind, isDurable };
    this.#answer(fanout, request, { ...entered, ...place, ...this.#recover(request) });
  }

  #answer(fanout: ActorRef<Fanout>, { no }: EnterRequest, answer: EnterAnswer): void {
    this.#crowd.linkTo(fanout).tell((to) => to.entered(this.#groupId, no, answer));
  }

  /** Who is away may leave, or be removed, as well: the refusal `code` says that it is no member. */
  #orStayAway(
    userId: string,
    code: RelayRefusal["code"],
    answer: Eventually<MemberAnswer>,
  ): Eventually<MemberAnswer> {
    const isNone = "ok" in answer && !answer.ok && answer.code === code;
    if (!isNone || !this.#returns?.forget(userId)) return answer;
    this.#settle();
    return { ok: true, member: null };
  }

  #recover({ userId, since, epoch }: EnterRequest): Pick<EnterAccepted, "recovered" | "missed"> {
    if (since === null) return { recovered: null, missed: [] };
    if (this.#membership.receives(userId)) return this.#log.recover(since, epoch);
    // What is sent until it is accepted will be missing too.
    return { recovered: false, missed: [] };
  }

  #change(userId: string, decide: () => Decision): Eventually<MemberAnswer> {
    const decision = this.#record?.refusal ?? decide();
    if (!decision.ok) return decision;
    this.#crowd.change(decision);
    this.#settle();
    const answer: MemberAnswer = { ok: true, member: this.#membership.get(userId) ?? null };
    return this.#record?.acknowledge(answer) ?? answer;
  }

  #state(): GroupState {
    const { epoch, lastOffset: offset } = this.#log;
    const messages = this.#log.entries();
    const [groupId, createdAt] = [this.#groupId, this.#createdAt];
    return { groupId, ...this.#membership.state(), epoch, offset, createdAt, messages };
  }

  // --- moves and ends ------------------------------------------------------------------------

  get #expected(): Returns {
    const settle = (): void => this.#settle();
    this.#returns ??= new Returns(this.#place, this.#crowd, this.#door, settle);
    return this.#returns;
  }

  /** Members that are gone with their last session may come back. */
  #remember(states: readonly MemberState[]): void {
    if (states.length > 0) this.#expected.remember(states);
    this.#settle();
  }

  /** Whether somebody who is no member may be one again as what it was. */
  get #mayReturn(): boolean {
    return this.#returns?.hasDeparted === true || !this.#isSure;
  }

  /** Once nobody else is expected what is left of the group goes on without them, or ends. */
  #settle(): void {
    const { isEmpty, kind } = this.#membership;
    // To an empty public group in which nothing was said nobody has to come back: the next one is like it.
    const isUnused = isEmpty && kind === "public" && this.#log.offset === 0;
    if (this.#returns?.isEmpty || isUnused) this.#returns = null;
    if (this.#returns !== null || !this.#isSure) return;
    this.#crowd.change(this.#membership.settle());
    if (this.#membership.isEmpty && this.#door.isOpen) void this.#end("empty");
  }

  /** False: it may be on the disk still, though that was promised. */
  async #end(reason: "deleted" | "empty"): Promise<boolean> {
    if (!this.#door.close()) return true;
    tellDelete(this.#groupId, reason);
    for (const link of this.#crowd.links()) link.tell((to) => to.closed(this.#groupId));
    for (const { userId } of this.#membership.members()) noteMember(this.#place, userId, false);
    const isDone = await this.#record?.remove();
    this.context.stop();
    return isDone ?? true;
  }
}
