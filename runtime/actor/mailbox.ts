const initialCapacity = 8;
/** An emptied ring longer than this gives its memory back. */
const keptCapacity = 64;

/**
 * A first-in, first-out queue on a ring that grows by doubling. Invariants: the oldest item is
 * `#first`, and `#size` younger ones lie in the ring from `#head` on, wrapping at the end; the
 * ring's length is a power of two; freed slots hold undefined, so that nothing is kept alive. A
 * mailbox in which never more than one item waited owns no ring: most never do.
 */
export class Mailbox<T extends object> {
  #first: T | undefined = undefined;
  #ring: (T | undefined)[] | null = null;
  #mask = 0;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#first === undefined ? 0 : this.#size + 1;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(item: T): void {
    if (this.#first === undefined) this.#first = item;
    else this.#pushToRing(item);
  }

  /** Takes the oldest item; undefined when there is none. */
  shift(): T | undefined {
    const item = this.#first;
    this.#first = this.#size === 0 ? undefined : this.#shiftFromRing();
    return item;
  }

  #pushToRing(item: T): void {
    if (this.#ring === null) {
      this.#ring = new Array(initialCapacity).fill(undefined);
      this.#mask = initialCapacity - 1;
    } else if (this.#size > this.#mask) {
      this.#grow(this.#ring);
    }
    (this.#ring as (T | undefined)[])[(this.#head + this.#size) & this.#mask] = item;
    this.#size += 1;
  }

  #shiftFromRing(): T | undefined {
    const ring = this.#ring as (T | undefined)[];
    const item = ring[this.#head];
    ring[this.#head] = undefined;
    this.#size -= 1;
    this.#head = (this.#head + 1) & this.#mask;
    if (this.#size === 0 && this.#mask >= keptCapacity) {
      this.#ring = null;
      this.#head = 0;
    }
    return item;
  }

  #grow(ring: (T | undefined)[]): void {
    const grown: (T | undefined)[] = new Array(ring.length * 2).fill(undefined);
    for (let i = 0; i < this.#size; i += 1) grown[i] = ring[(this.#head + i) & this.#mask];
    this.#ring = grown;
    this.#mask = grown.length - 1;
    this.#head = 0;
  }
}
