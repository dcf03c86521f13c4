/** The same failure again within so long is not news. */
const quietMs = 60_000;
/** Failures that are remembered; beyond this many the oldest is forgotten, and may be told again. */
const maxRemembered = 1_000;

/** Keeps what fails again and again from filling the log. */
export class FailureLog {
  /** When each was told, by what failed and why; the oldest first. */
  readonly #toldAt = new Map<string, number>();

  /** True when this was not told within the last minute; it counts as told then. */
  isNews(what: string, why: string, nowMs: number): boolean {
    const key = `${what} ${why}`;
    const toldAt = this.#toldAt.get(key);
    if (toldAt !== undefined && nowMs - toldAt < quietMs) return false;
    this.#toldAt.delete(key);
    this.#toldAt.set(key, nowMs);
    for (const [oldest, at] of this.#toldAt) {
      if (this.#toldAt.size <= maxRemembered && nowMs - at < quietMs) break;
      this.#toldAt.delete(oldest);
    }
    return true;
  }

  /** What failed works again: its next failure is news. */
  forget(what: string): void {
    for (const key of this.#toldAt.keys()) {
      if (key.startsWith(`${what} `)) this.#toldAt.delete(key);
    }
  }
}
