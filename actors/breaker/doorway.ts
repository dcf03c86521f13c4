import type { ActorRef, AskOptions } from "#runtime";
import type { BulkheadAddress } from "./bulkhead-address.ts";

/** What a {@link Doorway} needs of its thread. */
export interface DoorwayPort {
  /** Finds the bulkhead of a key; rejects as `Bulkheads.open`, and when there are no Bulkheads. */
  open(key: string, stale: ActorRef | null, options: AskOptions): Promise<BulkheadAddress>;
  after(delayMs: number, fire: () => void): void;
}

/** A message of leaving that did not get off is sent again after that. */
const leaveAgainAfterMs = 20;
/** Finding a bulkhead for those who leave. */
const openTimeoutMs = 5_000;

/**
 * One key as its thread sees it: the bulkhead, as long as it lives, and the tickets that are inside.
 * Who leaves is reported for certain: to the bulkhead that counts the ticket, even if that is
 * another one than let it in.
 */
export class Doorway {
  readonly key: string;
  readonly #port: DoorwayPort;
  readonly #held = new Set<number>();
  /** Tickets that have left, and whose bulkhead has not been told yet. */
  #leaving: number[] = [];
  #link: BulkheadAddress | null = null;
  /** Without a link: a bulkhead that is starting counts what is held here. */
  #isCounted = false;
  #generation = 0;
  /** Those who want in at this moment. */
  entering = 0;

  constructor(key: string, port: DoorwayPort) {
    this.key = key;
    this.#port = port;
  }

  /** Those inside, and those who want in. */
  get occupancy(): number {
    return this.#held.size + this.entering;
  }

  /** Whether nothing would be lost with it. */
  get isEmpty(): boolean {
    return this.#link === null && this.occupancy === 0 && this.#leaving.length === 0;
  }

  /** Counts the times that the tickets were handed over: who was let in before is not inside. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * The bulkhead, found when it is not known; `stale` is one that is known to be gone.
   * @throws TroupeError as {@link DoorwayPort.open}.
   */
  async open(stale: ActorRef | null, options: AskOptions): Promise<BulkheadAddress> {
    if (this.#link !== null) return this.#link;
    const address = await this.#port.open(this.key, stale, options);
    this.#connect(address);
    return address;
  }

  /** A ticket is inside. */
  hold(ticket: number): void {
    this.#held.add(ticket);
  }

  /** A ticket leaves; nothing when it has left. */
  leave(ticket: number): void {
    if (this.#held.delete(ticket)) this.release(ticket);
  }

  /** Whoever counts the ticket, if anybody does, is told that it is not inside. */
  release(ticket: number): void {
    if (this.#link === null && !this.#isCounted) return;
    this.#leaving.push(ticket);
    if (this.#leaving.length === 1) this.#tellLeaving();
  }

  /** The tickets inside, for the bulkhead that will be. */
  handOver(): number[] {
    this.#link = null;
    this.#isCounted = true;
    this.#generation += 1;
    return [...this.#held];
  }

  /** A bulkhead is gone. */
  unlink(bulkhead: ActorRef): void {
    if (!this.#link?.bulkhead.equals(bulkhead)) return;
    this.#link = null;
    this.#isCounted = false;
    this.#leaving = [];
  }

  #connect(address: BulkheadAddress): void {
    if (this.#link !== null) return;
    this.#link = address;
    const { bulkhead, porter } = address;
    porter.tell.follow(bulkhead);
    if (!this.#isCounted && this.#held.size > 0) bulkhead.tell.adopt(porter, [...this.#held]);
    this.#isCounted = false;
    this.#tellLeaving();
  }

  #tellLeaving(): void {
    if (this.#link === null) {
      void this.#findAndTell();
      return;
    }
    const { bulkhead, porter } = this.#link;
    for (let ticket = this.#leaving[0]; ticket !== undefined; ticket = this.#leaving[0]) {
      if (!bulkhead.tell.leave(porter, ticket)) {
        this.#tellLater();
        return;
      }
      this.#leaving.shift();
    }
  }

  async #findAndTell(): Promise<void> {
    try {
      await this.open(null, { timeoutMs: openTimeoutMs });
    } catch {
      this.#tellLater();
    }
  }

  #tellLater(): void {
    this.#port.after(leaveAgainAfterMs, () => {
      // Meanwhile the bulkhead may have ended, and its count with it.
      if (this.#leaving.length > 0) this.#tellLeaving();
    });
  }
}
