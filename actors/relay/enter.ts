import type { EnterAccepted, EnterRequest } from "./fanout-messages.ts";
import type { Intent } from "./intent.ts";
import type { RelayRefusal } from "./refusal.ts";
import type { FanoutSession } from "./seat.ts";

/** Who waits for a group's answer; called once. */
export interface EnterReply {
  accept(answer: EnterAccepted): void;
  refuse(refusal: RelayRefusal): void;
}

/** A session wants into a group. */
export interface Enter {
  readonly groupId: string;
  readonly request: EnterRequest;
  /** What is wanted when there is no such group. */
  readonly intent: Intent;
  readonly session: FanoutSession;
  readonly reply: EnterReply;
  /** On the clock's `now`. */
  readonly dueAt: number;
  /** Nobody waits any more: its time has run out, or its session has ended. */
  isOver: boolean;
}

/** Those that are waited for, in the order in which their time runs out, which is that of coming. */
export class Enters {
  readonly #waiting = new Map<number, Enter>();

  add(enter: Enter): void {
    this.#waiting.set(enter.request.no, enter);
  }

  delete(enter: Enter): void {
    this.#waiting.delete(enter.request.no);
  }

  /** When the time of the next one runs out; undefined: there is none. */
  get nextDueAt(): number | undefined {
    return this.#waiting.values().next().value?.dueAt;
  }

  /** Takes out those whose time has run out. */
  takeDue(now: number): Enter[] {
    const due: Enter[] = [];
    for (const enter of this.#waiting.values()) {
      if (enter.dueAt > now) break;
      due.push(enter);
    }
    for (const enter of due) this.delete(enter);
    return due;
  }

  /** Takes out all. */
  takeAll(): Enter[] {
    return this.takeDue(Number.POSITIVE_INFINITY);
  }
}
