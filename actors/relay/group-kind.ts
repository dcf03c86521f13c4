/**
 * The kinds of a group, from the most open one on. `public`: who joins is active at once.
 * `private`: who joins is pending until an active member accepts. `strict_private`: only an admin
 * accepts, and admins mute members.
 */
export const groupKinds = ["public", "private", "strict_private"] as const;

/** One of {@link groupKinds}. */
export type GroupKind = (typeof groupKinds)[number];

/** `pending` ones neither send nor receive, `muted` ones only receive. */
export type MemberStatus = "active" | "pending" | "muted";

/** An `admin` is active always. */
export type MemberRole = "admin" | "member";

/** A member of a group: the same data in the group, on disk, on a move and in a fan-out's claim. */
export interface MemberState {
  readonly userId: string;
  readonly role: MemberRole;
  readonly status: MemberStatus;
  /** Wall clock, ms since 1970. */
  readonly joinedAt: number;
  /**
   * Tells which of two copies of a group has the state to go on with, see `mergeMember`: whoever
   * decides with knowledge of a state gives the next one a higher version.
   */
  readonly version: number;
}

/** Whether `given` is one of {@link groupKinds}. */
export function isGroupKind(given: unknown): given is GroupKind {
  return groupKinds.some((kind) => kind === given);
}

/** Whether messages of the group reach a member: active and muted ones. */
export function isReceiving(member: MemberState): boolean {
  return member.status !== "pending";
}
