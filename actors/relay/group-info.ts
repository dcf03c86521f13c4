import type { GroupInfo, GroupSummary } from "./group-messages.ts";
import type { GroupPlace } from "./group-place.ts";
import type { MessageLog } from "./message-log.ts";

/** Members that are listed. */
const maxListed = 1_000;

/** What a group tells of itself to those who may know. */
export function describeGroup(
  { groupId, membership }: Pick<GroupPlace, "groupId" | "membership">,
  { epoch, offset }: Pick<MessageLog, "epoch" | "offset">,
  createdAt: number,
): GroupInfo {
  const members: GroupInfo["members"][number][] = [];
  for (const { version: _, ...member } of membership.members()) {
    if (members.length === maxListed) break;
    members.push({ ...member, devices: membership.sessionsOf(member.userId) });
  }
  const { kind, isDurable, size: membersCount } = membership;
  return { groupId, kind, isDurable, epoch, offset, createdAt, membersCount, members };
}

/** The group as a user has it; null: it is no member. */
export function summarizeGroup(
  { groupId, membership }: Pick<GroupPlace, "groupId" | "membership">,
  userId: string,
): GroupSummary | null {
  const member = membership.get(userId);
  if (member === undefined) return null;
  const { role, status } = member;
  return { groupId, kind: membership.kind, role, status };
}
