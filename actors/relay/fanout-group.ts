import { frameMessages } from "../channel/index.ts";
import type { Enter } from "./enter.ts";
import type { Claim, ClaimedSession, EnterAccepted, ReenterAnswer } from "./fanout-messages.ts";
import { type Few, FewBy } from "./few.ts";
import { FrameBatch } from "./frame-batch.ts";
import { encodeGap, type Gap, gapEvent, joinGaps } from "./gap.ts";
import { type GroupKind, isReceiving, type MemberState } from "./group-kind.ts";
import {
  encodePresenceDiff,
  type PresenceDiff,
  PresenceReplica,
  type PresenceState,
} from "./presence.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { tellGap } from "./relay-telemetry.ts";
import { removeFrom, Seat } from "./seat.ts";

/** A client that has not taken more than so many bytes is slow. */
export const slowBytes = 1_048_576;

/** What of the settings of groups a fan-out has to know. */
export type FanoutSettings = Pick<RelaySettings, "slowMember" | "presence">;

/** The event that tells a session what its user is in the group from now on. */
const membershipEvent = "relay_membership";
const bySession = new FewBy(({ session }: Seat) => session.number);

/** These are about one group: its own channel alone gets them. */
const presenceEvents = { state: "presence_state", diff: "presence_diff" } as const;

/**
 * A group as one thread sees it: the sessions here, and what they are sent. What comes in a turn is
 * kept until {@link flush}, which frames it once for each form of channel and gives every session
 * the same bytes; all else that happens to the group flushes it first, so that every session
 * gets one order. No session gets a message twice, and what it does not get it is told of.
 */
export class FanoutGroup {
  readonly groupId: string;
  readonly #settings: FanoutSettings;
  #seats: Few<number, Seat> = null;
  /** Null: nothing has come. */
  #batch: FrameBatch | null = null;
  #kind: GroupKind = "public";
  #isDurable = false;
  #epoch = "";
  /** Of the last message that came. */
  #offset = 0;
  /** Seats that messages reach; while there are some, every message behind `#offset` comes here. */
  #receiving = 0;
  /** Null: the group tells no presence, or there was nobody here to tell. */
  #presence: PresenceReplica | null = null;

  constructor(groupId: string, settings: FanoutSettings) {
    this.groupId = groupId;
    this.#settings = settings;
  }

  /** No session is in it. */
  get isEmpty(): boolean {
    return this.#seats === null;
  }

