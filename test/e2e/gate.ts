import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { within } from "./deadline.ts";
import type { Scope } from "./gateway-process.ts";

/**
 * Holds functions in the gateway up: one that fetches a URL of the gate is known to have begun, and
 * goes on when it is let.
 */
export class Gate {
  readonly #server: Server = createServer((request, response) => {
    this.#held.set((request.url ?? "/").slice(1), response);
    this.#onArrival?.();
  });
  readonly #held = new Map<string, ServerResponse>();
  #onArrival: (() => void) | null = null;

  static async open(scope: Scope): Promise<Gate> {
    const gate = new Gate();
    await new Promise<void>((resolve) => gate.#server.listen(0, "127.0.0.1", resolve));
    scope.after(() => {
      gate.#server.close();
      gate.#server.closeAllConnections();
    });
    return gate;
  }

  /** What a function is to fetch. */
  url(name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`;
  }

  /** Resolves when so many are held. */
  async holds(count: number): Promise<void> {
    while (this.#held.size < count) {
      const arrival = new Promise<void>((resolve) => {
        this.#onArrival = resolve;
      });
      await within(arrival, `${count} functions at the gate, there are ${this.#held.size}`);
    }
  }

  /** Lets all go on, each with its own name. */
  release(): void {
    for (const [name, response] of this.#held) response.end(name);
    this.#held.clear();
  }
}
