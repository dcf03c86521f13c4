import type { ActorContext } from "#runtime";
import type { MemberState } from "./group-kind.ts";

/** How long a member whose last session has ended may come back as what it was. */
const returnMs = 30_000;

/** Who has gone with the last session, and is again what it was when it comes back within 30 s. */
export class Departed {
  readonly #context: ActorContext;
  readonly #onOver: () => void;
  /** The first to expire first. */
  readonly #members = new Map<string, { readonly state: MemberState; readonly until: number }>();

  /** Calls `onOver` once, when nobody comes back any more: then it is of no use. */
  constructor(context: ActorContext, onOver: () => void) {
    this.#context = context;
    this.#onOver = onOver;
    context.after(returnMs, () => this.#sweep());
  }

  has(userId: string): boolean {
    return this.#members.has(userId);
  }

  remember(states: Iterable<MemberState>): void {
    const until = this.#context.clock.now() + returnMs;
    for (const state of states) {
      this.#members.delete(state.userId);
      this.#members.set(state.userId, { state, until });
    }
  }

  /** It is back, or is to stay away. */
  take(userId: string): MemberState | undefined {
    const known = this.#members.get(userId);
    this.#members.delete(userId);
    return known?.state;
  }

  #sweep(): void {
    const now = this.#context.clock.now();
    for (const [userId, { until }] of this.#members) {
      if (until > now) {
        this.#context.after(until - now, () => this.#sweep());
        return;
      }
      this.#members.delete(userId);
    }
    this.#onOver();
  }
}
