import type { ActorRef } from "#runtime";
import type { Fanout } from "./fanout.ts";
import type { Few } from "./few.ts";
import type { Group } from "./group.ts";
import type { GroupPlace } from "./group-place.ts";
import type { GroupSession } from "./group-sessions.ts";

/** How soon what a full way has refused is told again, at first and at most. */
const tellAgainMs = { first: 100, longest: 1_000 } as const;

/** Tells a fan-out something; false: there was no room for it. */
export type Telling = (to: ActorRef<Fanout>["tell"]) => boolean;

/** Who has the links of a group. */
export interface LinkOwner {
  readonly place: GroupPlace;
  /** It may be in use now, or not any more. */
  review(link: FanoutLink): void;
}

/**
 * A group's way to one fan-out: all that it tells it goes here, in one order. Where the way is full the
 * fan-out falls behind, and is told no more than that, until it has heard it. Then it claims the group
 * anew: from the answer it learns what it was not told, and the group learns which sessions there are.
 */
export class FanoutLink {
  readonly ref: ActorRef<Fanout>;
  /** By the fan-out's numbers for them. */
  sessions: Few<number, GroupSession> = null;
  /** How many of them messages are for. */
  receiving = 0;
  /** How many of those are told who is here. */
  watching = 0;
  readonly #owner: LinkOwner;
  /** Something was not told, and it has not heard of that yet. */
  #isBehind = false;

  constructor(ref: ActorRef<Fanout>, owner: LinkOwner) {
    this.ref = ref;
    this.#owner = owner;
  }

  /** There are sessions, or something has to be told. */
  get isInUse(): boolean {
    return this.sessions !== null || this.#isBehind;
  }

  /** Tells it something, unless it will learn that by its claim. */
  tell(telling: Telling): void {
    if (!this.#isBehind && !telling(this.ref.tell)) this.fallBehind();
  }

  /** The group is elsewhere now. */
  sendOn(group: ActorRef<Group>): void {
    this.tell((to) => to.moved(this.#owner.place.groupId, group));
  }

  /** Makes it claim the group anew, from here: it is sent on, should the group be elsewhere by then. */
  fallBehind(): void {
    if (this.#isBehind) return;
    this.#isBehind = true;
    this.#owner.review(this);
    this.#tellOfIt(tellAgainMs.first);
  }

  /** It is gone. */
  end(): void {
    this.#isBehind = false;
    this.#owner.review(this);
  }

  #tellOfIt(againMs: number): void {
    if (!this.#isBehind) return;
    const { groupId, context } = this.#owner.place;
    if (this.ref.tell.fellBehind(groupId, context.self as ActorRef<Group>)) {
      this.end();
      return;
    }
    const nextMs = Math.min(againMs * 2, tellAgainMs.longest);
    context.after(againMs, () => this.#tellOfIt(nextMs));
  }
}
