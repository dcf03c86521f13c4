import { Actor, type ActorRef, ReplyError, type Signal } from "#runtime";
import {
  type GroupChannel,
  type GroupChannelOptions,
  type GroupDesk,
  type GroupSessions,
  Outbox,
} from "../channel/index.ts";
import { type Enter, type EnterReply, Enters } from "./enter.ts";
import type { FanoutSettings } from "./fanout-group.ts";
import type { EnterAnswer, EnterRequest, JoinRequest, ReenterAnswer } from "./fanout-messages.ts";
import type { Group } from "./group.ts";
import type { MemberState } from "./group-kind.ts";
import { type GroupFinder, GroupLink } from "./group-link.ts";
import type { Intent } from "./intent.ts";
import { encodeFault, encodeJoined, encodeRefused, noUser } from "./join-answer.ts";
import { checkGroupId, type JoinOptions, parseJoinPayload } from "./join-payload.ts";
import type { LinkHost } from "./link-host.ts";
import type { PresenceDiff, PresenceState } from "./presence.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import { relayRouterOf } from "./router.ts";
import { FanoutSession, removeFrom, type Seat } from "./seat.ts";

/** How long a client waits for a group to answer its join. */
const enterTimeoutMs = 5_000;

/** Enters that may wait for groups at once; one more is refused `unavailable`. */
const maxOpenEnters = 50_000;

/** A fan-out's name is this and the number of its thread. */
export const fanoutPrefix = "fanout-";

/**
 * How a fan-out has to be spawned: a join that waits for its group must not hold up the messages of
 * groups, their answer to it among them.
 */
export const fanoutOptions = { mailboxCapacity: 1_000_000, concurrency: 1_000_000 } as const;

const ofAnother = "this session is in the group as another user";

/** The event that tells a client that its session is in a group no more. */
const closedEvent = "relay_closed";

/** How long after a group was found again those are told of its presence whom no difference told. */
const presenceSettleMs = 1_000;

/** Who wants into which group, and what is wanted when there is none. */
interface Wish {
  readonly groupId: string;
  readonly request: Omit<EnterRequest, "no">;
  readonly intent: Intent;
}

/**
 * The sessions of one thread in all their groups: a group sends one message per thread, and this is
 * who gives it to everybody. It is a child of the acceptor whose sockets these are and lives on its
 * thread. A client that joins has its answer within 5 s, whatever the group does; then come
 * what it missed, `presence_state`, and the messages as they follow.
 *
 * Groups that are lost are rebuilt from what the fan-outs know of them: each tells the group's new
 * home who its members are, and its clients what is missing.
 */
export class Fanout extends Actor implements GroupDesk {
  readonly #channels: GroupSessions;
  readonly #settings: FanoutSettings;
  #finder: GroupFinder | null;
  #host: LinkHost | null = null;
  readonly #links = new Map<string, GroupLink>();
  /** By the keys of the groups' refs. */
  readonly #followed = new Map<string | number, GroupLink>();
  readonly #sessions = new Map<number, FanoutSession>();
  readonly #waiting = new Enters();
  /** Enters that groups have not answered, those included that nobody waits for. */
  #open = 0;
  #lastNo = 0;
  #isLimiting = false;
  readonly #outbox = new Outbox();

  /** @param finder default: the router of the thread */
  constructor(
    channels: GroupSessions,
    settings: FanoutSettings,
    finder: GroupFinder | null = null,
  ) {
    super();
    this.#channels = channels;
    this.#settings = settings;
    this.#finder = finder;
  }

