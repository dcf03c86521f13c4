import type { Clock } from "#runtime";

/**
 * Of which groups a shard is not sure yet that they are lost: somebody may still have them, or know
 * enough to rebuild them. Who looks for such a group waits, instead of being told that there is none.
 */
export class Settling {
  readonly #clock: Clock;
  #allUntil = Number.NEGATIVE_INFINITY;
  /** Single groups, with the end of their time; the first to end first. */
  readonly #until = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #waitingCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waitingCount;
  }

  /** Any group may turn up within `ms` from now. */
  begin(ms: number): void {
    this.#allUntil = this.#clock.now() + ms;
  }

  /** This one may; `ms` is always the same. */
  beginFor(groupId: string, ms: number): void {
    const now = this.#clock.now();
    for (const [other, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(other);
    }
    this.#until.delete(groupId);
    this.#until.set(groupId, now + ms);
  }

  /** Whether the group may still turn up. */
  isOpen(groupId: string): boolean {
    const now = this.#clock.now();
    return now < this.#allUntil || now < (this.#until.get(groupId) ?? now);
  }

  /** Resolves when the group has turned up, or after `ms`. */
  wait(groupId: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(groupId) ?? new Set();
      this.#waiting.set(groupId, waiting);
      this.#waitingCount += 1;
      const end = (): void => {
        if (!waiting.delete(end)) return;
        this.#waitingCount -= 1;
        if (waiting.size === 0 && this.#waiting.get(groupId) === waiting) {
          this.#waiting.delete(groupId);
        }
        limit.cancel();
        resolve();
      };
      const limit = this.#clock.after(ms, end);
      waiting.add(end);
    });
  }

  /** The group has turned up. */
  found(groupId: string): void {
    this.#until.delete(groupId);
    for (const end of [...(this.#waiting.get(groupId) ?? [])]) end();
  }
}