  /** A session is in: it has its answer, what it missed, who is there, and then what follows. */
  enter({ request, session, reply }: Enter, answer: EnterAccepted): void {
    this.flush();
    if (this.#receiving === 0) this.#begin(answer);
    this.takePresence(answer.presence);
    let seat = session.seatIn(this);
    // What followed has been sent to it: it gets nothing twice.
    const isToldAgain = seat?.receives === true && answer.recovered !== null;
    reply.accept(isToldAgain ? { ...answer, recovered: false } : answer);
    if (seat === undefined) {
      const { deviceId, meta, isOfTopic } = request;
      const [first] = bySession.values(this.#seats);
      if (first?.session.formKey === session.formKey) session.formKey = first.session.formKey;
      seat = new Seat(this, session, answer.member, deviceId, meta, isOfTopic);
      this.#seats = bySession.set(this.#seats, seat);
      session.seats.push(seat);
    } else seat.isOfTopic ||= request.isOfTopic;
    if (isReceiving(answer.member) && !seat.receives) {
      seat.has = answer.offset;
      this.#pushAll(seat, answer.missed);
    }
    this.#update([seat], answer.member);
  }

  /** A session has left. */
  remove(seat: Seat): void {
    this.#mute(seat);
    const { session } = seat;
    removeFrom(session.seats, seat);
    this.#seats = bySession.delete(this.#seats, session.number);
  }

  /** A user is no member any more; the result is what is left to be closed. */
  removeMember(userId: string): readonly Seat[] {
    this.flush();
    const seats = this.#seatsOf(userId);
    for (const seat of seats) this.remove(seat);
    return seats;
  }

  removeAll(): readonly Seat[] {
    this.flush();
    const seats = [...bySession.values(this.#seats)];
    for (const seat of seats) this.remove(seat);
    return seats;
  }

  /**
   * A member has another role or status, and is told so itself; whoever receives from now on gets
   * what is behind `offset`.
   */
  change(state: MemberState, offset: number, presence: PresenceState | null): void {
    const seats = this.#seatsOf(state.userId);
    if (seats.length === 0) return;
    this.flush();
    // Until now nothing came here, and nobody has missed it.
    if (this.#receiving === 0) this.#offset = offset;
    this.takePresence(presence);
    this.#tellMember(seats, state, offset);
    this.#update(seats, state);
  }

  /** A message comes; true when there is something to flush. */
  deliver(offset: number, text: string): boolean {
    if (offset <= this.#offset) return false;
    this.#missUntil(offset);
    this.#offset = offset;
    if (this.#receiving === 0) return false;
    this.#batch ??= new FrameBatch();
    this.#batch.addMessage(offset, text);
    return true;
  }

  /** Somebody has come or gone; true when there is something to flush. */
  tellPresence(diff: PresenceDiff): boolean {
    if (this.#presence === null) return false;
    this.#presence.apply(diff);
    if (this.#receiving === 0) return false;
    if (this.#presence.isNew) return this.settlePresence();
    this.#batch ??= new FrameBatch();
    this.#batch.addPresence(presenceEvents.diff, encodePresenceDiff(diff));
    return true;
  }

  /** Tells of a presence that has begun anew; true when there is something to flush. */
  settlePresence(): boolean {
    if (!this.#presence?.isNew) return false;
    this.#presence.isNew = false;
    this.#batch ??= new FrameBatch();
    this.#batch.addPresence(presenceEvents.state, this.#presence.text());
    return true;
  }

  /** Sends what has come. */
  flush(): void {
    const batch = this.#batch;
    if (batch === null) return;
    for (const seat of bySession.values(this.#seats)) {
      const { channel, isOfTopic } = seat;
      if (!seat.receives || (!isOfTopic && batch.firstOffset === 0)) continue;
      const mostBytes = slowBytes + seat.allowedBytes;
      if (seat.behind !== null || channel.unreadBytes > mostBytes) this.#skip(seat, batch);
      else if (seat.has >= batch.firstOffset && batch.firstOffset > 0) sendRest(seat, batch);
      else channel.sendFrames(batch.framesFor(seat.session.formKey, channel, isOfTopic));
    }
    this.#batch = null;
  }

  /** A client has taken what it was sent: it hears what it missed, and gets what follows. */
  room(seat: Seat): void {
    seat.allowedBytes = 0;
    const { behind } = seat;
    if (behind === null) return;
    seat.behind = null;
    if (behind.gap !== null) this.#tellGap(seat, behind.gap, this.#sentOffset);
    if (behind.presence) this.#pushPresence(seat);
  }

  /** What the new home of a lost group is told. */
  claim(): Claim {
    const users = new Map<string, Claim["members"][number] & { sessions: ClaimedSession[] }>();
    for (const { session, state, deviceId, meta, isOfTopic } of bySession.values(this.#seats)) {
      const { userId } = state;
      const user = users.get(userId) ?? { ...state, sessions: [] };
      user.sessions.push({ session: session.number, deviceId, meta, isOfTopic });
      users.set(userId, user);
    }
    const members = [...users.values()];
    return {
      ...{ groupId: this.groupId, kind: this.#kind, isDurable: this.#isDurable },
      ...{ epoch: this.#epoch, offset: this.#offset, members },
    };
  }

  /** The group is found again, perhaps not as it was; the result is what is left to be closed. */
  reenter(answer: ReenterAnswer): readonly Seat[] {
    this.flush();
    const known = new Map(answer.members.map((member) => [member.userId, member]));
    const gone: Seat[] = [];
    for (const seat of [...bySession.values(this.#seats)]) {
      if (known.has(seat.state.userId)) continue;
      this.remove(seat);
      gone.push(seat);
    }
    // Neither who may receive no more nor who may only now gets anything of what was missed.
    for (const seat of bySession.values(this.#seats)) {
      if (!isReceiving(known.get(seat.state.userId) as MemberState)) this.#mute(seat);
    }
    if (answer.recovered) this.#takeMissed(answer);
    else this.#startAnew(answer);
    this.flush();
    if (answer.presence === null) this.#presence = null;
    else this.takePresence(answer.presence);
    for (const seat of [...bySession.values(this.#seats)]) {
      const state = known.get(seat.state.userId) as MemberState;
      this.#tellMember([seat], state, answer.offset);
      this.#update([seat], state);
    }
    if (this.#presence !== null) this.#presence.isNew = this.#receiving > 0;
    return gone;
  }

  /** Nobody receives here yet: what counts is what the group says now. */
  #begin({ kind, isDurable, epoch, offset }: EnterAccepted): void {
    this.#kind = kind;
    this.#isDurable = isDurable;
    this.#epoch = epoch;
    this.#offset = offset;
  }

  #takeMissed({ missed, offset }: ReenterAnswer): void {
    // What came before somebody here could receive is for nobody.
    if (this.#receiving > 0) {
      const first = offset - missed.length + 1;
      this.#missUntil(first);
      for (const [i, text] of missed.entries()) this.deliver(first + i, text);
    }
    this.#offset = offset;
  }

  #startAnew({ epoch, offset }: ReenterAnswer): void {
    const from = this.#offset + 1;
    this.#epoch = epoch;
    this.#offset = offset;
    for (const seat of bySession.values(this.#seats)) seat.has = 0;
    this.#missAll({ from, reason: "lost" }, offset);
  }

  /** Tells a member what it is now, if that has changed. */
  #tellMember(seats: readonly Seat[], state: MemberState, offset: number): void {
    const { role, status } = state;
    for (const { channel, state: before } of seats) {
      if (role === before.role && status === before.status) continue;
      const begins = isReceiving(state) && !isReceiving(before);
      const place = begins ? { epoch: this.#epoch, offset } : {};
      const text = JSON.stringify({ group_id: this.groupId, role, status, ...place });
      channel.send(membershipEvent, text);
    }
  }

  #update(seats: readonly Seat[], state: MemberState): void {
    for (const seat of seats) {
      seat.state = state;
      if (!isReceiving(state)) this.#mute(seat);
      else if (!seat.receives) {
        this.#pushPresence(seat);
        seat.receives = true;
        this.#receiving += 1;
      }
    }
  }

  /** Looks at every seat: for what happens seldom. */
  #seatsOf(userId: string): readonly Seat[] {
    return [...bySession.values(this.#seats)].filter(({ state }) => state.userId === userId);
  }

  /** Of the last message that was sent, or told to be missing. */
  get #sentOffset(): number {
    const first = this.#batch?.firstOffset ?? 0;
    return first > 0 ? first - 1 : this.#offset;
  }

  #mute(seat: Seat): void {
    if (!seat.receives) return;
    this.flush();
    seat.receives = false;
    seat.behind = null;
    this.#receiving -= 1;
    if (this.#receiving === 0 && this.#presence !== null) this.#presence.isNew = false;
  }

  /** Who is in the group; null: that is known here, or the group does not tell. */
  takePresence(state: PresenceState | null): void {
    if (state === null || !this.#settings.presence) return;
    this.#presence ??= new PresenceReplica();
    this.#presence.set(state);
  }

  #pushPresence({ channel, isOfTopic }: Seat): void {
    if (this.#presence !== null && isOfTopic)
      channel.send(presenceEvents.state, this.#presence.text());
  }

  #pushAll(seat: Seat, texts: readonly string[]): void {
    if (texts.length === 0) return;
    const { channel } = seat;
    channel.sendFrames(frameMessages(texts.map((text) => channel.encode(channel.event, text))));
    const { unreadBytes } = channel;
    if (unreadBytes <= slowBytes) return;
    seat.allowedBytes = unreadBytes;
    channel.wantRoom();
  }

  #skip(seat: Seat, { firstOffset, lastOffset, hasPresence }: FrameBatch): void {
    const { channel, has } = seat;
    if (seat.behind === null) {
      if (this.#settings.slowMember === "disconnect") {
        channel.disconnect();
        return;
      }
      seat.behind = { gap: null, presence: false };
      channel.wantRoom();
    }
    if (lastOffset > has) {
      seat.behind.gap ??= { from: Math.max(firstOffset, has + 1), reason: "slow" };
    }
    seat.behind.presence ||= hasPresence;
  }

  /** The message `next` follows: what should have come before it does not come. */
  #missUntil(next: number): void {
    if (this.#receiving === 0 || next <= this.#offset + 1) return;
    this.flush();
    this.#missAll({ from: this.#offset + 1, reason: "lost" }, next - 1);
    this.#offset = next - 1;
  }

  /** Everybody misses messages, up to `to`. */
  #missAll(gap: Gap, to: number): void {
    for (const seat of bySession.values(this.#seats)) {
      if (seat.receives) this.#miss(seat, gap, to);
    }
  }

  #miss(seat: Seat, gap: Gap, to: number): void {
    const own: Gap = { ...gap, from: Math.max(gap.from, seat.has + 1) };
    if (own.from > Math.max(to, gap.from)) return;
    if (seat.behind !== null) seat.behind.gap = joinGaps(seat.behind.gap, own);
    else this.#tellGap(seat, own, to);
  }

  #tellGap({ channel, state }: Seat, gap: Gap, to: number): void {
    channel.send(gapEvent, encodeGap(this.groupId, this.#epoch, gap, to));
    tellGap(this.groupId, state.userId, gap.from, to, gap.reason);
  }
}

/** What of the batch a client that has just joined does not have from the answer of its join. */
function sendRest({ channel, has, isOfTopic }: Seat, batch: FrameBatch): void {
  const frames = batch.frameBehind(channel, has, isOfTopic);
  if (frames !== null) channel.sendFrames(frames);
}
