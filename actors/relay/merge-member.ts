import type { MemberRole, MemberState, MemberStatus } from "./group-kind.ts";

/** The stricter ones are greater. */
const strictness: Readonly<Record<MemberStatus | MemberRole, number>> = {
  ...{ active: 0, pending: 1, muted: 2 },
  ...{ admin: 0, member: 1 },
};

/**
 * Which of two states of one user counts, whichever comes first: that of the higher version; where
 * they are equal nobody knows what was decided later, and the stricter one counts; where that is equal
 * too, the longer membership.
 */
export function mergeMember(own: MemberState, other: MemberState): MemberState {
  const lead =
    own.version - other.version ||
    strictness[own.status] - strictness[other.status] ||
    strictness[own.role] - strictness[other.role] ||
    other.joinedAt - own.joinedAt;
  return lead >= 0 ? own : other;
}
