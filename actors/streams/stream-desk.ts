import { Actor, type ActorContext, type ActorRef, type Signal } from "#runtime";
import type { OutgoingStreams } from "./outgoing-streams.ts";

/** Takes what consumers say to the producer of their streams; see {@link OutgoingStreams}. */
export class StreamDesk extends Actor {
  readonly #streams: OutgoingStreams;

  constructor(streams: OutgoingStreams, opened: (desk: ActorContext) => void) {
    super();
    this.#streams = streams;
    opened(this.context);
  }

  "troupe:grant"(consumer: ActorRef, id: number, count: number): void {
    this.#streams.grant(consumer.key, id, count);
  }

  "troupe:stop"(consumer: ActorRef, id: number): void {
    this.#streams.stop(consumer.key, id);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.consumerGone(signal.ref.key);
  }

  protected override terminate(): Promise<void> {
    return this.#streams.closeAll();
  }
}
