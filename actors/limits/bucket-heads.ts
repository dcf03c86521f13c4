import { type Budget, noBlock } from "./slab.ts";

const headsPerPage = 4_096;
const pageBytes = headsPerPage * 4;

/**
 * The beginnings of the buckets' lists: a list of 32-bit refs that grows and shrinks at its end,
 * by pages. Never empty: one page is always there.
 */
export class BucketHeads {
  readonly #pages: Int32Array[];
  readonly #budget: Budget;
  length: number;

  /** @throws RangeError when the budget does not hold the first page. */
  constructor(length: number, budget: Budget) {
    this.#budget = budget;
    this.length = length;
    if (length > headsPerPage || !budget.take(pageBytes)) {
      throw new RangeError(
        `capacityBytes: expected at least ${pageBytes}, received ${budget.capacityBytes}`,
      );
    }
    this.#pages = [new Int32Array(headsPerPage).fill(noBlock)];
  }

  get(bucket: number): number {
    return (this.#pages[bucket >> 12] as Int32Array)[bucket & (headsPerPage - 1)] as number;
  }

  set(bucket: number, ref: number): void {
    (this.#pages[bucket >> 12] as Int32Array)[bucket & (headsPerPage - 1)] = ref;
  }

  /** Adds an empty bucket; false when the budget is spent. */
  push(): boolean {
    if (this.length === this.#pages.length * headsPerPage) {
      if (!this.#budget.take(pageBytes)) return false;
      this.#pages.push(new Int32Array(headsPerPage).fill(noBlock));
    }
    this.set(this.length, noBlock);
    this.length += 1;
    return true;
  }

  /** Removes the last bucket. */
  pop(): void {
    this.length -= 1;
    if (this.length > (this.#pages.length - 1) * headsPerPage || this.#pages.length === 1) return;
    this.#pages.pop();
    this.#budget.giveBack(pageBytes);
  }
}
