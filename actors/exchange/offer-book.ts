import type { ActorContext, ReadonlyTable } from "#runtime";
import { serviceName } from "../execution/index.ts";
import { type FunConfig, registryTable } from "../registry/index.ts";
import { encodeOffers, type OwnOffer } from "./offers.ts";
import { OwnServices } from "./own-services.ts";

/** What this node offers to others at the moment, as one of its threads sees it. */
export class OfferBook {
  readonly #registry: ReadonlyTable<FunConfig>;
  readonly #own: OwnServices;
  #offers: ReadonlyMap<string, OwnOffer> | null = null;
  readonly #unfollow: readonly (() => void)[];

  /** `onChange` is called when the offers may have changed; ask later, more may follow. */
  constructor(context: Pick<ActorContext, "table">, onChange: () => void) {
    this.#registry = context.table<FunConfig>(registryTable);
    this.#own = new OwnServices(context);
    const changed = (): void => {
      this.#offers = null;
      onChange();
    };
    this.#unfollow = [this.#registry.onChange(changed), this.#own.onChange(changed)];
  }

  /** By service. */
  get offers(): ReadonlyMap<string, OwnOffer> {
    this.#offers ??= encodeOffers(
      Array.from(this.#registry.entries(), ([, config]) => config),
      this.#own.names(),
      serviceName,
    );
    return this.#offers;
  }

  /** Hears of no change any more. */
  close(): void {
    for (const unfollow of this.#unfollow) unfollow();
  }
}
