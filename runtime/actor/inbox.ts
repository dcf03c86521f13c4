import type { OverflowPolicy } from "./context.ts";
import type { Envelope } from "./envelope.ts";
import { Mailbox } from "./mailbox.ts";

/** What goes before messages: signals, timers, code changes. */
export type Urgent = () => unknown;

/** Messages that may wait where the spawn options do not say. */
export const defaultMailboxCapacity = 10_000;

/** What became of a message: taken, or refused; and which one is a dead letter for it, if any. */
export interface Acceptance {
  readonly accepted: boolean;
  readonly dropped: Envelope | null;
}

const taken: Acceptance = { accepted: true, dropped: null };

/** What waits for an actor's turn: urgent work without bound, messages up to the capacity. */
export class Inbox {
  readonly #messages = new Mailbox<Envelope>();
  #urgent: Mailbox<Urgent> | null = null;

  /** How many messages wait. */
  get size(): number {
    return this.#messages.size;
  }

  get isEmpty(): boolean {
    return this.#messages.size === 0 && (this.#urgent === null || this.#urgent.size === 0);
  }

  /** Adds a message, or does with it what the policy says. */
  accept(
    envelope: Envelope,
    capacity: number = defaultMailboxCapacity,
    policy: OverflowPolicy = "fail",
  ): Acceptance {
    if (this.#messages.size < capacity) {
      this.#messages.push(envelope);
      return taken;
    }
    if (policy !== "drop_oldest") {
      return { accepted: policy === "drop_newest", dropped: envelope };
    }
    const dropped = this.#messages.shift() ?? envelope;
    if (dropped !== envelope) this.#messages.push(envelope);
    return { accepted: true, dropped };
  }

  addUrgent(work: Urgent): void {
    this.#urgent ??= new Mailbox();
    this.#urgent.push(work);
  }

  nextUrgent(): Urgent | undefined {
    return this.#urgent === null ? undefined : this.#urgent.shift();
  }

  nextMessage(): Envelope | undefined {
    return this.#messages.shift();
  }
}
