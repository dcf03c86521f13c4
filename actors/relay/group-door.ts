import type { ActorRef } from "#runtime";
import type { Crowd } from "./crowd.ts";
import type { Fanout } from "./fanout.ts";
import type { Group } from "./group.ts";
import type { GroupAnswer } from "./group-messages.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";

/** A result now or later. */
export type Eventually<T> = T | Promise<T>;

/** Why a door is shut. */
type Shut =
  /** The group is being moved; `ended` resolves when that has ended, one way or the other. */
  | { readonly why: "moving"; readonly ended: PromiseWithResolvers<void> }
  | { readonly why: "moved"; readonly to: ActorRef<Group> }
  | { readonly why: "over" };

const over: Shut = { why: "over" };

/**
 * Where all that is wanted of a group comes in. While the group is being moved it waits here; afterwards
 * it is sent on. A group that is over lets nobody in: fan-outs wait for its actor to end, which may take
 * as long as the disk, and look for the group anew.
 */
export class GroupDoor {
  readonly #crowd: Pick<Crowd, "linkTo">;
  /** Null: it is open. */
  #shut: Shut | null = null;

  constructor(crowd: Pick<Crowd, "linkTo">) {
    this.#crowd = crowd;
  }

  get isOver(): boolean {
    return this.#shut === over;
  }

  /** Nothing has ended the group here, and nothing is about to. */
  get isOpen(): boolean {
    return this.#shut === null;
  }

  /** A move begins; false: there is nothing to move. */
  shut(): boolean {
    if (!this.isOpen) return false;
    this.#shut = { why: "moving", ended: Promise.withResolvers() };
    return true;
  }

  /** A move ends; null: it has failed. */
  goOn(movedTo: ActorRef<Group> | null): void {
    const before = this.#shut;
    if (movedTo !== null) this.#shut = { why: "moved", to: movedTo };
    else if (before?.why === "moving") this.#shut = null;
    if (before?.why === "moving") before.ended.resolve();
  }

  /** The group is over; false: it was, or is elsewhere, or on its way. */
  close(): boolean {
    if (!this.isOpen) return false;
    this.#shut = over;
    return true;
  }

  /** Lets a question in. */
  answer<T>(act: () => Eventually<T>): Eventually<GroupAnswer<T | RelayRefusal>> {
    const shut = this.#shut;
    if (shut === null) return act();
    if (shut.why === "moved") return { moved: shut.to };
    if (shut.why === "over") return refuseRelay("group_not_found");
    return shut.ended.promise.then(() => this.answer(act));
  }

  /** Lets in what a fan-out tells, which is sent on if the group is elsewhere; null: it need not be. */
  admit(fanout: ActorRef<Fanout> | null, act: () => Eventually<void>): Eventually<void> {
    const shut = this.#shut;
    if (shut === null) return act();
    if (shut.why === "moving") return shut.ended.promise.then(() => this.admit(fanout, act));
    if (shut.why === "moved" && fanout !== null) this.#crowd.linkTo(fanout).sendOn(shut.to);
    return undefined;
  }
}
