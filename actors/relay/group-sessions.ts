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
  readonly sessions: Map<number, GroupSession>;
  /** How many of them messages are for. */
  receiving: number;
  /** The first offset that there was no room for on the way to it; null: none. */
  missedFrom: number | null;
}

/** The sessions of a group, by the fan-outs that they are connected to. */
export class GroupSessions {
  /** By their keys; null: there are none. */
  #links: Map<string, FanoutLink> | null = null;

  /** The fan-outs that have sessions here. */
  links(): Iterable<FanoutLink> {
    return this.#links?.values() ?? none;
  }

  /** That of a fan-out, which may not be one of {@link links} yet. */
  linkOf(ref: ActorRef<Fanout>): FanoutLink {
    return (
      this.#links?.get(ref.key) ?? { ref, sessions: new Map(), receiving: 0, missedFrom: null }
    );
  }

  /** Looks at every session: for what happens seldom. */
  ofUser(userId: string): GroupSession[] {
    const found: GroupSession[] = [];
    for (const { sessions } of this.links()) {
      for (const session of sessions.values()) if (session.userId === userId) found.push(session);
    }
    return found;
  }

  /** True when it is the first one of its fan-out. */
  add(session: GroupSession): boolean {
    const { link } = session;
    const isFirst = link.sessions.size === 0;
    if (isFirst) {
      this.#links ??= new Map();
      this.#links.set(link.ref.key, link);
    }
    link.sessions.set(session.session, session);
    return isFirst;
  }

  /** True when it was the last one of its fan-out. */
  remove({ link, session }: GroupSession): boolean {
    link.sessions.delete(session);
    if (link.sessions.size > 0) return false;
    this.#links?.delete(link.ref.key);
    if (this.#links?.size === 0) this.#links = null;
    return true;
  }
}

const none: readonly FanoutLink[] = Object.freeze([]);
