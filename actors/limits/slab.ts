/** Memory of a page, about: small enough that making one is no pause, large enough to be few. */
const pageWords = 2_048;

/** Marks the end of a list of blocks, and a ref that is none. */
export const noBlock = -1;

/** How much memory all slabs of a store may take together, and take. */
export class Budget {
  readonly capacityBytes: number;
  /** Taken at present. */
  bytes = 0;

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes;
  }

  /** Takes `bytes`; false, and nothing is taken, when so much is not left. */
  take(bytes: number): boolean {
    if (this.bytes + bytes > this.capacityBytes) return false;
    this.bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.bytes -= bytes;
  }
}

/** The blocks that lie together: one buffer, seen as what is stored in it. */
export class Page {
  readonly words: Float64Array;
  readonly integers: Int32Array;
  readonly bytes: Uint8Array;
  /** Blocks in use. */
  live = 0;
  /** Blocks that have ever been in use; those behind are fresh. */
  touched = 0;
  /** The first of the blocks that were given back: each holds the next in its first integer. */
  free: number = noBlock;

  constructor(words: number) {
    const buffer = new ArrayBuffer(words * 8);
    this.words = new Float64Array(buffer);
    this.integers = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }
}

/**
 * Blocks of one size, outside of the JavaScript heap: the garbage collector has nothing to look
 * through however many there are. Memory comes and goes by the page; no page is ever copied into a
 * larger one, so no call takes longer because there are many blocks. Invariant: a page with room is
 * listed in `#roomy`, and a page without live blocks is given back, except for one.
 */
export class Slab {
  readonly wordsPerBlock: number;
  /** A ref is `page << shift | block`. */
  readonly shift: number;
  readonly #budget: Budget;
  readonly #pages: (Page | null)[] = [];
  readonly #roomy: number[] = [];
  /** Whether the page of that number is listed in `#roomy`. */
  readonly #listed: boolean[] = [];
  readonly #unused: number[] = [];
  #spare: Page | null = null;
  /** Blocks in use. */
  live = 0;

  constructor(wordsPerBlock: number, budget: Budget) {
    this.wordsPerBlock = wordsPerBlock;
    this.#budget = budget;
    this.shift = Math.max(0, Math.floor(Math.log2(pageWords / wordsPerBlock)));
  }

  /** One past the highest page number there has been. */
  get pageCount(): number {
    return this.#pages.length;
  }

  get blocksPerPage(): number {
    return 1 << this.shift;
  }

  /** A page by its number; null when it has been given back. */
  pageAt(number: number): Page | null {
    return this.#pages[number] ?? null;
  }

  /** The page of a block. */
  page(ref: number): Page {
    return this.#pages[ref >> this.shift] as Page;
  }

  /** Where a block begins in its page, in words. */
  wordOf(ref: number): number {
    return (ref & ((1 << this.shift) - 1)) * this.wordsPerBlock;
  }

  /** Takes a block, whose content is whatever it was; {@link noBlock} when the budget is spent. */
  allocate(): number {
    const number = this.#pageWithRoom();
    if (number === noBlock) return noBlock;
    const page = this.#pages[number] as Page;
    let block = page.free;
    if (block === noBlock) {
      block = page.touched;
      page.touched += 1;
    } else {
      page.free = page.integers[block * this.wordsPerBlock * 2] as number;
    }
    page.live += 1;
    this.live += 1;
    return (number << this.shift) | block;
  }

  /** Gives a block back. */
  free(ref: number): void {
    const number = ref >> this.shift;
    const page = this.#pages[number] as Page;
    page.integers[this.wordOf(ref) * 2] = page.free;
    page.free = ref & ((1 << this.shift) - 1);
    page.live -= 1;
    this.live -= 1;
    if (page.live === 0) this.#dropPage(number, page);
    else this.#list(number);
  }

  #pageWithRoom(): number {
    for (let last = this.#roomy.length - 1; last >= 0; last -= 1) {
      const number = this.#roomy[last] as number;
      const page = this.#pages[number];
      if (page && page.live < this.blocksPerPage) return number;
      this.#roomy.pop();
      this.#listed[number] = false;
    }
    return this.#addPage();
  }

  #addPage(): number {
    const words = this.wordsPerBlock << this.shift;
    if (this.#spare === null && !this.#budget.take(words * 8)) return noBlock;
    const page = this.#spare ?? new Page(words);
    this.#spare = null;
    const number = this.#unused.pop() ?? this.#pages.length;
    this.#pages[number] = page;
    this.#list(number);
    return number;
  }

  #dropPage(number: number, page: Page): void {
    this.#pages[number] = null;
    this.#unused.push(number);
    if (this.#spare === null) {
      page.free = noBlock;
      page.touched = 0;
      this.#spare = page;
    } else this.#budget.giveBack(page.bytes.length);
  }

  #list(number: number): void {
    if (this.#listed[number]) return;
    this.#listed[number] = true;
    this.#roomy.push(number);
  }
}
