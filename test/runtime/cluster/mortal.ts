import type { ManualClock, StepScheduler } from "#runtime/testing";
import type { Runnable, Scheduler } from "../../../runtime/actor/index.ts";
import type { Connection, Transport } from "../../../runtime/cluster/index.ts";
import type { Clock, Timer } from "../../../runtime/core/index.ts";

/**
 * What a simulated node has of the world: a clock, turns and a network that are taken from it when
 * it dies. Code of it that a promise wakes after that can do nothing any more.
 */
export class Mortal {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly transport: Transport;
  readonly #timers = new Set<Timer>();
  #isDead = false;

  constructor(clock: ManualClock, steps: StepScheduler, transport: Transport) {
    this.clock = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      after: (delayMs, fire) => this.#after(clock, delayMs, fire),
    };
    this.scheduler = {
      ready: (runnable: Runnable) => {
        if (!this.#isDead) steps.ready({ runTurn: (limit) => this.#turn(runnable, limit) });
      },
      onIdle: (flush) => {
        if (!this.#isDead) steps.onIdle(() => this.#isDead || flush());
      },
    };
    this.transport = {
      dial: (host, port) => (this.#isDead ? silence : transport.dial(host, port)),
      listen: (place, onConnection) => transport.listen(place, onConnection),
    };
  }

  /** Timers that are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  die(): void {
    this.#isDead = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #turn(runnable: Runnable, limit: number): boolean {
    return this.#isDead ? false : runnable.runTurn(limit);
  }

  #after(clock: ManualClock, delayMs: number, fire: () => void): Timer {
    if (this.#isDead) return { cancel: () => {} };
    const timer = clock.after(delayMs, () => {
      this.#timers.delete(own);
      fire();
    });
    const own: Timer = {
      cancel: () => {
        this.#timers.delete(own);
        timer.cancel();
      },
    };
    this.#timers.add(own);
    return own;
  }
}

/** What the dead dial. */
const silence: Connection = {
  peer: "",
  bufferedBytes: 0,
  handle: () => {},
  write: () => {},
  end: () => {},
  destroy: () => {},
};
