import { BucketHeads } from "./bucket-heads.ts";
import { hashText, mixHash } from "./key-hash.ts";
import { freeRecord, recordField, recordWords } from "./key-record.ts";
import { type Budget, noBlock, type Page, Slab } from "./slab.ts";

/** The longest text of a key, in characters. */
const maxTextLength = 1_024;

const leastBuckets = 1_024;
const { next, hash, rule, text, shape, head, count } = recordField;

/**
 * Finds the record of a key, which is a rule's number and a text. Linear hashing (Litwin, "Linear
 * Hashing: a new tool for file and table addressing", 1980): each key that is added splits one
 * bucket, each that is removed joins two at most, so the table grows and shrinks with its keys and
 * is never built anew in one go, as a Map is. Keys are compared whole: two never share a record.
 */
export class KeyDirectory {
  readonly records: Slab;
  readonly #heads: BucketHeads;
  /** Slabs for the texts, by words. */
  readonly #texts: (Slab | undefined)[] = [];
  readonly #budget: Budget;
  readonly #seed: number;
  // The last text that was hashed: several rules look for one after the other.
  #hashedKey: string | null = null;
  #keyHash = 0;
  /** Buckets there were at the last doubling; a power of two. */
  #half = leastBuckets;

  constructor(budget: Budget, seed: number) {
    this.#budget = budget;
    this.#seed = seed;
    this.#heads = new BucketHeads(leastBuckets, budget);
    this.records = new Slab(recordWords, budget);
  }

  /** How many keys there are. */
  get size(): number {
    return this.records.live;
  }

  /** The record of a key; {@link noBlock} when there is none. */
  find(ruleNumber: number, key: string): number {
    const wanted = this.#hash(ruleNumber, key);
    let ref = this.#heads.get(this.#bucket(wanted));
    while (ref !== noBlock) {
      const { integers } = this.records.page(ref);
      const at = this.records.wordOf(ref) * 2;
      if (
        integers[at + hash] === wanted &&
        integers[at + rule] === ruleNumber &&
        this.#isText(integers[at + text] as number, integers[at + shape] as number, key)
      ) {
        return ref;
      }
      ref = integers[at + next] as number;
    }
    return noBlock;
  }

