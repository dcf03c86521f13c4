/** What telemetry is told of relay groups; free where nobody listens. */

import { telemetry } from "../diagnostics/index.ts";
import type { GroupKind, MemberState } from "./group-kind.ts";

/** Somebody has become a member. */
export function tellJoin(groupId: string, { userId, role, status }: MemberState): void {
  const channel = telemetry.relayJoin;
  if (!channel.hasSubscribers) return;
  const metadata = { group_id: groupId, user_id: userId, role, status };
  channel.publish({ measurements: { count: 1 }, metadata });
}

/** Somebody is no member any more; `left` are those who stay. */
export function tellLeave(groupId: string, userId: string, left: number): void {
  const channel = telemetry.relayLeave;
  if (!channel.hasSubscribers) return;
  const metadata = { group_id: groupId, user_id: userId };
  channel.publish({ measurements: { members: left }, metadata });
}

/**
 * A message has been relayed.
 *
 * @param userId null: a service or an operator sent it
 * @param recipients sessions that it is for
 * @param bytes of the JSON of the push
 */
export function tellSend(
  groupId: string,
  userId: string | null,
  offset: number,
  recipients: number,
  bytes: number,
): void {
  const channel = telemetry.relaySend;
  if (!channel.hasSubscribers) return;
  const metadata = { group_id: groupId, user_id: userId, offset };
  channel.publish({ measurements: { recipients, bytes }, metadata });
}

/**
 * A session has been told that it misses messages: `slow`, it did not take them; `lost`, the group
 * was.
 *
 * @param from the first offset that it misses
 */
export function tellGap(
  groupId: string,
  userId: string,
  from: number,
  to: number,
  reason: "slow" | "lost",
): void {
  const channel = telemetry.relayGap;
  if (!channel.hasSubscribers) return;
  const metadata = { group_id: groupId, user_id: userId, from, to, reason };
  channel.publish({ measurements: { missed: to - from + 1 }, metadata });
}

/** There is a group that was not there before. */
export function tellCreate(groupId: string, kind: GroupKind, isDurable: boolean): void {
  const channel = telemetry.relayCreate;
  if (!channel.hasSubscribers) return;
  const metadata = { group_id: groupId, kind, durable: isDurable };
  channel.publish({ measurements: { count: 1 }, metadata });
}

/** A group is no more: `reason` tells whether it was deleted, or had no member left. */
export function tellDelete(groupId: string, reason: "deleted" | "empty"): void {
  const channel = telemetry.relayDelete;
  if (!channel.hasSubscribers) return;
  channel.publish({ measurements: { count: 1 }, metadata: { group_id: groupId, reason } });
}

/** A group has moved to another node, as it was. */
export function tellMove(groupId: string, node: string, members: number): void {
  const channel = telemetry.relayMove;
  if (!channel.hasSubscribers) return;
  channel.publish({ measurements: { members }, metadata: { group_id: groupId, node } });
}

/** A group that was lost is there again, from disk or from what those connected to it knew. */
export function tellRestore(
  groupId: string,
  source: "stored" | "claimed",
  members: number,
  offset: number,
): void {
  const channel = telemetry.relayRestore;
  if (!channel.hasSubscribers) return;
  channel.publish({ measurements: { members, offset }, metadata: { group_id: groupId, source } });
}
