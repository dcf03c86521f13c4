import type { Kernel } from "../actor/index.ts";
import { type Timer, TroupeError } from "../core/index.ts";
import { Assembly, chunkHeaderBytes } from "./assembly.ts";
import { ChannelSender } from "./channel-sender.ts";
import { encodeFrame, FrameDecoder, FrameError, type FrameKind, frameKind } from "./frame.ts";
import { Heartbeat, type HeartbeatOptions } from "./heartbeat.ts";
import { decodeLarge } from "./large-message.ts";
import { decodeBatch } from "./node-codec.ts";
import { isMessageEnvelope, type NodeEnvelope } from "./node-envelope.ts";
import type { Connection } from "./transport.ts";

/** How long the end waits for what is queued. */
const closeTimeoutMs = 1_000;
/** The payload of a ping: a time, as a 64-bit float. */
const pingBytes = 8;
/** The payload of a `taken`. */
const takenBytes = 4;
/** The other side is told at the latest when so many bytes of chunks have arrived. */
const takenStepBytes = 256 * 1024;
/** Of the reason that goes with a bye, characters. */
const maxReasonLength = 1_024;

/** What the owner of a channel is told. */
export interface ChannelEvents {
  /** An envelope came. */
  envelope(envelope: NodeEnvelope): void;
  /**
   * A tell or an ask that was never sent: it could not be encoded (`not_serialisable`,
   * `message_too_large`), or the channel ended before (`unreachable`); its arguments may be left out.
   * It may be called within {@link NodeChannel.send}.
   */
  unsent(envelope: NodeEnvelope, error: TroupeError): void;
  /**
   * The connection is over; said once, after all else. `orderly` when one of the two sides said bye.
   */
  closed(reason: string, orderly: boolean): void;
}

/** The limits of a channel. */
export interface ChannelOptions extends HeartbeatOptions {
  /**
   * Bytes on their way from which there is no room, see {@link NodeChannel.hasRoom}. One large message
   * that is under way does not count: what is small may overtake it.
   */
  readonly maxBufferedBytes: number;
  /** The largest message that is sent or taken. */
  readonly maxMessageBytes: number;
}

/**
 * An established connection to a thread of another node. What is sent in one turn leaves together, in
 * order; large messages travel in chunks that others overtake, except those to the same actor.
 * Both sides send signs of life; silence ends the channel.
 */
export class NodeChannel {
  readonly #kernel: Kernel;
  readonly #connection: Connection;
  readonly #options: ChannelOptions;
  readonly #events: ChannelEvents;
  readonly #decoder = new FrameDecoder();
  readonly #assembly: Assembly;
  readonly #sender: ChannelSender;
  readonly #heartbeat: Heartbeat;
  /** What came before the owner could listen; null from then on. */
  #early: { bytes: Uint8Array[]; closed: string | null } | null;
  #rttMs: number | null = null;
  /** Bytes of chunks that have arrived and that the other side was not told of. */
  #untoldBytes = 0;
  /** Why this side ends the channel, once it does. */
  #closing: string | null = null;
  #closeTimer: Timer | null = null;
  #over = false;

