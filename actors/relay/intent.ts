import type { ActorRef } from "#runtime";
import type { Claim } from "./fanout-messages.ts";
import type { Group } from "./group.ts";
import type { GroupKind } from "./group-kind.ts";
import type { RelayRefusal } from "./refusal.ts";

/**
 * What whoever looks for a group wants done when there is none.
 * - `find`: nothing; it is `group_not_found`.
 * - `create`: it is created. With `mustBeNew` one that is there already is refused, `group_exists`.
 * - `restore`: it is rebuilt for the members that the asker has: the group that they knew is lost.
 */
export type Intent =
  | { readonly type: "find" }
  | {
      readonly type: "create";
      readonly kind: GroupKind;
      readonly isDurable: boolean;
      /** Becomes the admin; null: the first who joins does. */
      readonly creator: string | null;
      readonly mustBeNew: boolean;
    }
  | { readonly type: "restore"; readonly claim: GroupClaim };

/** What of a claim the home of a group has to know to rebuild it; the group asks for the rest. */
type GroupClaim = Pick<Claim, "kind" | "isDurable" | "offset">;

/** A group, and whether it was created for the one who asked. */
export interface FoundGroup {
  readonly ok: true;
  readonly group: ActorRef<Group>;
  readonly isNew: boolean;
}

/** What a search for a group ends with. */
export type GroupSearch = FoundGroup | RelayRefusal;
