const nothing: readonly never[] = Object.freeze([]);

/**
 * A map for what is mostly one entry or none, in hundreds of thousands of places: those cost it 40
 * bytes, of which a Map takes 200 even when it is empty. Entries are in the order in which they came;
 * what is deleted while they are gone through may still come.
 */
export class Few<K extends string | number, V> {
  /** Of the only entry; undefined: there are none, or several. */
  #key: K | undefined = undefined;
  /** The value of the only entry, or several entries. A private getter of these would cost 8 bytes. */
  #held: V | Map<K, V> | undefined = undefined;

  constructor(entries: Iterable<readonly [K, V]> = nothing) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#key === undefined ? (severalOf<K, V>(this.#held)?.size ?? 0) : 1;
  }

  has(key: K): boolean {
    if (this.#key !== undefined) return this.#key === key;
    return severalOf<K, V>(this.#held)?.has(key) ?? false;
  }

  get(key: K): V | undefined {
    if (this.#key === undefined) return severalOf<K, V>(this.#held)?.get(key);
    return this.#key === key ? (this.#held as V) : undefined;
  }

  set(key: K, value: V): void {
    if (this.#key === key || this.size === 0) {
      this.#key = key;
      this.#held = value;
      return;
    }
    if (this.#key !== undefined) {
      this.#held = new Map([[this.#key, this.#held as V]]);
      this.#key = undefined;
    }
    severalOf<K, V>(this.#held)?.set(key, value);
  }

  /** True when there was such an entry. */
  delete(key: K): boolean {
    const isOnly = this.#key === key;
    const several = this.#key === undefined ? severalOf<K, V>(this.#held) : undefined;
    if (!isOnly && !several?.delete(key)) return false;
    if (isOnly || several?.size === 0) {
      this.#key = undefined;
      this.#held = undefined;
    }
    return true;
  }

  keys(): Iterable<K> {
    if (this.#key !== undefined) return [this.#key];
    return severalOf<K, V>(this.#held)?.keys() ?? nothing;
  }

  values(): Iterable<V> {
    if (this.#key !== undefined) return [this.#held as V];
    return severalOf<K, V>(this.#held)?.values() ?? nothing;
  }

  [Symbol.iterator](): Iterator<readonly [K, V]> {
    const only: (readonly [K, V])[] = [];
    if (this.#key !== undefined) only.push([this.#key, this.#held as V]);
    const several = this.#key === undefined ? severalOf<K, V>(this.#held) : undefined;
    return (several ?? only)[Symbol.iterator]();
  }
}

/** What is held where there is no only entry. */
function severalOf<K, V>(held: V | Map<K, V> | undefined): Map<K, V> | undefined {
  return held as Map<K, V> | undefined;
}
