import type { ActorRef } from "#runtime";
import type { Fanout } from "./fanout.ts";
import type { Group } from "./group.ts";
import type { GroupAnswer } from "./group-messages.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";

/** A result now or later. */
export type Eventually<T> = T | Promise<T>;

/**
 * Where all that is wanted of a group comes in. While the group is being moved it waits here; afterwards
 * it is sent on. A group that is over lets nobody in.
 */
export class GroupDoor {
  readonly #groupId: string;
  /** Set while the group is being moved; resolves when that has ended, one way or the other. */
  #moving: PromiseWithResolvers<void> | null = null;
  #movedTo: ActorRef<Group> | null = null;
  #isOver = false;

  constructor(groupId: string) {
    this.#groupId = groupId;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing has ended the group here, and nothing is about to. */
  get isOpen(): boolean {
    return this.#moving === null && this.#movedTo === null && !this.#isOver;
  }

  /** A move begins; false: there is nothing to move. */
  shut(): boolean {
    if (!this.isOpen) return false;
    this.#moving = Promise.withResolvers();
    return true;
  }

  /** A move ends; null: it has failed. */
  goOn(movedTo: ActorRef<Group> | null): void {
    this.#movedTo = movedTo;
    this.#moving?.resolve();
    this.#moving = null;
  }

  /** The group is over; false: it was, or is elsewhere. */
  close(): boolean {
    if (this.#isOver || this.#movedTo !== null) return false;
    this.#isOver = true;
    return true;
  }

  /** Lets a question in. */
  answer<T>(act: () => Eventually<T>): Eventually<GroupAnswer<T | RelayRefusal>> {
    if (this.#movedTo !== null) return { moved: this.#movedTo };
    if (this.#isOver) return refuseRelay("group_not_found");
    if (this.#moving === null) return act();
    return this.#moving.promise.then(() => this.answer(act));
  }

  /** Lets in what a fan-out tells, which is told if it cannot be; null: it need not know. */
  admit(fanout: ActorRef<Fanout> | null, act: () => Eventually<void>): Eventually<void> {
    if (this.#movedTo !== null) fanout?.tell.moved(this.#groupId, this.#movedTo);
    else if (this.#isOver) fanout?.tell.closed(this.#groupId);
    else if (this.#moving === null) return act();
    else return this.#moving.promise.then(() => this.admit(fanout, act));
    return undefined;
  }
}
