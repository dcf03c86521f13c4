/** Things that end at a time of the wall clock, in groups of a second: adding and removing is cheap. */
export class Expiries<T> {
  readonly #bySecond = new Map<number, Set<T>>();

  /** `at` in milliseconds since 1970. Returns what takes `item` out again. */
  add(item: T, at: number): () => void {
    const second = Math.ceil(at / 1_000);
    const group = this.#bySecond.get(second) ?? new Set();
    this.#bySecond.set(second, group.add(item));
    return () => {
      group.delete(item);
      if (group.size === 0 && this.#bySecond.get(second) === group) this.#bySecond.delete(second);
    };
  }

  /** Takes out all that has ended by `now`: not before its time, and within a second after it. */
  take(now: number): T[] {
    const ended: T[] = [];
    // The clock of the wall may jump: what is due is looked for, not counted up to.
    for (const [second, group] of this.#bySecond) {
      if (second * 1_000 > now) continue;
      this.#bySecond.delete(second);
      ended.push(...group);
    }
    return ended;
  }
}
