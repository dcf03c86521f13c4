import type { Telling } from "./fanout-link.ts";
import type { HistoryAnswer, MessageSource, SendAnswer } from "./group-messages.ts";
import { selectLimits } from "./group-origin.ts";
import type { GroupPlace } from "./group-place.ts";
import type { GroupState } from "./group-state.ts";
import { encodeRelayed } from "./group-text.ts";
import { History, type HistoryEntry } from "./history.ts";
import { mergeMessages } from "./merge-messages.ts";
import { refuseRelay } from "./refusal.ts";
import { tellSend } from "./relay-telemetry.ts";
import { SenderRate } from "./sender-rate.ts";

/** Who a group's messages are for. */
export interface Audience {
  /** Sessions of members that receive. */
  readonly recipients: number;
  /** Tells something to every fan-out that has some of them. */
  tellReceiving(telling: Telling): void;
}

/** The messages of a group: takes them in, in one order, keeps the last ones, and sends them out. */
export class MessageLog {
  readonly #place: GroupPlace;
  #history: History;
  #relayed: number;
  /** Null until somebody sends. */
  #rate: SenderRate | null = null;

  constructor(place: GroupPlace, history: History) {
    this.#place = place;
    this.#history = history;
    this.#relayed = history.offset;
  }

  get epoch(): string {
    return this.#history.epoch;
  }

  /** Of the last message that was relayed: those behind it wait for the disk, and nobody has them. */
  get offset(): number {
    return this.#relayed;
  }

  /** Where who comes now goes on from. */
  get position(): { readonly epoch: string; readonly offset: number } {
    return { epoch: this.epoch, offset: this.offset };
  }

  /** Of the last message that has its place. */
  get lastOffset(): number {
    return this.#history.offset;
  }

  /** Those that are kept, up to `lastOffset`. */
  entries(): readonly HistoryEntry[] {
    return this.#history.entries();
  }

  /** Relays the JSON text of a message of somebody who may send. */
  send(
    { userId, requestId }: MessageSource,
    text: string,
    audience: Audience,
  ): SendAnswer | Promise<SendAnswer> {
    const { settings, record, context } = this.#place;
    const limit = settings.maxMessageBytes;
    if (text.length * 3 > limit && Buffer.byteLength(text) > limit) {
      return refuseRelay("message_too_large", { limit });
    }
    if (record?.isBehind) return refuseRelay("unavailable");
    const waitMs = userId === null ? 0 : this.#admit(userId, context.clock.now());
    if (waitMs > 0) {
      const perSecond = settings.messagesPerSecond ?? 0;
      return refuseRelay("rate_limited", { limit: perSecond, retryAfterMs: waitMs });
    }
    const entry = this.#append(userId, requestId, text);
    const written = record?.write({ messages: [entry] });
    if (written === undefined || settings.storage?.sync !== "full") {
      return this.#relay(userId, entry, audience);
    }
    return written.then((isWritten) => {
      // An offset was given that nobody saw: what is on disk is the truth to go on from.
      if (!isWritten) throw new Error(`message ${entry.offset} could not be written to the disk`);
      return this.#relay(userId, entry, audience);
    });
  }

  /** The texts behind an offset, should all of them be kept. */
  recover(
    since: number,
    epoch: string | null,
  ): { readonly recovered: boolean; readonly missed: readonly string[] } {
    const recovery = this.#history.recover(since, epoch, this.#now());
    if (!recovery.recovered) return { recovered: false, missed: [] };
    const missed = recovery.missed.filter(({ offset }) => offset <= this.#relayed);
    return { recovered: true, missed: missed.map(({ text }) => text) };
  }

  /** The same as far as it is kept; not recovered: nothing goes on from there. */
  catchUp(since: number, epoch: string): ReturnType<MessageLog["recover"]> {
    const recovery = this.recover(since, epoch);
    const leftOver = this.offset - since;
    if (recovery.recovered || epoch !== this.epoch || leftOver < 0) return recovery;
    return { recovered: true, missed: this.page(null, leftOver).texts };
  }

  /** The newest `limit` messages before an offset; null: of all. */
  page(before: number | null, limit: number): HistoryAnswer {
    const { epoch, offset } = this;
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, offset + 1);
    const { entries, hasMore } = this.#history.page(end, limit, this.#now());
    return { ok: true, epoch, offset, texts: entries.map(({ text }) => text), hasMore };
  }

  /** Somebody has seen a later offset, under another epoch: unless one was given here, go on from it. */
  continueAfter(offset: number): void {
    if (offset <= this.#history.offset || this.#history.entries().length > 0) return;
    this.#history = new History(selectLimits(this.#place.settings), this.#history.epoch, offset);
    this.#relayed = offset;
  }

  /**
   * Takes in what another copy of the group has kept. It may have gone on where this one stopped:
   * that is delivered. Where the two have gone on each by itself under one epoch the one count has
   * split in two, and a new epoch begins behind both.
   * @param epoch of the messages to come, should it be a new one
   * @returns whether it is: then the fan-outs have to ask what they miss.
   */
  merge(
    other: Pick<GroupState, "epoch" | "offset" | "messages">,
    epoch: string,
    audience: Audience,
  ): boolean {
    const limits = selectLimits(this.#place.settings);
    const own = this.#history;
    const { entries, offset, isSplit } = mergeMessages(own, other);
    this.#history = new History(limits, isSplit ? epoch : own.epoch, offset, entries);
    this.#relayed = offset;
    if (isSplit) return true;
    for (const entry of entries) if (entry.offset > own.offset) this.#deliver(entry, audience);
    return false;
  }

  #now(): number {
    return this.#place.context.clock.wallTime();
  }

  #admit(userId: string, now: number): number {
    this.#rate ??= new SenderRate(this.#place.settings.messagesPerSecond);
    return this.#rate.admit(userId, now);
  }

  #append(fromUserId: string | null, requestId: string, message: string): HistoryEntry {
    const { groupId } = this.#place;
    const at = this.#now();
    return this.#history.append(at, (offset) =>
      encodeRelayed({ groupId, fromUserId, requestId, message, at, offset }),
    );
  }

  #relay(userId: string | null, entry: HistoryEntry, audience: Audience): SendAnswer {
    const { recipients } = audience;
    this.#relayed = Math.max(this.#relayed, entry.offset);
    this.#deliver(entry, audience);
    tellSend(this.#place.groupId, userId, entry.offset, recipients, entry.text.length);
    return { ok: true, recipients, offset: entry.offset };
  }

  #deliver({ offset, text }: HistoryEntry, audience: Audience): void {
    const { groupId } = this.#place;
    audience.tellReceiving((to) => to.deliver(groupId, offset, text));
  }
}
