import { Actor } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import { limitViewOf } from "./limit-view.ts";
import { type KeyUsage, WindowStore } from "./window-store.ts";

/** The registered names of the shards are this and their number, from 1 on. */
export const limiterPrefix = "limiter-";

/**
 * What whoever counts says to a request. A number: it was admitted, and the number takes it back.
 * A pair: the rule of that place in the list has no room, and how many ms later it will. Null: it
 * cannot be counted at the moment.
 */
export type LimiterAnswer = number | readonly [index: number, retryAfterMs: number] | null;

/** What a shard holds and has done since it started. */
export interface ShardStatistics {
  readonly name: string;
  /** Keys that are remembered. */
  readonly keys: number;
  /** Requests that are remembered. */
  readonly requests: number;
  readonly bytes: number;
  readonly capacityBytes: number;
  /** Requests that asked. */
  readonly checked: number;
  readonly refused: number;
  /** Requests that it could not count for want of memory. */
  readonly uncounted: number;
  /** Keys that clean-up has removed. */
  readonly cleanedUp: number;
}

/** How a shard is to live. */
export interface ShardOptions {
  /** Most memory for its counts; default 256 MiB, some 3 million keys. */
  readonly capacityBytes?: number;
}

const defaultCapacityBytes = 268_435_456;
/** Keys that one step of clean-up looks at: some 0.2 ms of work. */
const keysPerStep = 2_048;
const stepMs = 50;
/** Between two rounds of clean-up. */
const restMs = 1_000;

/**
 * Counts requests for its share of the keys, exactly and in memory alone: what it has counted ends
 * with it. The rules are those of the table of rules, as its thread knows them. Clean-up looks at a
 * few keys at a time, and rests while there are none.
 */
export class LimiterShard extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #view = limitViewOf(this.context);
  readonly #capacityBytes: number;
  readonly #store: WindowStore;
  #known: ReadonlyMap<number, unknown> | null = null;
  #isCleaning = false;
  #isFull = false;
  #checked = 0;
  #refused = 0;
  #uncounted = 0;
  #cleanedUp = 0;
  #removedInRound = 0;
  #roundMs = 0;

  constructor(options: ShardOptions = {}) {
    super();
    this.#capacityBytes = options.capacityBytes ?? defaultCapacityBytes;
    const seed = Math.floor(this.context.random() * 0x1_0000_0000);
    this.#store = new WindowStore(this.#capacityBytes, seed);
  }

  /** Counts a request under rule `numbers[i]` and `values[i]`, under all of them or none. */
  admit(numbers: readonly number[], values: readonly string[]): LimiterAnswer {
    this.#followRules();
    const store = this.#store;
    const now = this.context.clock.now();
    const admission = store.admit(numbers, values, now);
    this.#checked += 1;
    if (admission === "full") return this.#refuseToCount();
    this.#isFull = false;
    if (admission === "refused") {
      this.#refused += 1;
      return [store.refusedIndex, store.retryAfterMs];
    }
    if (!this.#isCleaning) this.#cleanLater(restMs);
    return now;
  }

  /** Takes back what `admit` answered `receipt` to: the request was refused elsewhere. */
  giveBack(numbers: readonly number[], values: readonly string[], receipt: number): void {
    this.#store.giveBack(numbers, values, receipt);
  }

  /** What a value has used under each of the rules. */
  usage(numbers: readonly number[], value: string): KeyUsage[] {
    this.#followRules();
    const now = this.context.clock.now();
    return numbers.map((number) => this.#store.usage(number, value, now));
  }

  /** Forgets what the rules have counted of a value; returns of how many there was something. */
  reset(numbers: readonly number[], value: string): number {
    return numbers.filter((number) => this.#store.reset(number, value)).length;
  }

  statistics(): ShardStatistics {
    return {
      name: this.context.name ?? "",
      keys: this.#store.size,
      requests: this.#store.requests,
      bytes: this.#store.bytes,
      capacityBytes: this.#capacityBytes,
      checked: this.#checked,
      refused: this.#refused,
      uncounted: this.#uncounted,
      cleanedUp: this.#cleanedUp,
    };
  }

  #refuseToCount(): null {
    this.#uncounted += 1;
    if (!this.#isFull) {
      const fields = { keys: this.#store.size, capacityBytes: this.#capacityBytes };
      this.context.log("warn", "rate limiter has no memory left", fields);
    }
    this.#isFull = true;
    return null;
  }

  #followRules(): void {
    const { byNumber } = this.#view;
    if (byNumber === this.#known) return;
    for (const number of this.#known?.keys() ?? []) {
      if (!byNumber.has(number)) this.#store.removeRule(number);
    }
    for (const rule of byNumber.values()) this.#store.setRule(rule);
    this.#known = byNumber;
  }

  #cleanLater(delayMs: number): void {
    this.#isCleaning = true;
    this.context.after(delayMs, () => this.#clean());
  }

  #clean(): void {
    this.#followRules();
    const { clock } = this.context;
    const startedAt = clock.now();
    const { removed, isRoundOver } = this.#store.sweep(startedAt, keysPerStep);
    this.#removedInRound += removed;
    this.#cleanedUp += removed;
    this.#roundMs += clock.now() - startedAt;
    if (isRoundOver) this.#endRound();
    if (this.#store.size > 0) this.#cleanLater(isRoundOver ? restMs : stepMs);
    else this.#isCleaning = false;
  }

  #endRound(): void {
    if (this.#removedInRound > 0 && telemetry.rateLimiterCleanup.hasSubscribers) {
      telemetry.rateLimiterCleanup.publish({
        measurements: {
          removed: this.#removedInRound,
          remaining: this.#store.size,
          duration_us: Math.round(this.#roundMs * 1_000),
        },
        metadata: { limiter: this.context.name },
      });
    }
    this.#removedInRound = 0;
    this.#roundMs = 0;
  }
}
