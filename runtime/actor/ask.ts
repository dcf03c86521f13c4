import { type Clock, DeadlineWheel, TroupeError, type WheelEntry } from "../core/index.ts";
import { forgetAbort, listenToAbort } from "./abort-listeners.ts";
import type { Reply } from "./envelope.ts";

/** How an ask waits. */
export interface AskOptions {
  /** Milliseconds until the ask fails with `ask_timeout`; default 5,000; Infinity waits for ever. */
  readonly timeoutMs?: number;
  /** When it fires, the ask fails with `cancelled` and the callee's signal is aborted. */
  readonly signal?: AbortSignal;
}

/** The time that an ask waits when nobody says otherwise. */
export const defaultAskTimeoutMs = 5_000;

/** What takes an ask to another thread or node. */
export interface AskCarrier {
  /** It has an end, whatever it is; said once. */
  settled(ask: PendingAsk): void;
  /** Said behind `settled`, when the asker gave up before an answer came. */
  abandoned(ask: PendingAsk): void;
}

/** The asks of one thread that wait for an answer, and their deadlines. */
export class Asks {
  readonly #wheel: DeadlineWheel;
  readonly clock: Clock;
  /** How many asks wait. */
  pending = 0;
  /** Answers that came after the asker had gone. */
  late = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.#wheel = new DeadlineWheel(clock);
  }

  /** Deadlines that are being waited for. */
  get deadlines(): number {
    return this.#wheel.size;
  }

  /**
   * Begins to wait.
   * @throws RangeError when `timeoutMs` is negative or not a number.
   */
  begin(
    target: object,
    method: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    resolve: (value: unknown) => void,
    reject: (error: TroupeError) => void,
  ): PendingAsk {
    if (!(timeoutMs >= 0)) {
      throw new RangeError(`timeoutMs: expected milliseconds >= 0, received ${timeoutMs}`);
    }
    const deadlineAt = this.clock.now() + timeoutMs;
    const ask = new PendingAsk(this, target, method, timeoutMs, deadlineAt, resolve, reject);
    this.pending += 1;
    if (deadlineAt !== Number.POSITIVE_INFINITY) this.#wheel.add(ask);
    if (signal !== undefined) ask.obey(signal);
    return ask;
  }

  /** Called by an ask that has its answer or has given up. */
  end(ask: PendingAsk): void {
    this.pending -= 1;
    this.#wheel.remove(ask);
  }
}

/** One ask that waits. It is the {@link Reply} of a message that stays on this thread. */
export class PendingAsk implements Reply, WheelEntry {
  readonly #asks: Asks;
  readonly #target: object;
  readonly #method: string;
  /** What it waits for an answer, from its begin on. */
  readonly timeoutMs: number;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: TroupeError) => void;
  #signal: AbortSignal | null = null;
  settled = false;
  onAbandon: ((reason: TroupeError) => void) | null = null;
  /** The way that it went; null when it never left the thread. */
  carrier: AskCarrier | null = null;
  /** The number that its carrier gave it. */
  linkId = 0;
  readonly deadlineAt: number;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  inWheel = false;

  constructor(
    asks: Asks,
    target: object,
    method: string,
    timeoutMs: number,
    deadlineAt: number,
    resolve: (value: unknown) => void,
    reject: (error: TroupeError) => void,
  ) {
    this.#asks = asks;
    this.#target = target;
    this.#method = method;
    this.timeoutMs = timeoutMs;
    this.deadlineAt = deadlineAt;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: unknown): void {
    if (this.#end()) this.#resolve(value);
    else this.#asks.late += 1;
  }

  reject(error: TroupeError): void {
    if (this.#end()) this.#reject(error);
    else this.#asks.late += 1;
  }

  onDeadline(): void {
    this.giveUp(
      new TroupeError(
        "ask_timeout",
        `${this.#target} did not answer ${this.#method} within ${this.timeoutMs} ms`,
      ),
    );
  }

  /** Gives up when `signal` fires, or at once when it has fired. */
  obey(signal: AbortSignal): void {
    if (signal.aborted) {
      this.#onAbort();
      return;
    }
    this.#signal = signal;
    listenToAbort(signal, this.#onAbort);
  }

  readonly #onAbort = (): void => {
    this.giveUp(
      new TroupeError("cancelled", `the ask of ${this.#method} on ${this.#target} was cancelled`),
    );
  };

  /** Fails with `error`, and the callee is told that nobody waits any more. */
  giveUp(error: TroupeError): void {
    if (!this.#end()) return;
    this.onAbandon?.(error);
    this.carrier?.abandoned(this);
    this.#reject(error);
  }

  #end(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#asks.end(this);
    if (this.#signal !== null) forgetAbort(this.#signal, this.#onAbort);
    this.carrier?.settled(this);
    return true;
  }
}
