import type { MemberState } from "../../../actors/relay/group-kind.ts";
import type { GroupState } from "../../../actors/relay/group-state.ts";
import type { HistoryEntry, HistoryLimits } from "../../../actors/relay/history.ts";
import type { RemovedMember } from "../../../actors/relay/removed-members.ts";
import type { StoreWrite } from "../../../actors/relay/store-database.ts";
import { encodeId } from "../../../actors/relay/store-schema.ts";

interface NaiveGroup {
  state: GroupState;
  isSuspect: boolean;
}

/** What a relay store holds, in plain arrays: to compare with. */
export class NaiveStore {
  readonly groups: Map<string, NaiveGroup> = new Map();
  readonly #limits: HistoryLimits;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** Whether the write was taken. */
  write({ groupId, ...write }: StoreWrite, now: number): boolean {
    const known = this.groups.get(groupId);
    if (write.delete === true) {
      this.groups.delete(groupId);
      return true;
    }
    if (write.replace !== undefined) {
      const { removed: given, ...replacement } = write.replace;
      const messages = this.#kept(write.replace.messages, now);
      const state = { ...replacement, messages, ...changeRemoved([], given) };
      this.groups.delete(groupId);
      this.groups.set(groupId, { state, isSuspect: false });
      return true;
    }
    if (known === undefined && write.group === undefined) return false;
    const state = known?.state ?? emptyGroup(groupId);
    const isNewEpoch = write.group !== undefined && write.group.epoch !== known?.state.epoch;
    const offset = isNewEpoch ? 0 : state.offset;
    const added = (write.messages ?? []).filter((entry) => isNewEpoch || entry.offset > offset);
    if (!isNewEpoch && added.some((entry, index) => entry.offset !== offset + index + 1)) {
      if (known !== undefined) known.isSuspect = true;
      return false;
    }
    const first = added[0]?.offset ?? Number.POSITIVE_INFINITY;
    const messages = [...state.messages.filter((entry) => entry.offset < first), ...added];
    const { removed: before, ...rest } = state;
    this.groups.set(groupId, {
      state: {
        ...rest,
        ...changeRemoved(before, write.removed),
        ...write.group,
        offset: added.at(-1)?.offset ?? state.offset,
        members: changeMembers(state.members, write),
        messages: added.length > 0 ? this.#kept(messages, now) : messages,
      },
      isSuspect: isNewEpoch ? false : (known?.isSuspect ?? false),
    });
    return true;
  }

  /** The run was cut short. */
  suspectAll(): void {
    for (const group of this.groups.values()) group.isSuspect = true;
  }

  #kept(messages: readonly HistoryEntry[], now: number): HistoryEntry[] {
    const { maxMessages, maxAgeMs } = this.#limits;
    const newest = (messages.at(-1)?.offset ?? 0) - maxMessages;
    const oldest = maxAgeMs === null ? Number.NEGATIVE_INFINITY : now - maxAgeMs;
    return messages.filter((entry) => entry.offset > newest && entry.at >= oldest);
  }
}

function changeMembers(
  members: readonly MemberState[],
  { gone = [], members: put = [] }: Omit<StoreWrite, "groupId">,
): MemberState[] {
  const changed = members.filter(({ userId }) => !gone.includes(userId));
  for (const one of put) {
    const index = changed.findIndex(({ userId }) => userId === one.userId);
    if (index < 0) changed.push(one);
    else changed[index] = one;
  }
  return changed;
}

function changeRemoved(
  before: readonly RemovedMember[] = [],
  added: readonly RemovedMember[] = [],
): Pick<GroupState, "removed"> {
  const users = new Map([...before, ...added].map((one) => [one.userId, one]));
  const removed = [...users.values()].sort(
    (a, b) => a.removedAt - b.removedAt || (encodeId(a.userId) < encodeId(b.userId) ? -1 : 1),
  );
  return removed.length === 0 ? {} : { removed };
}

function emptyGroup(groupId: string): GroupState {
  const numbers = { offset: 0, createdAt: 0 };
  return {
    groupId,
    kind: "public",
    isDurable: true,
    epoch: "",
    ...numbers,
    members: [],
    messages: [],
  };
}
