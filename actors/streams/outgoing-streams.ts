import { type ActorContext, type ActorRef, ReplyError, type Timer, toErrorRecord } from "#runtime";
import { type Streamed, type StreamOpening, streamedMessage } from "../request/index.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { StreamDesk } from "./stream-desk.ts";
import { closeGraceMs, pumpStream, type StreamSource } from "./stream-source.ts";

/** Whose stream it is, for the log. */
export interface StreamLabel {
  /** `service.request_type` */
  readonly function: string;
  readonly requestId: string;
}

/** The open streams of one consumer, by its number of each. */
interface ConsumerStreams {
  readonly consumer: ActorRef;
  readonly open: Map<number, { readonly stream: OutgoingStream; readonly label: StreamLabel }>;
}

/** How often the owner of open streams notes that it has not been stopped. */
const noteMs = 250;
/** The part of a stop that is kept for generators that have been told to end, at most half of it. */
const closeMarginMs = closeGraceMs + noteMs;

const byOwner = new WeakMap<ActorContext, OutgoingStreams>();

/** Grants and stops wait for nothing: as many as all streams of all consumers can send. */
const deskMailboxCapacity = 1_000_000;

/**
 * The streams that one actor produces. Grants, stops and the ends of consumers come to a child of
 * its own, its desk, so that they neither wait behind the actor's messages nor take places among
 * them. An actor that stops may `drain` them first, as long as its desk lives; what is open then ends
 * with `unavailable`: a stream may have no end of its own.
 */
export class OutgoingStreams {
  readonly #owner: ActorContext;
  #desk: Promise<ActorContext> | null = null;
  /** By the key of the consumer. */
  readonly #consumers = new Map<string, ConsumerStreams>();
  readonly #pumps = new Set<Promise<void>>();
  /** When the owner was last known not to have been stopped, on the clock's `now`. */
  #notedAt = 0;
  #noting: Timer | null = null;
  #onEmpty: (() => void) | null = null;

  /** `owner` is the context of the actor that produces them. */
  constructor(owner: ActorContext) {
    this.#owner = owner;
    byOwner.set(owner, this);
  }

  /** Those of an actor, by its context. */
  static of(owner: ActorContext): OutgoingStreams | undefined {
    return byOwner.get(owner);
  }

  /** How many are open. */
  get size(): number {
    let size = 0;
    for (const { open } of this.#consumers.values()) size += open.size;
    return size;
  }

  /**
   * Makes the stream that an opening asks for; the consumer hears of it with `announce`, or with the
   * first chunk.
   * @throws ReplyError `unavailable` when the actor is stopping.
   */
  async open(opening: StreamOpening, label: StreamLabel): Promise<OutgoingStream> {
    const { consumer, id, window } = opening;
    this.#desk ??= this.#spawnDesk();
    const desk = await this.#desk;
    let producer: ActorRef | null = desk.self;
    const stream = new OutgoingStream({
      window,
      clock: this.#owner.clock,
      send(chunks, end) {
        const message: Streamed = [id, chunks, end, producer];
        if (!consumer.sender.send(consumer, streamedMessage, message)) return false;
        producer = null;
        return true;
      },
      report: (fault, error) => {
        const { message, stack } = toErrorRecord(error);
        this.#owner.log("error", fault, { ...label, error: message, stack });
      },
      onOver: () => this.#forget(desk, consumer, id),
    });
    let ofConsumer = this.#consumers.get(consumer.key);
    if (ofConsumer === undefined) {
      ofConsumer = { consumer, open: new Map() };
      this.#consumers.set(consumer.key, ofConsumer);
      desk.watch(consumer);
    }
    ofConsumer.open.set(id, { stream, label });
    if (this.#noting === null) this.#note();
    return stream;
  }

  /** Takes the chunks of an open stream from `source`, outside of the actor's turns. */
  pump(stream: OutgoingStream, source: StreamSource, label: StreamLabel): void {
    const { clock } = this.#owner;
    const onLeft = (): void => this.#owner.log("warn", "stream ignores its end", { ...label });
    const pumped = pumpStream(stream, source, clock, onLeft);
    this.#pumps.add(pumped);
    void pumped.then(() => this.#pumps.delete(pumped));
  }

  // --- from the desk -------------------------------------------------------------------------

  grant(consumerKey: string, id: number, count: number): void {
    this.#consumers.get(consumerKey)?.open.get(id)?.stream.grant(count);
  }

  stop(consumerKey: string, id: number): void {
    this.#consumers.get(consumerKey)?.open.get(id)?.stream.stop();
  }

  consumerGone(consumerKey: string): void {
    const ofConsumer = this.#consumers.get(consumerKey);
    this.#consumers.delete(consumerKey);
    for (const { stream } of ofConsumer?.open.values() ?? []) stream.stop();
    if (this.#consumers.size === 0) this.#onEmpty?.();
  }

  /**
   * Lets the streams of an owner that is being stopped come to their ends, then ends the rest.
   * `shutdownMs` is all the time that its stop may take, with that of the calls before.
   */
  async drain(shutdownMs: number): Promise<void> {
    const { clock } = this.#owner;
    const leftMs = this.#notedAt + shutdownMs - clock.now();
    const waitMs = Math.max(leftMs - closeMarginMs, leftMs / 2);
    if (this.size > 0 && waitMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(waitMs, resolve);
        this.#onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    await this.closeAll();
  }

  /** Ends all; resolves when their sources have ended, or have been left to themselves. */
  async closeAll(): Promise<void> {
    for (const { open } of [...this.#consumers.values()]) {
      for (const { stream, label } of [...open.values()]) {
        stream.close("unavailable", `${label.function} is stopping`);
      }
    }
    await Promise.all(this.#pumps);
  }

  async #spawnDesk(): Promise<ActorContext> {
    let desk: ActorContext | null = null;
    try {
      await this.#owner.spawn(StreamDesk, {
        thread: this.#owner.thread,
        mailboxCapacity: deskMailboxCapacity,
        args: [
          this,
          (context: ActorContext) => {
            desk = context;
          },
        ],
      });
    } catch (error) {
      this.#desk = null;
      throw new ReplyError("unavailable", "the service is stopping", error);
    }
    return desk as unknown as ActorContext;
  }

  /** An actor that is being stopped has no turns for timers: then the time stands still. */
  #note(): void {
    this.#notedAt = this.#owner.clock.now();
    this.#noting = this.size === 0 ? null : this.#owner.after(noteMs, () => this.#note());
  }

  #forget(desk: ActorContext, consumer: ActorRef, id: number): void {
    const open = this.#consumers.get(consumer.key)?.open;
    if (!open?.delete(id) || open.size > 0) return;
    this.#consumers.delete(consumer.key);
    desk.unwatch(consumer);
    if (this.#consumers.size === 0) this.#onEmpty?.();
  }
}
