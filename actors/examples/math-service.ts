import Type from "typebox";
import { Actor } from "#runtime";
import { type ServiceDefinition, serviceOf } from "../service/index.ts";

/** A service that is an actor: one counter for all clients, kept across calls. */
export default class MathService extends Actor {
  static readonly service: ServiceDefinition = serviceOf("math_service", {
    add: { args: Type.Object({ by: Type.Number() }) },
    value: {},
    reset: {},
  });
  #value = 0;

  /** The new value. */
  add({ by }: { readonly by: number }): number {
    this.#value += by;
    return this.#value;
  }

  value(): number {
    return this.#value;
  }

  /** The value that it had. */
  reset(): number {
    const before = this.#value;
    this.#value = 0;
    return before;
  }
}
