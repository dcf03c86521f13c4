import type { Clock, Timer } from "../core/index.ts";
import { FailureDetector } from "./detector.ts";

/**
 * How long a suspicion waits for the event loop to come round: after a stall of this very thread,
 * what the other side has said in the meantime has arrived and only needs to be read.
 */
const secondLookMs = 20;

/** How often a sign of life is sent, and how long the other side may be silent; milliseconds. */
export interface HeartbeatOptions {
  readonly heartbeatMs: number;
  readonly suspicionMs: number;
}

/** What a heartbeat does. */
export interface HeartbeatActions {
  /** Called every `heartbeatMs`. */
  ping(): void;
  /** The other side is taken for dead; called once, and nothing after it. */
  suspect(reason: string): void;
}

/** Sends signs of life and listens for those of the other side, with one timer. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #heartbeatMs: number;
  readonly #actions: HeartbeatActions;
  readonly #detector: FailureDetector;
  #heardAt: number;
  #nextPingAt: number;
  #suspected = false;
  #timer: Timer | null = null;

  /**
   * Begins at once; the other side counts as just heard.
   * @throws RangeError when a time is not above 0 or `suspicionMs` is less than `heartbeatMs`.
   */
  constructor(clock: Clock, options: HeartbeatOptions, actions: HeartbeatActions) {
    const { heartbeatMs, suspicionMs } = options;
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
    this.#actions = actions;
    this.#detector = new FailureDetector({
      heartbeatMs,
      // The second look is part of the time that was promised.
      suspicionMs: suspicionMs - Math.min(secondLookMs, suspicionMs - heartbeatMs),
    });
    this.#heardAt = clock.now();
    this.#detector.heard(this.#heardAt);
    this.#nextPingAt = this.#heardAt + heartbeatMs;
    this.#arm(heartbeatMs);
  }

  /** When the other side was heard last, on the clock's `now`. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** How much the present silence speaks for the other side's death; see {@link FailureDetector}. */
  get phi(): number {
    return this.#detector.phi(this.#clock.now());
  }

  /** Something came from the other side. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#detector.heard(this.#heardAt);
    this.#suspected = false;
  }

  /** No pings and no suspicion from now on. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    const now = this.#clock.now();
    if (now >= this.#nextPingAt) {
      this.#nextPingAt = now + this.#heartbeatMs;
      this.#actions.ping();
      // What sending made known may have ended all this.
      if (this.#timer === null) return;
    }
    if (!this.#detector.suspects(now)) {
      this.#arm(Math.min(this.#nextPingAt - now, this.#detector.dueInMs(now)));
    } else if (!this.#suspected) {
      this.#suspected = true;
      this.#arm(secondLookMs);
    } else {
      this.#timer = null;
      this.#actions.suspect(`no sign of life for ${Math.round(now - this.#heardAt)} ms`);
    }
  };
}
