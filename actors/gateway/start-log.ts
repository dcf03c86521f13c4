import type { Clock, Timer } from "#runtime";

/** A start that takes longer than this is no longer silent. */
const silentMs = 10_000;

/**
 * Holds back the log lines of a start until it is known what it comes to: one that fails ends in
 * the one line that tells why.
 */
export class StartLog {
  readonly #write: (line: string) => void;
  readonly #timer: Timer;
  #held: string[] | null = [];

  constructor(clock: Clock, write: (line: string) => void) {
    this.#write = write;
    this.#timer = clock.after(silentMs, () => this.release());
  }

  /** Takes a line. */
  readonly add = (line: string): void => {
    if (this.#held === null) this.#write(line);
    else this.#held.push(line);
  };

  /** Writes what was held, and from now on everything at once. */
  release(): void {
    this.#timer.cancel();
    const held = this.#held ?? [];
    this.#held = null;
    for (const line of held) this.#write(line);
  }

  /** Forgets what was held, and whatever comes. */
  drop(): void {
    this.#timer.cancel();
    this.#held = [];
  }
}
