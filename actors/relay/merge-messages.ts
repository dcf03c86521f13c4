import type { GroupState } from "./group-state.ts";
import type { History, HistoryEntry } from "./history.ts";

/** The messages of two copies of a group. */
export interface MergedMessages {
  /** By rising offset. */
  readonly entries: readonly HistoryEntry[];
  /** To go on from. */
  readonly offset: number;
  /** Under one epoch both have given offsets to different messages, or a part is missing. */
  readonly isSplit: boolean;
}

/**
 * Brings together what two copies of a group have kept. What is here counts; of the other copy come the
 * older messages, and those that follow if both are of one epoch and agree.
 */
export function mergeMessages(
  own: Pick<History, "epoch" | "offset" | "entries">,
  other: Pick<GroupState, "epoch" | "offset" | "messages">,
): MergedMessages {
  const entries = own.entries();
  const isSame = own.epoch === other.epoch;
  // Before the first message of an epoch, those of another are all older.
  const first = entries[0]?.offset ?? (isSame ? own.offset + 1 : Number.POSITIVE_INFINITY);
  const all = [...other.messages.filter(({ offset }) => offset < first), ...entries];
  const highest = Math.max(own.offset, other.offset);
  if (!isSame) {
    return { entries: all, offset: entries.length > 0 ? own.offset : highest, isSplit: false };
  }
  const texts = new Map(entries.map(({ offset, text }) => [offset, text]));
  const differs = other.messages.some(({ offset, text }) => (texts.get(offset) ?? text) !== text);
  const newer = other.messages.filter(({ offset }) => offset > own.offset);
  const hasAll = newer.length === highest - own.offset;
  if (differs || !hasAll) return { entries: all, offset: highest, isSplit: true };
  return { entries: [...all, ...newer], offset: highest, isSplit: false };
}
