import { DenseSlab } from "./dense-slab.ts";
import { recordField } from "./key-record.ts";
import { type Budget, noBlock, type Slab } from "./slab.ts";

const { shape, log, head, count } = recordField;

/** The most requests that one key can remember. */
export const maxLogLength = 1_000_000;

/**
 * The capacities that a ring can have. A ring has at most 15 places more than it needs up to 1,024
 * requests, and a sixteenth more beyond.
 */
const capacities: readonly number[] = listCapacities();

function listCapacities(): number[] {
  const list = [1, 2, 3, 4, 6, 8];
  for (let last = 8; last < maxLogLength; ) {
    last += last < 256 ? 8 : last < 1_024 ? 16 : Math.floor(last / 128) * 8;
    list.push(last);
  }
  return list;
}

/** The smallest capacity, by index, that holds `length` requests. */
function selectClass(length: number): number {
  let low = 0;
  let high = capacities.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((capacities[middle] as number) < length) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The times of the remembered requests, a ring for each key, oldest first. `open` takes the record
 * of one key at hand; everything else is about that record.
 */
export class RequestLogs {
  /** By index of the capacity. */
  readonly #slabs: (DenseSlab | undefined)[] = [];
  readonly #records: Slab;
  readonly #budget: Budget;
  /** Remembered requests of all keys. */
  total = 0;

  // The record at hand; set by `open`. Fields, so that a check allocates nothing.
  #ref: number = noBlock;
  #record: Int32Array = new Int32Array(0);
  #at = 0;
  #words: Float64Array = new Float64Array(0);
  #start = 0;
  #capacity = 0;
  #head = 0;
  /** Remembered requests of the record at hand. */
  length = 0;

  /** @param records are those that `open` is told of. */
  constructor(records: Slab, budget: Budget) {
    this.#records = records;
    this.#budget = budget;
  }

  /** Takes a record at hand. */
  open(record: number): void {
    const { integers } = this.#records.page(record);
    const at = this.#records.wordOf(record) * 2;
    this.#ref = record;
    this.#record = integers;
    this.#at = at;
    this.#head = integers[at + head] as number;
    this.length = integers[at + count] as number;
    if (this.length === 0) {
      this.#capacity = 0;
      return;
    }
    const index = (integers[at + shape] as number) >> 16;
    const slab = this.#slabs[index] as DenseSlab;
    const ref = integers[at + log] as number;
    this.#words = slab.words(ref);
    this.#start = slab.start(ref);
    this.#capacity = capacities[index] as number;
  }

  /** The time of a remembered request, 0 being the oldest. */
  timeAt(index: number): number {
    let place = this.#head + index;
    if (place >= this.#capacity) place -= this.#capacity;
    return this.#words[this.#start + place] as number;
  }

  /** Remembers a request after all others; false when the budget is spent. */
  push(time: number): boolean {
    if (this.length === this.#capacity && !this.#resize(this.length + 1)) return false;
    let place = this.#head + this.length;
    if (place >= this.#capacity) place -= this.#capacity;
    this.#words[this.#start + place] = time;
    this.#setLength(this.length + 1);
    return true;
  }

  /** Forgets the requests up to and including `until`. */
  expire(until: number): void {
    if (this.length === 0 || this.timeAt(0) > until) return;
    let low = 1;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timeAt(middle) <= until) low = middle + 1;
      else high = middle;
    }
    this.#dropOldest(low);
  }

  /** Forgets one request of exactly that time; false when there is none. */
  remove(time: number): boolean {
    let index = this.length - 1;
    while (index >= 0 && this.timeAt(index) > time) index -= 1;
    if (index < 0 || this.timeAt(index) !== time) return false;
    for (let later = index + 1; later < this.length; later += 1) {
      let place = this.#head + later - 1;
      if (place >= this.#capacity) place -= this.#capacity;
      this.#words[this.#start + place] = this.timeAt(later);
    }
    if (this.length === 1) this.clear();
    else this.#setLength(this.length - 1);
    return true;
  }

  /** Forgets all; the ring's memory is given back. */
  clear(): void {
    if (this.length > 0) this.#release();
    this.#capacity = 0;
    this.#setLength(0);
  }

  #dropOldest(dropped: number): void {
    if (dropped === this.length) {
      this.clear();
      return;
    }
    this.#head += dropped;
    if (this.#head >= this.#capacity) this.#head -= this.#capacity;
    this.#record[this.#at + head] = this.#head;
    this.#setLength(this.length - dropped);
    if (this.length * 4 <= this.#capacity) this.fit();
  }

  /** Moves to a smaller ring where one would do, so that the free places stay few. */
  fit(): void {
    const free = this.#capacity - this.length;
    // Where there is no memory for the smaller ring, the large one stays.
    if (free > 8 && free * 8 > this.length) this.#resize(this.length);
  }

  #setLength(length: number): void {
    this.total += length - this.length;
    this.length = length;
    this.#record[this.#at + count] = length;
  }

  /** Moves to the smallest ring for `length` requests. */
  #resize(length: number): boolean {
    const index = selectClass(length);
    const slab = this.#slab(index);
    const ref = slab.allocate(this.#ref);
    if (ref === noBlock) return false;
    const words = slab.words(ref);
    const start = slab.start(ref);
    if (this.length > 0) {
      const first = this.#start + this.#head;
      const tail = Math.min(this.length, this.#capacity - this.#head);
      words.set(this.#words.subarray(first, first + tail), start);
      const rest = this.#words.subarray(this.#start, this.#start + this.length - tail);
      if (rest.length > 0) words.set(rest, start + tail);
      this.#release();
    }
    this.#words = words;
    this.#start = start;
    this.#capacity = capacities[index] as number;
    this.#head = 0;
    const record = this.#record;
    record[this.#at + head] = 0;
    record[this.#at + log] = ref;
    record[this.#at + shape] = ((record[this.#at + shape] as number) & 0xffff) | (index << 16);
    return true;
  }

  #release(): void {
    const index = (this.#record[this.#at + shape] as number) >> 16;
    const ref = this.#record[this.#at + log] as number;
    const owner = (this.#slabs[index] as DenseSlab).free(ref);
    if (owner === noBlock) return;
    // Another record's ring lies there now.
    this.#records.page(owner).integers[this.#records.wordOf(owner) * 2 + log] = ref;
  }

  #slab(index: number): DenseSlab {
    let slab = this.#slabs[index];
    if (slab === undefined) {
      slab = new DenseSlab(capacities[index] as number, this.#budget);
      this.#slabs[index] = slab;
    }
    return slab;
  }
}