  /**
   * `rest` are bytes that came behind the handshake. No event happens before the present turn of the
   * caller is over.
   */
  constructor(
    kernel: Kernel,
    connection: Connection,
    rest: readonly Uint8Array[],
    options: ChannelOptions,
    events: ChannelEvents,
  ) {
    this.#kernel = kernel;
    this.#connection = connection;
    this.#options = options;
    this.#events = events;
    this.#assembly = new Assembly(options.maxMessageBytes);
    this.#sender = new ChannelSender(
      kernel,
      connection,
      options.maxMessageBytes,
      (envelope, error) => events.unsent(envelope, error),
    );
    this.#early = { bytes: [...rest], closed: null };
    this.#heartbeat = new Heartbeat(kernel.clock, options, {
      ping: () => this.#ping(),
      suspect: (reason) => this.#finish(reason, false),
    });
    connection.handle({
      data: (bytes) => this.#receive(bytes),
      drained: () => this.#sender.pump(),
      closed: (reason) => this.#lost(reason),
    });
    queueMicrotask(() => this.#begin());
  }

  /** Whether more messages should be sent; answers and signals are sent in any case. */
  get hasRoom(): boolean {
    return this.#sender.waitingBytes < this.#options.maxBufferedBytes;
  }

  /** About how many bytes were sent that are not yet with the operating system. */
  get bufferedBytes(): number {
    return this.#sender.bufferedBytes;
  }

  /** Milliseconds that the last ping took to come back; null before the first. */
  get rttMs(): number | null {
    return this.#rttMs;
  }

  /** When bytes came last, on the clock's `now`. */
  get heardAt(): number {
    return this.#heartbeat.heardAt;
  }

  /** How much the present silence speaks for the other side's death: 8 and it is taken for dead. */
  get phi(): number {
    return this.#heartbeat.phi;
  }

  /** Sends when the present turn is over. Never refused: the sender looks at `hasRoom` before. */
  send(envelope: NodeEnvelope): void {
    if (this.#over || this.#closing !== null) {
      this.#unsent([envelope], this.#closing ?? "it is over");
    } else {
      this.#sender.send(envelope);
    }
  }

  /**
   * Ends the channel: what was sent before still leaves, within 1 s, then a bye with the reason. What
   * comes until then is taken. `closed` follows, with this reason.
   */
  close(reason: string): void {
    if (this.#over || this.#closing !== null) return;
    this.#closing = reason;
    this.#closeTimer = this.#kernel.clock.after(closeTimeoutMs, () => this.#finish(reason, true));
    const text = Buffer.from(reason.slice(0, maxReasonLength));
    this.#sender.sendLast(encodeFrame(frameKind.bye, text));
  }

  /** Ends the channel at once, without a bye: this side does not leave, it only wants no more of it. */
  drop(reason: string): void {
    this.#finish(reason, false);
  }

  #begin(): void {
    const early = this.#early;
    this.#early = null;
    if (early === null || this.#over) return;
    for (const bytes of early.bytes) this.#receive(bytes);
    if (early.closed !== null) this.#lost(early.closed);
  }

  #ping(): void {
    const payload = Buffer.allocUnsafe(pingBytes);
    payload.writeDoubleBE(this.#kernel.clock.now(), 0);
    this.#sender.sendUrgent(encodeFrame(frameKind.ping, payload));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#early !== null) {
      this.#early.bytes.push(bytes);
      return;
    }
    this.#heartbeat.heard();
    try {
      this.#decoder.push(bytes, this.#take);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const { peer } = this.#connection;
      this.#kernel.log("warn", "connection ended: what came is no message of a node", {
        ...{ peer, code: error.code, why: error.message },
      });
      this.#finish(`${error.code}: ${error.message}`, false);
    }
  }

  readonly #take = (kind: FrameKind, payload: Buffer): boolean => {
    switch (kind) {
      case frameKind.batch:
        this.#takeEnvelopes(decodeBatch(payload, this.#kernel));
        break;
      case frameKind.chunk: {
        const whole = this.#assembly.take(payload);
        if (whole !== null) this.#takeEnvelopes(decodeLarge(whole, this.#kernel));
        this.#noteTaken(payload.length - chunkHeaderBytes, whole !== null);
        break;
      }
      case frameKind.ping:
        checkPing(payload);
        this.#sender.sendUrgent(encodeFrame(frameKind.pong, payload));
        break;
      case frameKind.pong:
        checkPing(payload);
        this.#rttMs = Math.max(0, this.#kernel.clock.now() - payload.readDoubleBE(0));
        break;
      case frameKind.taken:
        this.#sender.taken(readTaken(payload));
        break;
      case frameKind.bye:
        this.#finish(payload.toString("utf8", 0, 4 * maxReasonLength), true);
        break;
      default:
        throw new FrameError("malformed", "a handshake on an established connection");
    }
    return !this.#over;
  };

  /** Tells the other side, every so often, how much of its large messages has arrived. */
  #noteTaken(bytes: number, isWhole: boolean): void {
    this.#untoldBytes += bytes;
    if (this.#over || (this.#untoldBytes < takenStepBytes && !isWhole)) return;
    const payload = Buffer.allocUnsafe(takenBytes);
    payload.writeUInt32BE(this.#untoldBytes, 0);
    this.#untoldBytes = 0;
    this.#sender.sendUrgent(encodeFrame(frameKind.taken, payload));
  }

  #takeEnvelopes(envelopes: readonly NodeEnvelope[]): void {
    for (const envelope of envelopes) {
      this.#events.envelope(envelope);
      if (this.#over) return;
    }
  }

  #lost(reason: string): void {
    if (this.#early !== null) this.#early.closed = reason;
    else this.#finish(this.#closing ?? reason, this.#closing !== null);
  }

  #finish(reason: string, orderly: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#heartbeat.stop();
    this.#closeTimer?.cancel();
    this.#connection.destroy();
    this.#unsent(this.#sender.stop(), reason);
    this.#events.closed(reason, orderly);
  }

  #unsent(envelopes: readonly NodeEnvelope[], reason: string): void {
    const text = `the connection to ${this.#connection.peer} ended before it was sent: ${reason}`;
    for (const envelope of envelopes) {
      if (isMessageEnvelope(envelope))
        this.#events.unsent(envelope, new TroupeError("unreachable", text));
    }
  }
}

/** @throws FrameError `malformed`. */
function readTaken(payload: Buffer): number {
  if (payload.length === takenBytes) return payload.readUInt32BE(0);
  const text = `taken: expected ${takenBytes} bytes, received ${payload.length}`;
  throw new FrameError("malformed", text);
}

/** @throws FrameError `malformed`. */
function checkPing(payload: Buffer): void {
  if (payload.length === pingBytes) return;
  throw new FrameError(
    "malformed",
    `ping: expected ${pingBytes} bytes, received ${payload.length}`,
  );
}
