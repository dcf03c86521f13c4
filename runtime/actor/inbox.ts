import type { Envelope } from "./envelope.ts";
import { Mailbox } from "./mailbox.ts";

/** What goes before messages: signals, timers, code changes. */
export type Urgent = () => unknown;

/** Messages that may wait where the spawn options do not say. */
const defaultMailboxCapacity = 10_000;

/** What waits for an actor's turn: messages up to the capacity, and urgent work without bound. */
export class Inbox extends Mailbox<Envelope> {
  /** Null: there is none, as mostly. */
  #urgent: Mailbox<Urgent> | null = null;

  get hasWork(): boolean {
    return !this.isEmpty || this.#urgent !== null;
  }

  /** Adds a message; false when `capacity` others wait, or 10,000 where none is given. */
  offer(envelope: Envelope, capacity: number = defaultMailboxCapacity): boolean {
    if (!this.isEmpty && this.size >= capacity) return false;
    this.push(envelope);
    return true;
  }

  /** Adds a message in the place of the oldest; the result is the one that is dropped. */
  replaceOldest(envelope: Envelope): Envelope {
    const oldest = this.shift();
    if (oldest === undefined) return envelope;
    this.push(envelope);
    return oldest;
  }

  /** Takes all messages out, the oldest first. */
  drain(): Envelope[] {
    const drained: Envelope[] = [];
    for (let next = this.shift(); next !== undefined; next = this.shift()) drained.push(next);
    return drained;
  }

  addUrgent(work: Urgent): void {
    this.#urgent ??= new Mailbox();
    this.#urgent.push(work);
  }

  nextUrgent(): Urgent | undefined {
    if (this.#urgent === null) return undefined;
    const urgent = this.#urgent.shift();
    if (this.#urgent.isEmpty) this.#urgent = null;
    return urgent;
  }
}
