import type { ActorContext } from "#runtime";
import type { GroupRecord } from "./group-record.ts";
import type { Membership } from "./membership.ts";
import type { RelaySettings } from "./relay-settings.ts";
import type { RelayRouter } from "./router.ts";

/** What the parts of a group have in common. */
export interface GroupPlace {
  readonly groupId: string;
  readonly context: ActorContext;
  readonly settings: RelaySettings;
  readonly router: RelayRouter;
  readonly membership: Membership;
  /** Null: the group is not durable. */
  readonly record: GroupRecord | null;
}

/** Tells the shard that knows a user's groups that the user is in this one, or is not any more. */
export function noteMember(
  { router, groupId }: Pick<GroupPlace, "router" | "groupId">,
  userId: string,
  isMember: boolean,
): void {
  router.shardOf(userId)?.tell.note(userId, groupId, isMember);
}
