import { type Column, formatTable, formatWallTime } from "#runtime";
import type { GroupInfo, GroupListing, ListedGroup } from "../relay/index.ts";

const columns: readonly Column<ListedGroup>[] = [
  { title: "group", cell: ({ groupId }) => groupId },
  { title: "type", cell: ({ about }) => about?.kind ?? "no answer" },
  { title: "durable", cell: ({ about }) => (about === null ? "" : yesOrNo(about.isDurable)) },
  { title: "members", cell: ({ about }) => about?.membersCount ?? "", align: "right" },
  { title: "messages", cell: ({ about }) => about?.offset ?? "", align: "right" },
  { title: "node", cell: ({ node }) => node },
  { title: "pid", cell: ({ pid }) => pid },
];

/** The groups, and what the list does not tell. */
export function formatGroups({ total, groups, silent }: GroupListing): string {
  const lines = [formatTable(columns, groups, "no groups")];
  const more = total - groups.length;
  if (more > 0) lines.push(`and ${more} more: groups(pattern) lists some of them`);
  if (silent > 0) {
    const shards = silent === 1 ? "1 shard that does" : `${silent} shards that do`;
    lines.push(`without the groups of ${shards} not answer`);
  }
  return lines.join("\n");
}

type Member = GroupInfo["members"][number];

const memberColumns: readonly Column<Member>[] = [
  { title: "member", cell: ({ userId }) => userId },
  { title: "role", cell: ({ role }) => role },
  { title: "status", cell: ({ status }) => status },
  { title: "devices", cell: ({ devices }) => devices, align: "right" },
  { title: "since", cell: ({ joinedAt }) => formatWallTime(joinedAt) },
];

/** One group with its members. */
export function formatGroup(info: GroupInfo): string {
  const { groupId, kind, isDurable, epoch, offset, createdAt, membersCount, members } = info;
  const lines = [
    `${groupId}: a ${kind} group, ${isDurable ? "durable" : "not durable"}, since ${formatWallTime(createdAt)}`,
    `messages: ${offset}, in epoch ${epoch}`,
    formatTable(memberColumns, members, "no members"),
  ];
  const more = membersCount - members.length;
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join("\n");
}

function yesOrNo(value: boolean): string {
  return value ? "yes" : "no";
}
