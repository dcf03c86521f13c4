import type { GroupKind, MemberState } from "./group-kind.ts";
import type { HistoryEntry } from "./history.ts";
import type { RemovedMember } from "./removed-members.ts";

/** The whole of a group that outlives its actor: what travels when it moves, and what is on disk. */
export interface GroupState {
  readonly groupId: string;
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  /** The run of offsets that `offset` and the messages belong to: another epoch, another count. */
  readonly epoch: string;
  /** Of the last message sent under this epoch, 0 before the first. */
  readonly offset: number;
  /** Wall-clock time, in ms. */
  readonly createdAt: number;
  /** In the order of joining. */
  readonly members: readonly MemberState[];
  /** Those who were members, and may be in other copies of the group; absent: none, as of groups that are not durable. */
  readonly removed?: readonly RemovedMember[];
  /** Those still kept, by rising offset. */
  readonly messages: readonly HistoryEntry[];
  /** On a move: the users whose sessions are to follow. */
  readonly connected?: readonly string[];
  /** On a move: who is a member no more, and may come back as that for a while. */
  readonly departed?: readonly MemberState[];
}
