import { type ActorContext, type ActorRef, TroupeError, toErrorRecord } from "#runtime";
import { selectAskFailure } from "./ask-failure.ts";
import type { Group } from "./group.ts";
import type { GroupOrigin } from "./group-messages.ts";
import type { GroupState } from "./group-state.ts";
import type { Settling } from "./settling.ts";
import type { ShardGroups } from "./shard-groups.ts";
import type { StoredGroups } from "./stored-groups.ts";

/** Groups that are read from the disk at once. */
const loadsAtOnce = 16;

/**
 * How groups come to be on a shard: new, from the disk, from another shard. All but `loadAll` is to be
 * called in the group's turn, see `ShardGroups.exclusively`.
 */
export class ShardOpenings {
  readonly #context: ActorContext;
  readonly #groups: ShardGroups;
  readonly #stored: StoredGroups;
  readonly #settling: Settling;

  constructor(
    context: ActorContext,
    groups: ShardGroups,
    stored: StoredGroups,
    settling: Settling,
  ) {
    this.#context = context;
    this.#groups = groups;
    this.#stored = stored;
    this.#settling = settling;
  }

  /** Null: it did not start, the log tells why. */
  async start(groupId: string, origin: GroupOrigin): Promise<ActorRef<Group> | null> {
    try {
      const group = await this.#groups.start(groupId, origin);
      this.#stored.found(groupId);
      this.#settling.found(groupId);
      return group;
    } catch (error) {
      const fields = { groupId, error: toErrorRecord(error).message };
      this.#context.log("error", "a relay group did not start", fields);
      return null;
    }
  }

  /**
   * The group that is here, or on the disk; null: neither.
   * @throws TroupeError when it cannot be read: to create it anew would write over it.
   */
  async load(groupId: string): Promise<ActorRef<Group> | null> {
    const held = this.#groups.get(groupId);
    if (held !== undefined) return held;
    const stored = await this.#stored.load(groupId);
    if (stored === null) return null;
    const group = await this.start(groupId, { type: "stored", ...stored });
    if (group === null) throw new TroupeError("start_failed", `group ${groupId} did not start`);
    return group;
  }

  /**
   * Takes a group that has come from another shard, into the one that is here if there is one.
   * @returns null when that failed: it should stay where it is.
   */
  async adopt(state: GroupState): Promise<ActorRef<Group> | null> {
    const { groupId } = state;
    try {
      const held = await this.load(groupId);
      if (held !== null && (await this.#merge(held, state))) return held;
    } catch (error) {
      const fields = { groupId, error: toErrorRecord(error).message };
      this.#context.log("warn", "a relay group was not taken over", fields);
      return null;
    }
    return this.start(groupId, { type: "moved", state });
  }

  /** Starts all that is on the disk; what cannot be read now is read when it is wanted. */
  async loadAll(): Promise<void> {
    const next = this.#stored.names().values();
    const work = async (): Promise<void> => {
      for (const groupId of next) {
        await this.#groups.exclusively(groupId, () => this.load(groupId)).catch(() => null);
      }
    };
    await Promise.all(Array.from({ length: loadsAtOnce }, work));
  }

  /** False: it has ended just now. */
  async #merge(held: ActorRef<Group>, state: GroupState): Promise<boolean> {
    try {
      await held.ask.merge(state);
      return true;
    } catch (error) {
      if (selectAskFailure(error) !== "absent") throw error;
      this.#groups.ended(held);
      return false;
    }
  }
}
