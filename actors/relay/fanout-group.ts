import { type Framed, frameMessages } from "../channel/index.ts";
import type { Enter } from "./enter.ts";
import type { Claim, EnterAccepted, ReenterAnswer } from "./fanout-messages.ts";
import { Few } from "./few.ts";
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
import { type FanoutMember, type Form, removeFrom, Seat } from "./seat.ts";

/** A client that has not taken more than so many bytes is slow. */
export const slowBytes = 1_048_576;

/** What of the settings of groups a fan-out has to know. */
export type FanoutSettings = Pick<RelaySettings, "slowMember" | "presence">;

/** The event that tells a session what its user is in the group from now on. */
const membershipEvent = "relay_membership";
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
  /** Those with sessions here. */
  readonly #members = new Few<string, FanoutMember>();
  readonly #forms = new Few<string, Form>();
  /** Null: nothing has come. */
  #batch: FrameBatch | null = null;
  #kind: GroupKind = "public";
  #isDurable = false;
  #epoch = "";
  /** Of the last message that came. */
  #offset = 0;
  /** Of the last message that was sent, or told to be missing. */
  #sentOffset = 0;
  /** Seats that messages reach; while there are some, every message behind `#offset` comes here. */
  #receiving = 0;
  /** Null: the group tells no presence, or there is nobody here to tell. */
  #presence: PresenceReplica | null = null;
  /** The group's presence has begun anew: the next difference brings those who are in it again. */
  #isPresenceNew = false;

  constructor(groupId: string, settings: FanoutSettings) {
    this.groupId = groupId;
    this.#settings = settings;
  }

  /** No session is in it. */
  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** A session is in: it has its answer, what it missed, who is there, and then what follows. */
  enter({ request, session, isOfTopic, reply }: Enter, answer: EnterAccepted): void {
    this.flush();
    if (this.#receiving === 0) this.#begin(answer);
    this.#takePresence(answer.presence);
    reply.accept(answer);
    const member = this.#memberOf(answer.member);
    let seat = session.seatIn(this);
    if (seat === undefined) {
      seat = new Seat(this, session, member, request.deviceId, request.meta, isOfTopic);
      member.seats = member.seats.concat(seat);
      session.seats.push(seat);
    } else seat.isOfTopic ||= isOfTopic;
    const wasReceiving = seat.form !== null;
    if (isReceiving(answer.member) && !wasReceiving) {
      seat.has = answer.offset;
      this.#pushAll(seat, answer.missed);
    }
    this.#update(member, answer.member);
  }

  /** A session has left. */
  remove(seat: Seat): void {
    this.#mute(seat);
    const { member, session } = seat;
    removeFrom(session.seats, seat);
    removeFrom(member.seats, seat);
    if (member.seats.length === 0) this.#members.delete(member.state.userId);
  }

  /** A user is no member any more; the result is what is left to be closed. */
  removeMember(userId: string): readonly Seat[] {
    this.flush();
    const seats = [...(this.#members.get(userId)?.seats ?? [])];
    for (const seat of seats) this.remove(seat);
    return seats;
  }

  removeAll(): readonly Seat[] {
    this.flush();
    const seats = this.#allSeats();
    for (const seat of seats) this.remove(seat);
    return seats;
  }

  /**
   * A member has another role or status, and is told so itself; whoever receives from now on gets
   * what is behind `offset`.
   */
  change(state: MemberState, offset: number, presence: PresenceState | null): void {
    const member = this.#members.get(state.userId);
    if (member === undefined) return;
    this.flush();
    // Until now nothing came here, and nobody has missed it.
    if (this.#receiving === 0) this.#goTo(offset);
    this.#takePresence(presence);
    this.#tellMember(member, state, offset);
    this.#update(member, state);
  }

  /** A message comes; true when there is something to flush. */
  deliver(offset: number, text: string): boolean {
    if (offset <= this.#offset) return false;
    if (this.#receiving > 0 && offset > this.#offset + 1) {
      this.flush();
      this.#sentOffset = offset - 1;
      this.#missAll({ from: this.#offset + 1, reason: "lost" }, offset - 1);
    }
    this.#offset = offset;
    if (this.#receiving === 0) return false;
    this.#batch ??= new FrameBatch();
    this.#batch.addMessage(offset, text);
    return true;
  }

  /** Somebody has come or gone; true when there is something to flush. */
  tellPresence(diff: PresenceDiff): boolean {
    if (!this.#settings.presence || this.#receiving === 0) return false;
    this.#presence ??= new PresenceReplica();
    this.#presence.apply(diff);
    if (this.#isPresenceNew) return this.settlePresence();
    this.#batch ??= new FrameBatch();
    this.#batch.addPresence(presenceEvents.diff, encodePresenceDiff(diff));
    return true;
  }

  /** Tells of a presence that has begun anew; true when there is something to flush. */
  settlePresence(): boolean {
    if (!this.#isPresenceNew || this.#presence === null) return false;
    this.#isPresenceNew = false;
    this.#batch ??= new FrameBatch();
    this.#batch.addPresence(presenceEvents.state, this.#presence.text());
    return true;
  }

  /** Sends what has come. */
  flush(): void {
    const batch = this.#batch;
    if (batch === null) return;
    for (const { isOfTopic, seats } of this.#forms.values()) {
      if (!isOfTopic && batch.firstOffset === 0) continue;
      let frames: Framed | null = null;
      for (let i = 0; i < seats.length; i++) {
        const seat = seats[i] as Seat;
        const { channel } = seat;
        const mostBytes = slowBytes + seat.allowedBytes;
        if (seat.behind !== null || channel.unreadBytes > mostBytes) this.#skip(seat, batch);
        else if (seat.has >= batch.firstOffset && batch.firstOffset > 0) sendRest(seat, batch);
        else {
          frames ??= batch.frame(channel, isOfTopic);
          channel.sendFrames(frames);
        }
      }
    }
    if (batch.lastOffset > 0) this.#sentOffset = batch.lastOffset;
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
    const members = Array.from(this.#members.values(), ({ state, seats }) => ({
      ...state,
      sessions: seats.map(({ session, deviceId, meta }) => ({
        session: session.number,
        ...{ deviceId, meta },
      })),
    }));
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
    for (const userId of [...this.#members.keys()]) {
      if (!known.has(userId)) gone.push(...this.removeMember(userId));
    }
    if (answer.recovered) this.#takeMissed(answer);
    else this.#startAnew(answer);
    this.flush();
    // Who may receive only now gets nothing of what was missed.
    this.#takePresence(answer.presence);
    for (const [userId, state] of known) {
      const member = this.#members.get(userId);
      if (member === undefined) continue;
      this.#tellMember(member, state, answer.offset);
      this.#update(member, state);
    }
    this.#isPresenceNew = this.#presence !== null && this.#receiving > 0;
    return gone;
  }

  /** Nobody receives here yet: what counts is what the group says now. */
  #begin({ kind, isDurable, epoch, offset }: EnterAccepted): void {
    this.#kind = kind;
    this.#isDurable = isDurable;
    this.#epoch = epoch;
    this.#goTo(offset);
  }

  #takeMissed({ missed, offset }: ReenterAnswer): void {
    // What came before somebody here could receive is for nobody.
    if (this.#receiving > 0) {
      const before = offset - missed.length;
      for (const [i, text] of missed.entries()) this.deliver(before + i + 1, text);
    }
    this.#goTo(offset);
  }

  #startAnew({ epoch, offset }: ReenterAnswer): void {
    const from = this.#receiving > 0 ? this.#offset + 1 : null;
    this.#epoch = epoch;
    this.#goTo(offset);
    for (const seat of this.#allSeats()) seat.has = 0;
    this.#missAll({ from, reason: "lost" }, offset);
  }

  /** Tells a member what it is now, if that has changed. */
  #tellMember({ state: before, seats }: FanoutMember, state: MemberState, offset: number): void {
    const { role, status } = state;
    if (role === before.role && status === before.status) return;
    const begins = isReceiving(state) && !isReceiving(before);
    const place = begins ? { epoch: this.#epoch, offset } : {};
    const text = JSON.stringify({ group_id: this.groupId, role, status, ...place });
    for (const { channel } of seats) channel.send(membershipEvent, text);
  }

  #update(member: FanoutMember, state: MemberState): void {
    member.state = state;
    const receives = isReceiving(state);
    for (const seat of member.seats) {
      if (!receives) this.#mute(seat);
      else if (seat.form === null) {
        this.#pushPresence(seat);
        this.#unmute(seat);
      }
    }
  }

  #memberOf(state: MemberState): FanoutMember {
    const known = this.#members.get(state.userId);
    if (known !== undefined) return known;
    const member: FanoutMember = { state, seats: [] };
    this.#members.set(state.userId, member);
    return member;
  }

  #allSeats(): readonly Seat[] {
    return Array.from(this.#members.values(), ({ seats }) => seats).flat();
  }

  /** What is behind `offset` comes next. */
  #goTo(offset: number): void {
    this.#offset = offset;
    this.#sentOffset = offset;
  }

  /** Messages reach it from now on. */
  #unmute(seat: Seat): void {
    const { formKey } = seat.session;
    const known = this.#forms.get(formKey);
    // A list with one from the start has no room for others, which mostly do not come.
    const form = known ?? { key: formKey, isOfTopic: seat.isOfTopic, seats: [seat] };
    seat.form = form;
    seat.place = known === undefined ? 0 : form.seats.push(seat) - 1;
    this.#forms.set(formKey, form);
    this.#receiving += 1;
  }

  #mute(seat: Seat): void {
    const { form, place } = seat;
    if (form === null) return;
    this.flush();
    const last = form.seats.pop() as Seat;
    if (last !== seat) {
      form.seats[place] = last;
      last.place = place;
    }
    if (form.seats.length === 0) this.#forms.delete(form.key);
    seat.form = null;
    seat.behind = null;
    this.#receiving -= 1;
    if (this.#receiving > 0) return;
    this.#presence = null;
    this.#isPresenceNew = false;
  }

  #takePresence(state: PresenceState | null): void {
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

  /** Everybody misses messages, up to `to`. */
  #missAll(gap: Gap, to: number): void {
    for (const { seats } of this.#forms.values())
      for (const seat of seats) this.#miss(seat, gap, to);
  }

  #miss(seat: Seat, gap: Gap, to: number): void {
    const { from, reason } = gap;
    const own = from === null ? gap : { from: Math.max(from, seat.has + 1), reason };
    if (own.from !== null && own.from > Math.max(to, from ?? 0)) return;
    if (seat.behind !== null) seat.behind.gap = joinGaps(seat.behind.gap, own);
    else this.#tellGap(seat, own, to);
  }

  #tellGap({ channel, member }: Seat, gap: Gap, to: number): void {
    channel.send(gapEvent, encodeGap(this.groupId, this.#epoch, gap, to));
    tellGap(this.groupId, member.state.userId, gap.from, to, gap.reason);
  }
}

/** What of the batch a client that has just joined does not have from the answer of its join. */
function sendRest({ channel, has, isOfTopic }: Seat, batch: FrameBatch): void {
  const frames = batch.frameBehind(channel, has, isOfTopic);
  if (frames !== null) channel.sendFrames(frames);
}
