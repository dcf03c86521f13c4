import type { Clock, Random } from "../core/index.ts";

/**
 * What happens to what is sent: it arrives; it is lost; or it waits, as TCP sends again what got
 * lost while the way was interrupted.
 */
export type CableState = "whole" | "cut" | "held";

/** How long a way takes: `latencyMs`, and by chance up to `jitterMs` more. */
export interface CableDelay {
  readonly latencyMs: number;
  readonly jitterMs: number;
}

/** One direction of the way between two nodes of a {@link MemoryNetwork}. */
export class Cable {
  delay: CableDelay;
  /** The next bytes to arrive are delivered in part, then their connection breaks. */
  tearsNext = false;
  readonly #clock: Clock;
  readonly #random: Random;
  #state: CableState = "whole";
  #held: (() => void)[] = [];
  #afterCut: (() => void)[] = [];

  constructor(clock: Clock, random: Random, delay: CableDelay) {
    this.#clock = clock;
    this.#random = random;
    this.delay = delay;
  }

  get state(): CableState {
    return this.#state;
  }

  /** What waits goes on when the cable is whole again, and is lost when it is cut. */
  set state(state: CableState) {
    this.#state = state;
    if (state === "held") return;
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) this.#clock.after(0, arrive);
    if (state === "cut") return;
    const afterCut = this.#afterCut;
    this.#afterCut = [];
    for (const act of afterCut) this.carry(act, () => this.whenWhole(act));
  }

  /**
   * Calls `pass` when the time that the way takes is over, or `lose` if the cable is cut then.
   * Several that are on their way may overtake each other when there is jitter.
   */
  carry(pass: () => void, lose: () => void = () => {}): void {
    const { latencyMs, jitterMs } = this.delay;
    const arrive = (): void => {
      if (this.#state === "held") this.#held.push(arrive);
      else if (this.#state === "cut") lose();
      else pass();
    };
    this.#clock.after(latencyMs + jitterMs * this.#random(), arrive);
  }

  /** Calls `act` through the cable once it is not cut any more. */
  whenWhole(act: () => void): void {
    this.#afterCut.push(act);
  }

  /** Whether the bytes that arrive now are the ones to be torn. */
  takeTear(): boolean {
    const tears = this.tearsNext;
    this.tearsNext = false;
    return tears;
  }
}
