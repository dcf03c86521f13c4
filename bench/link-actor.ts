import { Actor } from "#runtime";

/** The other end of the link bench. */
export class Sink extends Actor {
  static override readonly source: string = import.meta.url;
  #left = 0;
  #done: (() => void) | null = null;

  /** Answers when `messages` messages have come. */
  expect(messages: number): Promise<void> {
    this.#left = messages;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  take(_value: number): void {
    this.#left -= 1;
    if (this.#left === 0) this.#done?.();
  }

  ping(value: number): number {
    return value;
  }
}
