import { Actor, type ActorContext } from "#runtime";
import { OfferBook } from "./offer-book.ts";
import { type OwnOffer, selectVersions } from "./offers.ts";

/** The registered name of the {@link Publisher}. */
export const publisherName = "publisher";

/** Tells nodes that ask what this one offers. */
export class Publisher extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #book = new OfferBook(this.context as ActorContext, () => {});

  /** The version of each service: all that has to be said when nothing has changed. */
  versions(): Record<string, string> {
    return selectVersions(this.#book.offers);
  }

  /** The functions of a service; null when it is not offered any more. */
  fetch(service: string): OwnOffer | null {
    return this.#book.offers.get(service) ?? null;
  }

  protected override terminate(): void {
    this.#book.close();
  }
}
