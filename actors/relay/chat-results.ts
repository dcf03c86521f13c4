/** What the chat functions answer, in the spelling of clients. */

import { formatWallTime } from "#runtime";
import type { EnterAccepted } from "./fanout-messages.ts";
import type { MemberState } from "./group-kind.ts";
import type { GroupInfo, GroupSummary, HistoryAnswer } from "./group-messages.ts";

/** What a client is told of a join; `recovered` only where it asked for what it missed. */
export function encodeJoined(answer: EnterAccepted): Record<string, unknown> {
  const { member, epoch, offset, recovered } = answer;
  return {
    status: member.status,
    epoch,
    offset,
    ...(recovered === null ? {} : { recovered }),
  };
}

/** A member after a change; null: it is none any more. */
export function encodeMember(userId: string, member: MemberState | null): Record<string, unknown> {
  if (member === null) return { user_id: userId, role: null, status: "removed" };
  return { user_id: userId, role: member.role, status: member.status };
}

/** A group, for a user to whom it is `own`; null: no member. */
export function encodeInfo(
  info: GroupInfo,
  own: Pick<MemberState, "role" | "status"> | null,
): Record<string, unknown> {
  const { groupId, kind, isDurable, membersCount, members, epoch, offset, createdAt } = info;
  return {
    group_id: groupId,
    type: kind,
    durable: isDurable,
    status: own?.status ?? null,
    role: own?.role ?? null,
    members_count: membersCount,
    members: members.map(({ userId, role, status, joinedAt, devices }) => ({
      ...{ user_id: userId, role, status, joined_at: formatWallTime(joinedAt), devices },
    })),
    epoch,
    offset,
    created_at: formatWallTime(createdAt),
  };
}

/** A group in a list of a user's own. */
export function encodeSummary(summary: GroupSummary): Record<string, unknown> {
  const { groupId, kind, role, status } = summary;
  return { group_id: groupId, type: kind, role, status };
}

/** A page of messages, each as it was pushed, without what makes a Response of it. */
export function encodePage(page: HistoryAnswer): Record<string, unknown> {
  const { texts, hasMore, epoch, offset } = page;
  return { messages: texts.map(parseMessage), has_more: hasMore, epoch, offset };
}

function parseMessage(text: string): unknown {
  return (JSON.parse(text) as { readonly result: unknown }).result;
}
