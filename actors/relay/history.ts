/** A message that a group keeps. */
export interface HistoryEntry {
  /** Its number in the group: the first message has 1, each one after it one more. */
  readonly offset: number;
  /** When it was sent: wall-clock time, in ms. */
  readonly at: number;
  /** What the members get, as JSON text. */
  readonly text: string;
}

/** How much a group keeps. */
export interface HistoryLimits {
  /** The newest so many; 0 keeps none. */
  readonly maxMessages: number;
  /** Those that are not older than this; null: however old. */
  readonly maxAgeMs: number | null;
}

/** What a member that was away has missed, in order, or that this is not known any more. */
export type Recovery =
  | { readonly recovered: true; readonly missed: readonly HistoryEntry[] }
  | { readonly recovered: false };

/** A part of what is kept. */
export interface HistoryPage {
  /** By rising offset. */
  readonly entries: readonly HistoryEntry[];
  /** Whether older ones than these are kept. */
  readonly hasMore: boolean;
}

const notRecovered: Recovery = { recovered: false };
const nothing: HistoryEntry[] = [];

/**
 * The last messages of a group, and the count of all of them. Offsets have no gaps and never repeat
 * under one epoch; whoever cannot go on counting where the last one stopped begins a new epoch.
 *
 * Times are of the wall clock, which may be set back: messages then stay longer than `maxAgeMs`,
 * never more of them than `maxMessages`.
 */
export class History {
  readonly epoch: string;
  readonly #limits: HistoryLimits;
  #offset: number;
  /** Not to be changed before the first message: all groups in which nothing was said share it. */
  #entries: HistoryEntry[];

  /**
   * @param offset of the last message there was, kept or not; 0 when there was none.
   * @param entries that are kept of them, by rising offset; gaps are allowed, recovery knows them.
   * @throws RangeError for entries that are out of order or lie beyond `offset`.
   */
  constructor(
    limits: HistoryLimits,
    epoch: string,
    offset = 0,
    entries: readonly HistoryEntry[] = nothing,
  ) {
    checkOrder(entries, offset);
    this.epoch = epoch;
    this.#limits = limits;
    this.#offset = offset;
    const dropped = Math.max(0, entries.length - limits.maxMessages);
    this.#entries = entries.length === dropped ? nothing : entries.slice(dropped);
  }

  /** Of the last message; 0 before the first. */
  get offset(): number {
    return this.#offset;
  }

  /** Those that are kept, by rising offset; one may be too old by now if it was not asked since. */
  entries(): readonly HistoryEntry[] {
    return this.#entries.slice();
  }

  /**
   * Adds the next message. When `encode` throws there was none.
   * @param at wall-clock time, in ms
   * @param encode makes the text, from the offset that the message gets.
   */
  append(at: number, encode: (offset: number) => string): HistoryEntry {
    const offset = this.#offset + 1;
    const entry: HistoryEntry = { offset, at, text: encode(offset) };
    this.#offset = offset;
    if (this.#entries === nothing) this.#entries = [entry];
    else this.#entries.push(entry);
    this.#drop(at);
    return entry;
  }

  /**
   * What came after offset `since` of `epoch`. Exact: `missed` are all of them, and if one of them is
   * not kept any more, or it is not known whether there were others, nothing is recovered.
   * @param epoch null: not known, which is enough only for whoever has seen nothing, `since` 0.
   * @param now wall-clock time, in ms
   */
  recover(since: number, epoch: string | null, now: number): Recovery {
    if (epoch === null ? since !== 0 : epoch !== this.epoch) return notRecovered;
    this.#drop(now);
    const missed = this.#entries.slice(this.#indexAfter(since));
    return missed.length === this.#offset - since ? { recovered: true, missed } : notRecovered;
  }

  /**
   * The newest `limit` of those before offset `before`; null: of all.
   * @param now wall-clock time, in ms
   */
  page(before: number | null, limit: number, now: number): HistoryPage {
    this.#drop(now);
    const end = before === null ? this.#entries.length : this.#indexAfter(before - 1);
    const start = Math.max(0, end - limit);
    return { entries: this.#entries.slice(start, end), hasMore: start > 0 };
  }

  /** Where in the list the first entry behind `offset` lies. */
  #indexAfter(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as HistoryEntry).offset > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #drop(now: number): void {
    const { maxMessages, maxAgeMs } = this.#limits;
    const entries = this.#entries;
    let dropped = Math.max(0, entries.length - maxMessages);
    if (maxAgeMs !== null) {
      while (dropped < entries.length && now - (entries[dropped] as HistoryEntry).at > maxAgeMs) {
        dropped += 1;
      }
    }
    // Mostly one: shift() does not move the others, splice() would.
    if (dropped === 1) entries.shift();
    else if (dropped > 0) entries.splice(0, dropped);
  }
}

function checkOrder(entries: readonly HistoryEntry[], offset: number): void {
  let previous = 0;
  for (const entry of entries) {
    if (!(entry.offset > previous && entry.offset <= offset)) {
      throw new RangeError(
        `entries: expected rising offsets up to ${offset}, received ${entry.offset} after ${previous}`,
      );
    }
    previous = entry.offset;
  }
}
