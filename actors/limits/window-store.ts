import { KeyDirectory } from "./key-directory.ts";
import { freeRecord, recordField } from "./key-record.ts";
import { RequestLogs } from "./request-logs.ts";
import { Budget, noBlock } from "./slab.ts";

/** What a store knows of a rule. Numbers are integers from 0 to 2^31 - 1. */
export interface WindowRule {
  readonly number: number;
  readonly maxRequests: number;
  readonly windowMs: number;
}

/**
 * - `admitted`: every rule had room, and remembers the request.
 * - `refused`: one at least had none; nothing is remembered.
 * - `full`: the store has no memory left to remember it; nothing is.
 */
export type Admission = "admitted" | "refused" | "full";

/** What one key has used. */
export interface KeyUsage {
  /** Requests in the window that ends now. */
  readonly used: number;
  /** Until none of them is in the window any more. */
  readonly resetMs: number;
  /** Until there is room for one more; 0 when there is. */
  readonly retryAfterMs: number;
}

/** One part of a clean-up round. */
export interface SweepStep {
  /** Keys that were removed. */
  readonly removed: number;
  /** The round is over: every key has been looked at. */
  readonly isRoundOver: boolean;
}

const { rule: ruleField } = recordField;
const nothingUsed: KeyUsage = Object.freeze({ used: 0, resetMs: 0, retryAfterMs: 0 });

/**
 * Exact sliding windows, one for each rule and key: of all half-open spans of `windowMs` none ever
 * holds more than `maxRequests` admitted requests, and none is refused that could be admitted. It
 * remembers the time of each admitted request of the last window, never more than `maxRequests` for
 * a key, and nothing of a refused one.
 *
 * Memory: 40 bytes a key, 4 to 8 for finding it, its text rounded up to 8 bytes, and 8 bytes for
 * each remembered request, in rings with few free places: below 200 bytes a key and 8 a request, for
 * texts of the usual length and up to 1,024 requests. All of it lies outside of the JavaScript heap,
 * never more than `capacityBytes`.
 *
 * Time comes in as a number, in ms on any clock; a time before the latest one counts as that.
 */
export class WindowStore {
  /** The rule, by its place in the list, that had no room for longest when the last was refused. */
  refusedIndex = -1;
  /** When that rule will have room, from the time of the refusal. */
  retryAfterMs = 0;
  readonly #rules = new Map<number, WindowRule>();
  readonly #budget: Budget;
  readonly #keys: KeyDirectory;
  readonly #logs: RequestLogs;
  readonly #found: number[] = [];
  #now = Number.NEGATIVE_INFINITY;
  #sweptPage = 0;
  #sweptBlock = 0;

