import { Actor, type ActorContext, type Signal } from "#runtime";
import type { OutgoingStreams } from "./outgoing-streams.ts";

/** Takes what consumers say to the producer of their streams; see {@link OutgoingStreams}. */
export class StreamDesk extends Actor {
  readonly #streams: OutgoingStreams;

  constructor(streams: OutgoingStreams, opened: (desk: ActorContext) => void) {
    super();
    this.#streams = streams;
    opened(this.context);
  }

  "troupe:grant"(consumerKey: string, id: number, count: number): void {
    this.#streams.grant(consumerKey, id, count);
  }

  "troupe:stop"(consumerKey: string, id: number): void {
    this.#streams.stop(consumerKey, id);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.consumerGone(signal.ref.key);
  }

  protected override terminate(): Promise<void> {
    return this.#streams.closeAll();
  }
}
