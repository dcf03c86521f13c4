import type { ActorRef } from "#runtime";
import type { RelayShard } from "./shard.ts";

/** How long a newcomer waits for word of how many groups the user is in. */
const timeoutMs = 1_000;

/**
 * Whether a user may be in one group more, as the home of the user says, which notes that it is.
 * Nobody to ask is no reason to refuse.
 */
export async function admitMember(
  home: ActorRef<RelayShard> | undefined,
  userId: string,
  groupId: string,
): Promise<boolean> {
  if (home === undefined) return true;
  try {
    return await home.askWith({ timeoutMs }).admit(userId, groupId);
  } catch {
    return true;
  }
}
