import { Actor } from "../../../runtime/actor/index.ts";

/** What reached one life of a ledger, in the order in which it came. */
export interface Taken {
  /** The life of the node that sent it. */
  readonly from: string;
  /** No two messages of a schedule have the same; they grow with the time of sending. */
  readonly id: number;
}

/** Notes what it gets. What it notes into belongs to the test, so that its end does not lose it. */
export class Ledger extends Actor {
  readonly #taken: Taken[];

  constructor(taken: Taken[]) {
    super();
    this.#taken = taken;
  }

  protected override init(): void {
    this.context.groups.join("ledgers");
  }

  /** `_padding` makes the message large. */
  take(from: string, id: number, _padding?: string): number {
    this.#taken.push({ from, id });
    return id;
  }

  /** Answers later; others are taken in the meantime. */
  async takeSlowly(from: string, id: number): Promise<number> {
    this.#taken.push({ from, id });
    await new Promise<void>((resolve) => {
      this.context.after(700, resolve);
    });
    return id;
  }
}
