import type { ActorContext, ActorRef } from "#runtime";
import type { Enter } from "./enter.ts";
import type { Fanout } from "./fanout.ts";
import type { FanoutSettings } from "./fanout-group.ts";
import type { Group } from "./group.ts";
import type { GroupFinder, GroupLink } from "./group-link.ts";
import type { RelayRefusal } from "./refusal.ts";

/** What a link needs of the fan-out that it belongs to. */
export interface LinkHost {
  readonly self: ActorRef<Fanout>;
  readonly context: Pick<ActorContext, "watch" | "unwatch" | "after" | "random">;
  readonly finder: GroupFinder;
  readonly settings: FanoutSettings;
  /** At the end of the turn the link is to `flush`. */
  touch(link: GroupLink): void;
  /** The end of `group` is to be told to the link. */
  follow(link: GroupLink, group: ActorRef<Group>): void;
  unfollow(group: ActorRef<Group>): void;
  /** What was asked of the group is refused. */
  refuse(enter: Enter, refusal: RelayRefusal): void;
  /** An enter that had been given to a link is none any more. */
  forgot(): void;
  /** The link has nothing to do any more. */
  drop(link: GroupLink): void;
  /** There is no such group any more: its sessions are to leave it. */
  vanished(link: GroupLink): void;
}
