import type { ActorContext } from "#runtime";
import type { FanoutLink } from "./group-sessions.ts";
import type { History, HistoryEntry } from "./history.ts";

/** How long after a way was full it is tried again. */
const retryMs = 100;

/** What deliveries need of their group. */
export interface DeliveryPlace {
  readonly groupId: string;
  readonly context: ActorContext;
  /** The fan-outs to deliver to. */
  links(): Iterable<FanoutLink>;
}

/**
 * Takes a group's messages to the fan-outs. Where the way to one is full, what it misses follows from
 * the history when there is room; what that does not keep any more, the fan-out sees missing by the
 * offsets.
 */
export class Deliveries {
  readonly #place: DeliveryPlace;
  readonly #history: () => History;
  #isWaiting = false;

  constructor(place: DeliveryPlace, history: () => History) {
    this.#place = place;
    this.#history = history;
  }

  /** Sends the newest message to every fan-out that has somebody to give it to. */
  deliver({ offset, text }: HistoryEntry): void {
    for (const link of this.#place.links()) {
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
      for (const link of this.#place.links()) this.#catchUp(link);
    });
  }

  #catchUp(link: FanoutLink): void {
    const { missedFrom, ref } = link;
    if (missedFrom === null) return;
    link.missedFrom = null;
    if (link.receiving === 0) return;
    for (const { offset, text } of this.#history().entries()) {
      if (offset < missedFrom || ref.tell.deliver(this.#place.groupId, offset, text)) continue;
      link.missedFrom = offset;
      this.#waitForRoom();
      return;
    }
  }
}
