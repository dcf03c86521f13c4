import { type Budget, noBlock, Page } from "./slab.ts";

/** Memory of a page, about. */
const pageWords = 2_048;

/**
 * Blocks of one size that lie without a gap, outside of the JavaScript heap: whenever one is given
 * back, the last one moves into its place. So there is never more memory than blocks need, in
 * whatever order they come and go. The first word of a block names its owner, who is told of a move.
 */
export class DenseSlab {
  readonly shift: number;
  readonly #wordsPerBlock: number;
  readonly #budget: Budget;
  readonly #pages: Page[] = [];
  #length = 0;

  /** @param words of a block that are free to use: those behind its first. */
  constructor(words: number, budget: Budget) {
    this.#wordsPerBlock = words + 1;
    this.#budget = budget;
    this.shift = Math.max(0, Math.floor(Math.log2(pageWords / this.#wordsPerBlock)));
  }

  /** The words of the page that a block lies in. */
  words(ref: number): Float64Array {
    return (this.#pages[ref >> this.shift] as Page).words;
  }

  /** Where in its page the free words of a block begin. */
  start(ref: number): number {
    return (ref & ((1 << this.shift) - 1)) * this.#wordsPerBlock + 1;
  }

  /** Takes a block; {@link noBlock} when the budget is spent. */
  allocate(owner: number): number {
    const ref = this.#length;
    if (ref >> this.shift === this.#pages.length && !this.#addPage()) return noBlock;
    this.#length += 1;
    this.words(ref)[this.start(ref) - 1] = owner;
    return ref;
  }

  /** Gives a block back; returns the owner whose block lies there now, {@link noBlock} if none. */
  free(ref: number): number {
    this.#length -= 1;
    const last = this.#length;
    let owner = noBlock;
    if (last !== ref) {
      const from = this.start(last) - 1;
      const block = this.words(last).subarray(from, from + this.#wordsPerBlock);
      this.words(ref).set(block, this.start(ref) - 1);
      owner = block[0] as number;
    }
    // One page more than is needed stays, so that a block to and fro is not a page to and fro.
    if (this.#pages.length > (last >> this.shift) + 2 || last === 0) this.#dropPage();
    return owner;
  }

  #addPage(): boolean {
    const words = this.#wordsPerBlock << this.shift;
    if (!this.#budget.take(words * 8)) return false;
    this.#pages.push(new Page(words));
    return true;
  }

  #dropPage(): void {
    const page = this.#pages.pop();
    if (page !== undefined) this.#budget.giveBack(page.bytes.length);
  }
}