  protected override init(): void {
    const finder = this.#finder ?? relayRouterOf(this.context);
    this.#host = {
      self: this.context.self as ActorRef<Fanout>,
      context: this.context,
      finder,
      settings: this.#settings,
      touch: (link) => this.#touch(link),
      follow: (link, group) => this.#followed.set(group.nearKey, link),
      unfollow: (group) => this.#followed.delete(group.nearKey),
      refuse: (enter, refusal) => this.#settle(enter, refusal),
      forgot: () => {
        this.#open -= 1;
      },
      drop: (link) => this.#links.delete(link.groupId),
      vanished: (link) => this.#close(link.group.removeAll(), "deleted"),
    };
  }

  // --- from the sockets ----------------------------------------------------------------------

  /** A client joins a group's channel. */
  enter(session: number, groupId: string, payload: unknown): void {
    const channel = this.#channels.find(session);
    if (channel === undefined) return;
    const { caller, group } = channel;
    const parsed = parseJoinPayload(payload);
    const fault = parsed.ok ? checkGroupId(groupId) : parsed.reason;
    if (!parsed.ok || fault !== null) channel.refused(encodeFault(fault ?? ""));
    else if (caller.userId === null) channel.refused(noUser);
    else {
      const { userId, deviceId } = caller;
      const { since, epoch, meta } = parsed.options;
      const request = { session, userId, deviceId, meta, isOfTopic: true, since, epoch };
      const intent = selectIntent(group, parsed.options, userId);
      this.#begin({ groupId, request, intent }, channel, {
        accept: (answer) => channel.joined(encodeJoined(answer)),
        refuse: (refusal) => channel.refused(encodeRefused(refusal)),
      });
    }
  }

  /** A session has ended. */
  exit(session: number): void {
    const ended = this.#sessions.get(session);
    if (ended === undefined) return;
    this.#sessions.delete(session);
    for (const enter of [...ended.enters]) this.#giveUp(enter);
    for (const seat of [...ended.seats]) {
      const { group } = seat;
      group.remove(seat);
      this.#links.get(group.groupId)?.exit(session);
    }
  }

  /** A client that was slow has taken what it was sent. */
  room(session: number): void {
    for (const seat of this.#sessions.get(session)?.seats ?? []) seat.group.room(seat);
  }

  // --- from the chat functions ---------------------------------------------------------------

  /**
   * Brings the session of any channel into a group, whose messages are then pushed on its event. What
   * it missed and the presence are pushed as well, before the answer, which holds neither. Rejects with
   * ReplyError `invalid_request` when the session is in the group as another user: where the payload of
   * a call says who calls, one session speaks for several.
   */
  join(wanted: JoinRequest): Promise<EnterAnswer> {
    const { groupId, create, ...rest } = wanted;
    const request = { ...rest, isOfTopic: false };
    const channel = this.#channels.find(request.session);
    if (channel === undefined) return Promise.resolve(refuseRelay("unavailable"));
    if (this.#isOfAnother(groupId, request)) {
      return Promise.reject(new ReplyError("invalid_request", `${groupId}: ${ofAnother}`));
    }
    const intent: Intent =
      create === null ? { type: "find" } : { type: "create", ...create, creator: request.userId };
    return new Promise((resolve) => {
      this.#begin({ groupId, request, intent }, channel, {
        accept: (answer) => resolve({ ...answer, missed: [], presence: null }),
        refuse: resolve,
      });
    });
  }

  // --- from groups ---------------------------------------------------------------------------

  /** A group answers an enter. */
  entered(groupId: string, no: number, answer: EnterAnswer): void {
    const link = this.#links.get(groupId);
    const enter = link?.entered(no, answer) ?? null;
    if (link === undefined || enter === null) return;
    if (answer.ok) link.group.enter(enter, answer);
    this.#settle(enter, answer.ok ? null : answer);
  }

  /** A group answers a claim. */
  reentered(groupId: string, answer: ReenterAnswer | RelayRefusal): void {
    const link = this.#links.get(groupId);
    if (link === undefined) return;
    const gone = link.reentered(answer);
    this.#close(gone, "left");
    this.context.after(presenceSettleMs, () => {
      if (!link.isDropped && link.group.settlePresence()) this.#touch(link);
    });
  }

  /** A message of a group. */
  deliver(groupId: string, offset: number, text: string): void {
    const link = this.#links.get(groupId);
    if (link?.isFollowing && link.group.deliver(offset, text)) this.#touch(link);
  }

  /**
   * A user with sessions here has another role or status, or is no member any more.
   * @param offset of the last message before that
   * @param presence for a fan-out of whose sessions none could receive until now
   */
  changed(
    groupId: string,
    member: MemberState,
    isGone: boolean,
    offset: number,
    presence: PresenceState | null,
  ): void {
    const link = this.#links.get(groupId);
    if (!link?.isFollowing) return;
    if (isGone) this.#close(link.group.removeMember(member.userId), "left");
    else link.group.change(member, offset, presence);
    this.#touch(link);
  }

  /** Sessions have come and gone. */
  presence(groupId: string, diff: PresenceDiff): void {
    const link = this.#links.get(groupId);
    if (link?.isFollowing && link.group.tellPresence(diff)) this.#touch(link);
  }

  /** A group was deleted. */
  closed(groupId: string): void {
    const link = this.#links.get(groupId);
    if (link === undefined) return;
    this.#close(link.group.removeAll(), "deleted");
    link.closed();
  }

  /** A group goes on elsewhere. */
  moved(groupId: string, to: ActorRef<Group>): void {
    this.#links.get(groupId)?.moved(to);
  }

  /** There was no room for something that a group had to tell: it is to be claimed anew. */
  fellBehind(groupId: string, group: ActorRef<Group>): void {
    this.#linkTo(groupId).fellBehind(group);
  }

  // --- from itself ---------------------------------------------------------------------------

  /** A group has ended, and what it told before has been heard: its end overtakes messages. */
  ended(groupId: string, group: ActorRef, isByItself: boolean): void {
    this.#links.get(groupId)?.ended(group, isByItself);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    const { ref, reason } = signal;
    const link = this.#followed.get(ref.nearKey);
    if (link === undefined) return;
    const isByItself = reason.kind === "normal";
    const self = this.context.self as ActorRef<Fanout>;
    if (!self.tell.ended(link.groupId, ref, isByItself)) link.ended(ref, isByItself);
  }

  protected override terminate(): void {
    for (const enter of this.#waiting.takeAll()) enter.reply.refuse(refuseRelay("unavailable"));
  }

  // --- enters --------------------------------------------------------------------------------

  #begin(wish: Wish, channel: GroupChannel, reply: EnterReply): void {
    const { groupId, request, intent } = wish;
    if (this.#open >= maxOpenEnters) {
      reply.refuse(refuseRelay("unavailable"));
      return;
    }
    const number = request.session;
    const session = this.#sessions.get(number) ?? new FanoutSession(number, channel);
    this.#sessions.set(number, session);
    this.#lastNo += 1;
    this.#open += 1;
    const enter: Enter = {
      ...{ groupId, intent, session, reply, isOver: false },
      request: { ...request, no: this.#lastNo },
      dueAt: this.context.clock.now() + enterTimeoutMs,
    };
    session.enters.push(enter);
    this.#waiting.add(enter);
    this.#limit();
    this.#linkTo(groupId).enter(enter);
  }

  /** Whether the session is in the group, or on its way there, as another user. */
  #isOfAnother(groupId: string, { session, userId }: Omit<EnterRequest, "no">): boolean {
    const { seats = [], enters = [] } = this.#sessions.get(session) ?? {};
    return (
      seats.some(({ group, state }) => group.groupId === groupId && state.userId !== userId) ||
      enters.some((one) => one.groupId === groupId && one.request.userId !== userId)
    );
  }

  #linkTo(groupId: string): GroupLink {
    const known = this.#links.get(groupId);
    if (known !== undefined) return known;
    const link = new GroupLink(groupId, this.#host as LinkHost);
    this.#links.set(groupId, link);
    return link;
  }

  #limit(): void {
    const { nextDueAt } = this.#waiting;
    if (this.#isLimiting || nextDueAt === undefined) return;
    this.#isLimiting = true;
    this.context.after(nextDueAt - this.context.clock.now(), () => {
      this.#isLimiting = false;
      const { clock } = this.context;
      for (const enter of this.#waiting.takeDue(clock.now())) this.#giveUp(enter);
      this.#limit();
    });
  }

  /** Its time has run out, or its session has ended. */
  #giveUp(enter: Enter): void {
    this.#links.get(enter.groupId)?.cancel(enter);
    this.#settle(enter, refuseRelay("unavailable"));
  }

  /** It has its answer; null: it is in. */
  #settle(enter: Enter, refusal: RelayRefusal | null): void {
    const { session } = enter;
    this.#waiting.delete(enter);
    removeFrom(session.enters, enter);
    if (refusal !== null) enter.reply.refuse(refusal);
    this.#release(session);
  }

  // --- ends ----------------------------------------------------------------------------------

  /** Tells those whose seats were taken away. */
  #close(seats: readonly Seat[], reason: "left" | "deleted"): void {
    for (const { channel, group, isOfTopic, session } of seats) {
      if (isOfTopic) channel.end(false);
      else channel.send(closedEvent, JSON.stringify({ group_id: group.groupId, reason }));
      this.#release(session);
    }
  }

  #release(session: FanoutSession): void {
    if (!session.isIdle || this.#sessions.get(session.number) !== session) return;
    this.#sessions.delete(session.number);
  }

  #touch(link: GroupLink): void {
    if (link.isTouched) return;
    link.isTouched = true;
    this.#outbox.add(link);
  }
}

function selectIntent(
  group: GroupChannelOptions | null,
  { kind }: JoinOptions,
  creator: string,
): Intent {
  if (group === null || group.create === null) return { type: "find" };
  const { create, durable: isDurable } = group;
  return { type: "create", kind: kind ?? create, isDurable, creator, mustBeNew: false };
}
