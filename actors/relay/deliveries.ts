import type { GroupPlace } from "./group-place.ts";
import type { FanoutLink } from "./group-sessions.ts";
import type { HistoryEntry } from "./history.ts";

/** How long after a way was full it is tried again. */
const retryMs = 100;

/** Who knows the fan-outs to deliver to. */
export interface LinkList {
  links(): Iterable<FanoutLink>;
}

/**
 * Takes a group's messages to the fan-outs. Where the way to one is full, what it misses follows from
 * the history when there is room; what that does not keep any more, the fan-out sees missing by the
 * offsets.
 */
export class Deliveries {
  readonly #place: GroupPlace;
  readonly #crowd: LinkList;
  /** Those that were relayed and are kept. */
  readonly #relayed: () => readonly HistoryEntry[];
  #isWaiting = false;

  constructor(place: GroupPlace, crowd: LinkList, relayed: () => readonly HistoryEntry[]) {
    this.#place = place;
    this.#crowd = crowd;
    this.#relayed = relayed;
  }

  /** Sends the newest message to every fan-out that has somebody to give it to. */
  deliver({ offset, text }: HistoryEntry): void {
    for (const link of this.#crowd.links()) {
      if (link.receiving === 0 || link.missedFrom !== null) continue;
      if (link.ref.tell.deliver(this.#place.groupId, offset, text)) continue;
      link.missedFrom = offset;
      this.#waitForRoom();
    }
  }

  #waitForRoom(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#place.context.after(retryMs, () => {
      this.#isWaiting = false;
      for (const link of this.#crowd.links()) this.#catchUp(link);
    });
  }

  #catchUp(link: FanoutLink): void {
    const { missedFrom, ref } = link;
    if (missedFrom === null) return;
    link.missedFrom = null;
    if (link.receiving === 0) return;
    for (const { offset, text } of this.#relayed()) {
      if (offset < missedFrom || ref.tell.deliver(this.#place.groupId, offset, text)) continue;
      link.missedFrom = offset;
      this.#waitForRoom();
      return;
    }
  }
}
