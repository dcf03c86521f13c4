import type { Clock, Log } from "#runtime";

/** So many lines in a window; who knocks a thousand times a second must not fill the disk. */
const maxLines = 10;
const windowMs = 10_000;
/** What a client says of itself is cut to so many characters. */
const maxFieldLength = 200;

/**
 * Logs refused connections, a line each and at most ten lines in ten seconds; the first line after
 * others were left out tells how many.
 */
export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #windowEndsAt = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #leftOut = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `reason` is for operators; it never holds a token. */
  add(reason: string, fields: Readonly<Record<string, string | null | undefined>>): void {
    const now = this.#clock.now();
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + windowMs;
      this.#lines = 0;
    }
    if (this.#lines >= maxLines) {
      this.#leftOut += 1;
      return;
    }
    this.#lines += 1;
    const cut = Object.entries(fields).map(([key, value]) => [
      key,
      value?.slice(0, maxFieldLength),
    ]);
    const leftOut = this.#leftOut === 0 ? {} : { leftOut: this.#leftOut };
    this.#leftOut = 0;
    this.#log("warn", "connection refused", { reason, ...Object.fromEntries(cut), ...leftOut });
  }
}
