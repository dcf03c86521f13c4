/**
 * Items by a key that they carry, in the order in which they came: null, the only one, or a map of
 * several. It is for what is mostly one item or none, in hundreds of thousands of places: those take
 * no memory, of which a Map takes 200 bytes even when it is empty. {@link FewBy} reads and changes it.
 */
export type Few<K, V extends object> = Map<K, V> | V | null;

/** What is done with {@link Few} items; whatever changes them returns what they are from then on. */
export class FewBy<K, V extends object> {
  readonly #keyOf: (item: V) => K;

  /** @param keyOf whatever becomes of an item, its key stays */
  constructor(keyOf: (item: V) => K) {
    this.#keyOf = keyOf;
  }

  size(few: Few<K, V>): number {
    if (few === null) return 0;
    return few instanceof Map ? few.size : 1;
  }

  get(few: Few<K, V>, key: K): V | undefined {
    if (few === null) return undefined;
    if (few instanceof Map) return few.get(key);
    return this.#keyOf(few) === key ? few : undefined;
  }

  /** What is deleted while they are gone through may still come. */
  values(few: Few<K, V>): Iterable<V> {
    if (few === null) return nothing;
    return few instanceof Map ? few.values() : [few];
  }

  /** Adds an item as the last one, or in the place of the one that has its key. */
  set(few: Few<K, V>, item: V): Few<K, V> {
    if (few === null) return item;
    const key = this.#keyOf(item);
    if (few instanceof Map) return few.set(key, item);
    const other = this.#keyOf(few);
    if (other === key) return item;
    return new Map([
      [other, few],
      [key, item],
    ]);
  }

  /** A key that none of them has changes nothing. */
  delete(few: Few<K, V>, key: K): Few<K, V> {
    if (few === null) return null;
    if (!(few instanceof Map)) return this.#keyOf(few) === key ? null : few;
    few.delete(key);
    return few.size === 0 ? null : few;
  }
}

const nothing: readonly never[] = Object.freeze([]);
