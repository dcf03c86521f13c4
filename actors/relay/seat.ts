import type { GroupChannel } from "../channel/index.ts";
import type { Enter } from "./enter.ts";
import type { FanoutGroup } from "./fanout-group.ts";
import type { Gap } from "./gap.ts";
import type { MemberState } from "./group-kind.ts";

/** A client's session on a thread, with the groups that it is in. */
export class FanoutSession {
  readonly number: number;
  readonly channel: GroupChannel;
  /** The channel's, as one text with those of equal channels: they are compared at every delivery. */
  formKey: string;
  /** One for each of its groups. */
  readonly seats: Seat[] = [];
  /** What it wants into and has no answer for. */
  readonly enters: Enter[] = [];

  constructor(number: number, channel: GroupChannel) {
    this.number = number;
    this.channel = channel;
    this.formKey = channel.formKey;
  }

  /** Its place in a group; undefined: it is not in it. */
  seatIn(group: FanoutGroup): Seat | undefined {
    return this.seats.find((seat) => seat.group === group);
  }

  /** Nothing has to be remembered of it. */
  get isIdle(): boolean {
    return this.seats.length === 0 && this.enters.length === 0;
  }
}

/** What a client misses that does not take what it is sent. */
export interface Behind {
  gap: Gap | null;
  presence: boolean;
}

/** A session's place in one group. */
export class Seat {
  readonly group: FanoutGroup;
  readonly session: FanoutSession;
  readonly channel: GroupChannel;
  /** What its user is in the group. */
  state: MemberState;
  readonly deviceId: string | null;
  readonly meta: Readonly<Record<string, unknown>>;
  /** The channel is the group's own: it is closed with the seat. */
  isOfTopic: boolean;
  /** Messages reach it. */
  receives = false;
  /** What the client has, up to this offset, from the answer of its join. */
  has = 0;
  /** Bytes that it had to take at once when it came, with what it missed: they do not make it slow. */
  allowedBytes = 0;
  /** The client does not take what it is sent: nothing is, until it has; then it is told of this. */
  behind: Behind | null = null;

  constructor(
    group: FanoutGroup,
    session: FanoutSession,
    state: MemberState,
    deviceId: string | null,
    meta: Readonly<Record<string, unknown>>,
    isOfTopic: boolean,
  ) {
    this.group = group;
    this.session = session;
    this.channel = session.channel;
    this.state = state;
    this.deviceId = deviceId;
    this.meta = meta;
    this.isOfTopic = isOfTopic;
  }
}

/** Takes one out of a list in which there are few. */
export function removeFrom<T>(list: T[], item: T): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}
