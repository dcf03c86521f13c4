/** Lets those who wait through one by one, when the test says so. */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets the one through that has waited longest. */
  letOne(): void {
    this.#waiting.shift()?.();
  }
}
