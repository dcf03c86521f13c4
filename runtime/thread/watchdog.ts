import type { Clock, Timer } from "../core/index.ts";

/** What the watchdog knows of a thread since its heart last beat. */
export interface Pulse {
  readonly beat: number;
  /** When this beat was first seen, on the clock's `now`. */
  readonly since: number;
}

/**
 * The share of the time that counts while a thread loads modules: a thousand of them take half a second
 * of a processor, and many seconds where the machine has more to do, in which no heart can beat.
 */
const loadingShare = 0.1;

/** The pulse after a look at the heartbeat, and whether the thread is stuck. */
export function decideStall(
  pulse: Pulse | undefined,
  beat: number,
  nowMs: number,
  stallTimeoutMs: number,
): { readonly pulse: Pulse; readonly stalled: boolean } {
  if (pulse === undefined || pulse.beat !== beat) {
    return { pulse: { beat, since: nowMs }, stalled: false };
  }
  return { pulse, stalled: nowMs - pulse.since >= stallTimeoutMs };
}

/** A thread under watch. */
export interface Watched {
  readonly thread: number;
  /** The present count of its heartbeats. */
  beat(): number;
  /** Whether its heart may stand still at the moment. */
  mayBlock(): boolean;
  /** Whether it loads modules at the moment. */
  isLoading(): boolean;
  /** Called once when it is stuck, with the time that counts. */
  onStall(stalledMs: number): void;
}

/**
 * Looks at the heartbeat of every thread. A thread whose heart has not beaten for `stallTimeoutMs`,
 * while it was not allowed to block, is reported once; of the time in which it loads modules a tenth
 * counts. Being late itself, for example because the machine slept, it waits one more round before it
 * believes what it sees.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #stallTimeoutMs: number;
  readonly #watched = new Map<Watched, Pulse | undefined>();
  #timer: Timer;
  #lookedAt: number;

  constructor(clock: Clock, intervalMs: number, stallTimeoutMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#lookedAt = clock.now();
    this.#timer = clock.after(intervalMs, this.#look);
  }

  watch(watched: Watched): void {
    this.#watched.set(watched, undefined);
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
  }

  stop(): void {
    this.#timer.cancel();
  }

  readonly #look = (): void => {
    const now = this.#clock.now();
    const passedMs = now - this.#lookedAt;
    const overslept = passedMs > this.#intervalMs + this.#stallTimeoutMs / 2;
    this.#lookedAt = now;
    for (const [watched, before] of this.#watched) {
      const isKnown = before !== undefined && !overslept && !watched.mayBlock();
      const uncountedMs = watched.isLoading() ? passedMs * (1 - loadingShare) : 0;
      const known = isKnown ? { ...before, since: before.since + uncountedMs } : undefined;
      const { pulse, stalled } = decideStall(known, watched.beat(), now, this.#stallTimeoutMs);
      this.#watched.set(watched, pulse);
      if (!stalled) continue;
      this.#watched.delete(watched);
      watched.onStall(now - pulse.since);
    }
    this.#timer = this.#clock.after(this.#intervalMs, this.#look);
  };
}
