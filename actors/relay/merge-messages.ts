import type { GroupState } from "./group-state.ts";
import { renumberRelayed } from "./group-text.ts";
import type { History, HistoryEntry } from "./history.ts";

type Own = Pick<History, "epoch" | "offset" | "entries">;
type Other = Pick<GroupState, "epoch" | "offset" | "messages">;

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
 * Brings together what two copies of a group have kept, and loses none of it. What is here stays where
 * it is; of the other copy come the older messages, and those that follow. Where both have gone on, each
 * by itself, the other one's are given places behind those that are here. To merge a copy once more
 * changes nothing.
 */
export function mergeMessages(own: Own, other: Other): MergedMessages {
  const entries = own.entries();
  const first = entries[0]?.offset ?? own.offset + 1;
  const kept = [...other.messages.filter(({ offset }) => offset < first), ...entries];
  const texts = new Map(entries.map(({ offset, text }) => [offset, text]));
  const fork = other.messages.findIndex(({ offset, text }) => (texts.get(offset) ?? text) !== text);
  const isFork = fork >= 0;
  const newer = isFork
    ? placeBehind(own, other, fork)
    : other.messages.filter(({ offset }) => offset > own.offset);
  const offset = Math.max(own.offset, other.offset, newer.at(-1)?.offset ?? 0);
  const hasAll = newer.length === offset - own.offset;
  const isSplit = own.epoch === other.epoch && (isFork || !hasAll);
  return { entries: [...kept, ...newer], offset, isSplit };
}

/** The messages of the other copy from the fork on, without those that have come before. */
function placeBehind(own: Own, other: Other, fork: number): HistoryEntry[] {
  const isHere = new Set(own.entries().map(({ text }) => renumberRelayed(text, 0)));
  const newer = other.messages
    .slice(fork)
    .filter(({ text }) => !isHere.has(renumberRelayed(text, 0)));
  // Nobody's count goes back.
  const base = Math.max(own.offset, other.offset - newer.length);
  return newer.map(({ at, text }, index) => {
    const offset = base + index + 1;
    return { offset, at, text: renumberRelayed(text, offset) };
  });
}
