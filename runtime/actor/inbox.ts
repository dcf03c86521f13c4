import type { Envelope } from "./envelope.ts";
import { Mailbox } from "./mailbox.ts";

/** What goes before messages: signals, timers, code changes. */
export type Urgent = () => unknown;

/** Messages that may wait where the spawn options do not say. */
export const defaultMailboxCapacity = 10_000;

/** What waits for an actor's turn: urgent work without bound, messages up to the capacity. */
export class Inbox {
  readonly #messages = new Mailbox<Envelope>();
  readonly #capacity: number;
  #urgent: Mailbox<Urgent> | null = null;

  constructor(capacity: number = defaultMailboxCapacity) {
    this.#capacity = capacity;
  }

  /** How many messages wait. */
  get size(): number {
    return this.#messages.size;
  }

  get isEmpty(): boolean {
    return this.#messages.isEmpty && (this.#urgent === null || this.#urgent.isEmpty);
  }

  /** Adds a message; false when there is no room. */
  offer(envelope: Envelope): boolean {
    if (!this.#messages.isEmpty && this.#messages.size >= this.#capacity) return false;
    this.#messages.push(envelope);
    return true;
  }

  /** Adds a message in the place of the oldest; the result is the one that is dropped. */
  replaceOldest(envelope: Envelope): Envelope {
    const oldest = this.#messages.shift();
    if (oldest === undefined) return envelope;
    this.#messages.push(envelope);
    return oldest;
  }

  addUrgent(work: Urgent): void {
    this.#urgent ??= new Mailbox();
    this.#urgent.push(work);
  }

  nextUrgent(): Urgent | undefined {
    return this.#urgent?.shift();
  }

  nextMessage(): Envelope | undefined {
    return this.#messages.shift();
  }
}
