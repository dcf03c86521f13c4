import { type Channel, channel } from "node:diagnostics_channel";

/** Why a message was not taken. */
export type DeadLetterReason =
  | "no_actor"
  | "actor_stopped"
  | "mailbox_full"
  | "link_full"
  | "thread_down"
  | "unreachable"
  | "node_down"
  | "message_too_large"
  | "unknown_method"
  | "not_serialisable";

/** What a sender is told, behind the name of the actor. */
export const refusalText: Record<DeadLetterReason, string> = {
  no_actor: "is no living actor",
  actor_stopped: "has stopped",
  mailbox_full: "has a full mailbox",
  link_full: "cannot be reached: too much is on its way to its thread",
  thread_down: "was on a thread that died",
  unreachable: "is on a node that is not connected",
  node_down: "is on a node to which the connection was lost",
  message_too_large: "was sent more than may go to another node at once",
  unknown_method: "has no such public method",
  not_serialisable: "was sent something that cannot leave its thread",
};

/** A message that nobody took. */
export interface DeadLetter {
  /** The pid or name that it was for. */
  readonly to: string;
  readonly method: string;
  readonly reason: DeadLetterReason;
  /** Wall time, ms. */
  readonly at: number;
}

/** How many dead letters a thread keeps. */
export const keptDeadLetters = 1_000;

/** Every dead letter is published here as it occurs, as a {@link DeadLetter}. */
export const deadLetterChannel: Channel = channel("troupe:runtime:dead_letter");

/** The dead letters of one thread: all are counted by reason, the last 1,000 are kept. */
export class DeadLetters {
  readonly #kept: DeadLetter[] = [];
  #next = 0;
  #total = 0;
  readonly #byReason = new Map<DeadLetterReason, number>();

  add(letter: DeadLetter): void {
    this.#total += 1;
    this.#byReason.set(letter.reason, (this.#byReason.get(letter.reason) ?? 0) + 1);
    this.#kept[this.#next] = letter;
    this.#next = (this.#next + 1) % keptDeadLetters;
    if (deadLetterChannel.hasSubscribers) deadLetterChannel.publish(letter);
  }

  /** How many there have been since the thread started. */
  get total(): number {
    return this.#total;
  }

  /** The same, by reason. */
  counts(): Partial<Record<DeadLetterReason, number>> {
    return Object.fromEntries(this.#byReason);
  }

  /** The ones that are kept, oldest first. */
  list(): DeadLetter[] {
    if (this.#kept.length < keptDeadLetters) return [...this.#kept];
    return [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
  }
}
