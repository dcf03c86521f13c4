import { TroupeError } from "../core/index.ts";
import type { Envelope } from "./envelope.ts";

/** The messages of one actor whose promises have not settled. */
export class InFlight {
  readonly #envelopes = new Set<Envelope>();

  add(envelope: Envelope): void {
    this.#envelopes.add(envelope);
  }

  delete(envelope: Envelope): void {
    this.#envelopes.delete(envelope);
  }

  /** Tells their handlers that the actor is about to stop. */
  abort(): void {
    const reason = new TroupeError("actor_stopped", "the actor is stopping");
    for (const envelope of this.#envelopes) envelope.abort(reason);
  }

  /** The actor has stopped: nobody will answer any more. */
  fail(error: TroupeError): void {
    for (const envelope of this.#envelopes) {
      envelope.abort(error);
      envelope.reply?.reject(error);
    }
    this.#envelopes.clear();
  }
}
