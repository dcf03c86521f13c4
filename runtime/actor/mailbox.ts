const initialCapacity = 8;
/** An emptied ring longer than this gives its memory back. */
const keptCapacity = 64;

/**
 * A first-in, first-out queue. A mailbox in which never more than one item waited owns no ring: most
 * never do. Invariant: whatever is in the ring is younger than `#first`, which is there then.
 */
export class Mailbox<T extends object> {
  #first: T | undefined = undefined;
  #rest: Ring<T> | null = null;

  get size(): number {
    if (this.#first === undefined) return 0;
    return this.#rest === null ? 1 : this.#rest.size + 1;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(item: T): void {
    if (this.#first === undefined) this.#first = item;
    else {
      this.#rest ??= new Ring();
      this.#rest.push(item);
    }
  }

  /** Takes the oldest item; undefined when there is none. */
  shift(): T | undefined {
    const item = this.#first;
    this.#first = this.#rest === null ? undefined : this.#rest.shift();
    return item;
  }
}

/**
 * A queue on an array that grows by doubling. Invariants: `size` items lie in it from `#head` on,
 * wrapping at the end; its length is a power of two; freed slots hold undefined, so that nothing is
 * kept alive.
 */
class Ring<T extends object> {
  size = 0;
  #items: (T | undefined)[] = new Array(initialCapacity).fill(undefined);
  #mask = initialCapacity - 1;
  #head = 0;

  push(item: T): void {
    if (this.size > this.#mask) this.#resize(this.#items.length * 2);
    this.#items[(this.#head + this.size) & this.#mask] = item;
    this.size += 1;
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.size -= 1;
    this.#head = (this.#head + 1) & this.#mask;
    if (this.size === 0 && this.#mask >= keptCapacity) this.#resize(initialCapacity);
    return item;
  }

  #resize(capacity: number): void {
    const resized: (T | undefined)[] = new Array(capacity).fill(undefined);
    for (let i = 0; i < this.size; i += 1) resized[i] = this.#items[(this.#head + i) & this.#mask];
    this.#items = resized;
    this.#mask = capacity - 1;
    this.#head = 0;
  }
}