  /**
   * Adds a key that is not there, with an empty ring of class 0 that has no memory yet;
   * {@link noBlock}, and nothing has changed, when the budget is spent.
   * @throws RangeError for a text of more than {@link maxTextLength} characters.
   */
  insert(ruleNumber: number, key: string): number {
    if (key.length > maxTextLength) {
      throw new RangeError(`key: expected at most ${maxTextLength} characters, got ${key.length}`);
    }
    const ref = this.records.allocate();
    if (ref === noBlock) return noBlock;
    const page = this.records.page(ref);
    const at = this.records.wordOf(ref) * 2;
    if (!this.#writeText(page, at, key)) {
      page.integers[at + rule] = freeRecord;
      this.records.free(ref);
      return noBlock;
    }
    const own = this.#hash(ruleNumber, key);
    const bucket = this.#bucket(own);
    page.integers[at + hash] = own;
    page.integers[at + rule] = ruleNumber;
    page.integers[at + head] = 0;
    page.integers[at + count] = 0;
    page.integers[at + next] = this.#heads.get(bucket);
    this.#heads.set(bucket, ref);
    if (this.size > this.#heads.length) this.#split();
    return ref;
  }

  /** Removes a key; the memory of its ring is the caller's to give back. */
  remove(ref: number): void {
    const { integers } = this.records.page(ref);
    const at = this.records.wordOf(ref) * 2;
    const following = integers[at + next] as number;
    const bucket = this.#bucket(integers[at + hash] as number);
    const first = this.#heads.get(bucket);
    if (first === ref) this.#heads.set(bucket, following);
    else this.#setNext(this.#before(first, ref), following);
    const size = textWords(integers[at + shape] as number);
    if (size > 0) this.#textSlab(size).free(integers[at + text] as number);
    integers[at + rule] = freeRecord;
    this.records.free(ref);
    // Two joins for each removal: the buckets keep up with the keys all the way down.
    for (let joins = 0; joins < 2 && this.size * 2 < this.#heads.length; joins += 1) this.#join();
  }

  #hash(ruleNumber: number, key: string): number {
    if (key !== this.#hashedKey) {
      this.#hashedKey = key;
      this.#keyHash = hashText(key, this.#seed);
    }
    // As it is read back from a signed integer.
    return mixHash(this.#keyHash, ruleNumber + 1) | 0;
  }

  #bucket(hashed: number): number {
    const bucket = hashed & (this.#half * 2 - 1);
    return bucket < this.#heads.length ? bucket : hashed & (this.#half - 1);
  }

  /** Adds a bucket, and moves to it what belongs there. */
  #split(): void {
    const added = this.#heads.length;
    const source = added - this.#half;
    // Without the memory the lists get longer, that is all.
    if (!this.#heads.push()) return;
    let ref = this.#heads.get(source);
    this.#heads.set(source, noBlock);
    while (ref !== noBlock) {
      const { integers } = this.records.page(ref);
      const at = this.records.wordOf(ref) * 2;
      const following = integers[at + next] as number;
      const bucket = (integers[at + hash] as number) & (this.#half * 2 - 1);
      integers[at + next] = this.#heads.get(bucket);
      this.#heads.set(bucket, ref);
      ref = following;
    }
    if (this.#heads.length === this.#half * 2) this.#half *= 2;
  }

  /** Removes the last bucket; what was in it goes back to where it was split from. */
  #join(): void {
    const last = this.#heads.length - 1;
    if (last < leastBuckets) return;
    if (last < this.#half) this.#half /= 2;
    const moved = this.#heads.get(last);
    this.#heads.pop();
    if (moved === noBlock) return;
    const target = last - this.#half;
    const first = this.#heads.get(target);
    if (first === noBlock) this.#heads.set(target, moved);
    else this.#setNext(this.#before(first, noBlock), moved);
  }

  /** The record of a list, beginning at `first`, whose next one is `ref`. */
  #before(first: number, ref: number): number {
    let previous = first;
    for (;;) {
      const following = this.records.page(previous).integers[
        this.records.wordOf(previous) * 2 + next
      ] as number;
      if (following === ref) return previous;
      previous = following;
    }
  }

  #setNext(ref: number, following: number): void {
    this.records.page(ref).integers[this.records.wordOf(ref) * 2 + next] = following;
  }

  #writeText(page: Page, at: number, key: string): boolean {
    const encoded = encodeShape(key);
    page.integers[at + shape] = encoded;
    const size = textWords(encoded);
    if (size === 0) return true;
    const slab = this.#textSlab(size);
    const ref = slab.allocate();
    if (ref === noBlock) return false;
    page.integers[at + text] = ref;
    const { bytes } = slab.page(ref);
    let offset = slab.wordOf(ref) * 8;
    for (let index = 0; index < key.length; index += 1) {
      const unit = key.charCodeAt(index);
      bytes[offset++] = unit;
      if ((encoded & 1) === 1) bytes[offset++] = unit >> 8;
    }
    return true;
  }

  #isText(ref: number, encoded: number, key: string): boolean {
    if ((encoded & 0xffff) >> 1 !== key.length) return false;
    if (key.length === 0) return true;
    const slab = this.#textSlab(textWords(encoded));
    const { bytes } = slab.page(ref);
    let offset = slab.wordOf(ref) * 8;
    const isWide = (encoded & 1) === 1;
    for (let index = 0; index < key.length; index += 1) {
      let unit = bytes[offset++] as number;
      if (isWide) unit |= (bytes[offset++] as number) << 8;
      if (unit !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  #textSlab(words: number): Slab {
    let slab = this.#texts[words];
    if (slab === undefined) {
      slab = new Slab(words, this.#budget);
      this.#texts[words] = slab;
    }
    return slab;
  }
}

/** The shape field of a text, with ring class 0. */
function encodeShape(key: string): number {
  let units = 0;
  for (let index = 0; index < key.length; index += 1) units |= key.charCodeAt(index);
  return (key.length << 1) | (units > 0xff ? 1 : 0);
}

/** Words that a text of this shape takes. */
function textWords(encoded: number): number {
  const length = (encoded & 0xffff) >> 1;
  return ((encoded & 1) === 1 ? length + 3 : Math.ceil(length / 2) + 3) >> 2;
}
