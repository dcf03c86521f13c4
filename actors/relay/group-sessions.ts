import type { ActorRef } from "#runtime";
import type { Fanout } from "./fanout.ts";

/** A session of a member: what it is to its fan-out, and what it told of itself. */
export interface GroupSession {
  /** Unique within the group. */
  readonly key: string;
  readonly link: FanoutLink;
  /** The fan-out's number for it. */
  readonly session: number;
  readonly userId: string;
  readonly deviceId: string | null;
  /** For presence. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** A fan-out that has sessions of the group. */
export interface FanoutLink {
  readonly ref: ActorRef<Fanout>;
  readonly key: string;
  readonly sessions: Map<number, GroupSession>;
  /** How many of them messages are for. */
  receiving: number;
  /** The first offset that there was no room for on the way to it; null: none. */
  missedFrom: number | null;
}

/** The sessions of a group, by the fan-outs that they are connected to and by their users. */
export class GroupSessions {
  readonly #links = new Map<string, FanoutLink>();
  readonly #byUser = new Map<string, GroupSession[]>();

  /** The fan-outs that have sessions here. */
  links(): Iterable<FanoutLink> {
    return this.#links.values();
  }

  /** That of a fan-out, which may not be one of {@link links} yet. */
  linkOf(ref: ActorRef<Fanout>): FanoutLink {
    const key = `${ref.node} ${ref.thread} ${ref.id} ${ref.incarnation}`;
    return (
      this.#links.get(key) ?? { ref, key, sessions: new Map(), receiving: 0, missedFrom: null }
    );
  }

  ofUser(userId: string): readonly GroupSession[] {
    return this.#byUser.get(userId) ?? none;
  }

  /** True when it is the first one of its fan-out. */
  add(session: GroupSession): boolean {
    const { link, userId } = session;
    const isFirst = link.sessions.size === 0;
    if (isFirst) this.#links.set(link.key, link);
    link.sessions.set(session.session, session);
    const others = this.#byUser.get(userId);
    if (others === undefined) this.#byUser.set(userId, [session]);
    else others.push(session);
    return isFirst;
  }

  /** True when it was the last one of its fan-out. */
  remove({ link, session, userId, key }: GroupSession): boolean {
    link.sessions.delete(session);
    const others = (this.#byUser.get(userId) ?? []).filter((other) => other.key !== key);
    if (others.length === 0) this.#byUser.delete(userId);
    else this.#byUser.set(userId, others);
    if (link.sessions.size > 0) return false;
    return this.#links.delete(link.key);
  }
}

const none: readonly GroupSession[] = Object.freeze([]);
