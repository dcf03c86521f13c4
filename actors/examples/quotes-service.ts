import { Actor } from "#runtime";
import { type ServiceDefinition, serviceOf } from "../service/index.ts";

const symbol = { type: "string", maxBytes: 8 };

/** Three instances, each with state of its own, and the ways to choose among them. */
export default class QuotesService extends Actor {
  static readonly service: ServiceDefinition = serviceOf(
    "quotes_service",
    {
      // Arguments one by one, of types with constraints.
      price: {
        argTypes: {
          symbol,
          amount: { type: "num", defaultValue: 1 },
          on: { type: "datetime", allowNil: true },
          tags: { type: "list_string", maxItems: 3, maxItemBytes: 16, defaultValue: [] },
          options: { type: "map", accept: ["currency"], required: ["currency"], allowNil: true },
        },
        argOrders: ["symbol", "amount", "on", "tags", "options"],
      },
      // The same symbol goes to the same instance, whatever thread the call comes in on.
      asked: { argTypes: { symbol }, argOrders: ["symbol"], chooseNodeMode: { hash: "symbol" } },
      // A user stays with an instance as long as it is there, and so finds his basket again.
      put: { argTypes: { symbol }, argOrders: ["symbol"], chooseNodeMode: { sticky: "user_id" } },
      next_desk: { method: "desk", chooseNodeMode: "round_robin" },
      free_desk: { method: "desk", chooseNodeMode: "least_loaded" },
      // Functions of the module choose the nodes and the instance.
      first_desk: {
        method: "desk",
        nodes: { function: "findNodes" },
        chooseNodeMode: { function: "chooseFirst" },
      },
    },
    { instances: 3 },
  );
  readonly #asked = new Map<string, number>();
  readonly #baskets = new Map<string | null, string[]>();

  price(
    symbol: string,
    amount: number,
    on: string | null,
    tags: readonly string[],
    options: { readonly currency: string } | null,
  ): object {
    const { currency = "EUR" } = options ?? {};
    return { symbol, price: symbol.length * amount, currency, on, tags };
  }

  /** How often this instance was asked for it. */
  asked(symbol: string): object {
    if (this.#asked.size > 1_000) this.#asked.clear();
    const times = (this.#asked.get(symbol) ?? 0) + 1;
    this.#asked.set(symbol, times);
    return { symbol, times, desk: this.context.name };
  }

  put(symbol: string, { userId }: { readonly userId: string | null }): readonly string[] {
    if (this.#baskets.size > 1_000) this.#baskets.clear();
    const basket = [...(this.#baskets.get(userId) ?? []), symbol].slice(-10);
    this.#baskets.set(userId, basket);
    return basket;
  }

  desk(): string | null {
    return this.context.name;
  }
}

/** Names of nodes; `local` is this one. */
export function findNodes(): readonly string[] {
  return ["local"];
}

/** One of the names that it is given. */
export function chooseFirst(replicas: readonly string[]): string | undefined {
  return [...replicas].sort()[0];
}