  /**
   * @param seed of the hash; random where clients choose the keys.
   * @throws RangeError when `capacityBytes` is less than an empty store takes.
   */
  constructor(capacityBytes: number, seed: number) {
    this.#budget = new Budget(capacityBytes);
    this.#keys = new KeyDirectory(this.#budget, seed);
    this.#logs = new RequestLogs(this.#keys.records, this.#budget);
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  /** How many requests are remembered. */
  get requests(): number {
    return this.#logs.total;
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#budget.bytes;
  }

  /** Adds a rule, or gives the one of its number other limits; what is remembered stays. */
  setRule(rule: WindowRule): void {
    this.#rules.set(rule.number, rule);
  }

  /** From now on the rule admits everything; its keys go with the next round of clean-up. */
  removeRule(number: number): void {
    this.#rules.delete(number);
  }

  /**
   * Admits a request under all rules or none: rule `numbers[i]` counts it under `values[i]`. No
   * pair may be listed twice. A number that is not known has no say.
   */
  admit(numbers: readonly number[], values: readonly string[], now: number): Admission {
    const at = this.#advance(now);
    this.refusedIndex = -1;
    this.retryAfterMs = 0;
    for (let index = 0; index < numbers.length; index += 1) {
      const rule = this.#rules.get(numbers[index] as number);
      if (rule === undefined) continue;
      const ref = this.#keys.find(rule.number, values[index] as string);
      this.#found[index] = ref;
      if (ref === noBlock) continue;
      this.#logs.open(ref);
      this.#logs.expire(at - rule.windowMs);
      if (this.#logs.length < rule.maxRequests) continue;
      const waitMs = this.#waitMs(rule, at);
      if (this.refusedIndex < 0 || waitMs > this.retryAfterMs) {
        this.refusedIndex = index;
        this.retryAfterMs = waitMs;
      }
    }
    if (this.refusedIndex >= 0) return "refused";
    for (let index = 0; index < numbers.length; index += 1) {
      const number = numbers[index] as number;
      if (!this.#rules.has(number)) continue;
      if (this.#remember(number, values[index] as string, this.#found[index] as number, at)) {
        continue;
      }
      for (let done = 0; done < index; done += 1) {
        this.#forget(numbers[done] as number, values[done] as string, at);
      }
      return "full";
    }
    return "admitted";
  }

  /** Forgets a request that was admitted at `at` with the same rules and values. */
  giveBack(numbers: readonly number[], values: readonly string[], at: number): void {
    for (let index = 0; index < numbers.length; index += 1) {
      this.#forget(numbers[index] as number, values[index] as string, at);
    }
  }

  /** What a key has used under a rule. */
  usage(number: number, value: string, now: number): KeyUsage {
    const at = this.#advance(now);
    const rule = this.#rules.get(number);
    const ref = this.#keys.find(number, value);
    if (rule === undefined || ref === noBlock) return nothingUsed;
    this.#logs.open(ref);
    this.#logs.expire(at - rule.windowMs);
    const used = this.#logs.length;
    if (used === 0) return nothingUsed;
    const resetMs = this.#logs.timeAt(used - 1) + rule.windowMs - at;
    return { used, resetMs, retryAfterMs: this.#waitMs(rule, at) };
  }

  /** Forgets what a rule remembers of a key; false when it remembered nothing. */
  reset(number: number, value: string): boolean {
    const ref = this.#keys.find(number, value);
    if (ref === noBlock) return false;
    this.#remove(ref);
    return true;
  }

  /**
   * Looks at the next keys, `most` at most, and removes those whose requests have all left their
   * windows. Calls go on where the last one ended, from the beginning again after the last key.
   */
  sweep(now: number, most: number): SweepStep {
    const at = this.#advance(now);
    const { records } = this.#keys;
    let removed = 0;
    for (let looked = 0; looked < most; looked += 1) {
      const page = records.pageAt(this.#sweptPage);
      if (page === null || this.#sweptBlock >= page.touched) {
        this.#sweptBlock = 0;
        this.#sweptPage += 1;
        if (this.#sweptPage < records.pageCount) continue;
        this.#sweptPage = 0;
        return { removed, isRoundOver: true };
      }
      const ref = (this.#sweptPage << records.shift) | this.#sweptBlock;
      this.#sweptBlock += 1;
      const number = page.integers[records.wordOf(ref) * 2 + ruleField] as number;
      if (number === freeRecord) continue;
      const rule = this.#rules.get(number);
      this.#logs.open(ref);
      if (rule === undefined) this.#logs.clear();
      else this.#logs.expire(at - rule.windowMs);
      if (this.#logs.length > 0) this.#logs.fit();
      else {
        this.#keys.remove(ref);
        removed += 1;
      }
    }
    return { removed, isRoundOver: false };
  }

  #advance(now: number): number {
    if (now > this.#now) this.#now = now;
    return this.#now;
  }

  /** Until the rule has room for the key at hand; 0 when it has. */
  #waitMs({ maxRequests, windowMs }: WindowRule, now: number): number {
    const over = this.#logs.length - maxRequests;
    // More than one is over when the rule has been made narrower.
    return over < 0 ? 0 : this.#logs.timeAt(over) + windowMs - now;
  }

  #remember(number: number, value: string, found: number, at: number): boolean {
    const ref = found === noBlock ? this.#keys.insert(number, value) : found;
    if (ref === noBlock) return false;
    this.#logs.open(ref);
    if (this.#logs.push(at)) return true;
    if (this.#logs.length === 0) this.#keys.remove(ref);
    return false;
  }

  #forget(number: number, value: string, at: number): void {
    const ref = this.#keys.find(number, value);
    if (ref === noBlock) return;
    this.#logs.open(ref);
    if (this.#logs.remove(at) && this.#logs.length === 0) this.#keys.remove(ref);
  }

  #remove(ref: number): void {
    this.#logs.open(ref);
    this.#logs.clear();
    this.#keys.remove(ref);
  }
}
