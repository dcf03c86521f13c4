import type { ActorRef, Random } from "#runtime";

/**
 * The instance to send a call to: one on `thread` when there is any, else any; random among equals.
 * Undefined when there is none. Allocates nothing.
 */
export function selectInstance(
  members: readonly ActorRef[],
  thread: number,
  random: Random,
): ActorRef | undefined {
  let local = 0;
  for (const member of members) if (member.thread === thread) local += 1;
  if (local === 0) return members[members.length > 1 ? Math.floor(random() * members.length) : 0];
  let skip = local > 1 ? Math.floor(random() * local) : 0;
  for (const member of members) {
    if (member.thread !== thread) continue;
    if (skip === 0) return member;
    skip -= 1;
  }
  return undefined;
}
