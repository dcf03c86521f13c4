import type { Kernel } from "../actor/index.ts";
import type { TroupeError } from "../core/index.ts";
import { encodeAlone, maxFrameBytes } from "./encode-alone.ts";
import { LargeMessage } from "./large-message.ts";
import { encodeBatchFrame } from "./node-codec.ts";
import {
  isLargeEnvelope,
  isMessageEnvelope,
  type NodeEnvelope,
  nodeKind,
  selectTarget,
  selectUnsentForm,
} from "./node-envelope.ts";
import { Outbox } from "./outbox.ts";
import type { Connection } from "./transport.ts";

/** Envelopes that are encoded together at most. */
const maxBatch = 256;
/** About how many bytes are encoded together. */
const targetBatchBytes = 48 * 1024;
/** Bytes that are handed to the connection at a time, so that small and urgent ones overtake. */
const windowBytes = 256 * 1024;

/** Pings and pongs that wait for a peer that does not read, however many it sends itself. */
const maxUrgent = 64;

/** Told of a tell or an ask that cannot be encoded. */
export type OnUnsent = (envelope: NodeEnvelope, error: TroupeError) => void;

/**
 * The sending half of a channel: encodes what is sent in one turn together and hands it to the
 * connection as fast as that takes it. What goes to one actor stays in order.
 */
export class ChannelSender {
  readonly #kernel: Kernel;
  readonly #connection: Connection;
  readonly #maxMessageBytes: number;
  readonly #onUnsent: OnUnsent;
  readonly #outbox: Outbox;
  #batch: NodeEnvelope[] = [];
  #batchLimit = maxBatch;
  #envelopeBytes = targetBatchBytes / maxBatch;
  #pumpsLater = false;
  /** The targets of asks that went into a lane, for the cancels that must not overtake them. */
  readonly #laneAsks = new Map<number, string>();
  /** The frame after which nothing is sent. */
  #last: Buffer | null = null;
  #stopped = false;

  constructor(kernel: Kernel, connection: Connection, maxMessageBytes: number, onUnsent: OnUnsent) {
    this.#kernel = kernel;
    this.#connection = connection;
    this.#maxMessageBytes = maxMessageBytes;
    this.#onUnsent = onUnsent;
    this.#outbox = new Outbox(maxMessageBytes);
  }

  /** About how many bytes were sent that are not yet with the operating system. */
  get bufferedBytes(): number {
    const unencodedBytes = this.#batch.length * this.#envelopeBytes;
    return this.#connection.bufferedBytes + this.#outbox.bytes + unencodedBytes;
  }

  /** The same without what is left of the largest message that is under way. */
  get waitingBytes(): number {
    return this.bufferedBytes - this.#outbox.largestBytes;
  }

  /** Sends when the present turn is over. */
  send(envelope: NodeEnvelope): void {
    if (isLargeEnvelope(envelope)) {
      this.#encode();
      this.#encodeAlone(envelope);
      this.#pumpLater();
      return;
    }
    if (this.#batch.push(envelope) === 1) this.#kernel.flushLater(this.#flush);
    if (this.#batch.length >= this.#batchLimit) this.#flush();
  }

  /** The other side has taken so many bytes of chunks. */
  taken(bytes: number): void {
    this.#outbox.taken(bytes);
    this.pump();
  }

  /** Sends a frame at once, before all that waits; one more behind many that wait is left out. */
  sendUrgent(frame: Buffer): void {
    if (this.#outbox.urgentCount >= maxUrgent) return;
    this.#outbox.addUrgent(frame);
    this.pump();
  }

  /** Sends a frame after all others, then ends the connection. */
  sendLast(frame: Buffer): void {
    this.#encode();
    this.#last = frame;
    this.pump();
  }

  /** Hands the connection what it has room for; called when it has room again. */
  pump(): void {
    if (this.#stopped) return;
    if (!this.#outbox.isEmpty) {
      const roomBytes = windowBytes - this.#connection.bufferedBytes;
      if (roomBytes <= 0) return;
      const chunks = this.#outbox.take(roomBytes);
      // The rest waits for the other side.
      if (chunks.length === 0) return;
      this.#connection.write(chunks);
      // Not at once: a fast connection would keep this thread from its other work.
      if (!this.#outbox.isEmpty || this.#last !== null) this.#pumpLater();
    } else if (this.#last !== null) {
      this.#stopped = true;
      this.#connection.write([this.#last]);
      this.#connection.end();
    }
  }

  /** Sends no more; gives the tells and asks that were not sent. */
  stop(): NodeEnvelope[] {
    this.#stopped = true;
    const batch = this.#batch.filter(isMessageEnvelope);
    this.#batch = [];
    return [...this.#outbox.clear(), ...batch];
  }

  readonly #flush = (): void => {
    this.#encode();
    if (!this.#outbox.isEmpty) this.pump();
  };

  #pumpLater(): void {
    if (this.#pumpsLater) return;
    this.#pumpsLater = true;
    this.#kernel.flushLater(() => {
      this.#pumpsLater = false;
      this.pump();
    });
  }

  /** Encodes what was sent so far; what can go straight to the connection does. */
  #encode(): void {
    if (this.#batch.length === 0) return;
    let batch = this.#batch;
    this.#batch = [];
    if (this.#outbox.hasLanes) {
      batch = batch.filter((envelope) => !this.#divert(envelope));
      if (batch.length === 0) return;
    } else if (this.#laneAsks.size > 0) {
      this.#laneAsks.clear();
    }
    let frame: Buffer;
    try {
      frame = encodeBatchFrame(batch, this.#kernel);
    } catch {
      for (const envelope of batch) this.#encodeAlone(envelope);
      return;
    }
    this.#envelopeBytes = frame.length / batch.length;
    // What comes next is likely to be as large as what came before.
    this.#batchLimit = Math.max(1, Math.min(maxBatch, targetBatchBytes / this.#envelopeBytes));
    if (frame.length > maxFrameBytes) {
      for (const envelope of batch) this.#encodeAlone(envelope);
    } else if (this.#outbox.isEmpty && this.#connection.bufferedBytes < windowBytes) {
      this.#connection.write([frame]);
    } else {
      this.#outbox.add(frame, selectUnsentForm(batch));
    }
  }

  /** Queues an envelope behind a large one to the same actor; false when there is none. */
  #divert(envelope: NodeEnvelope): boolean {
    const target = this.#targetOf(envelope);
    if (target === null || !this.#outbox.hasLane(target)) return false;
    this.#encodeAlone(envelope);
    return true;
  }

  #targetOf(envelope: NodeEnvelope): string | null {
    if (envelope[0] !== nodeKind.cancel) return selectTarget(envelope);
    return this.#laneAsks.get(envelope[1]) ?? null;
  }

  #encodeAlone(envelope: NodeEnvelope): void {
    const { message, error } = encodeAlone(envelope, this.#kernel, this.#maxMessageBytes);
    if (error !== null) {
      this.#kernel.log("error", error.message, { to: this.#connection.peer });
      if (isMessageEnvelope(envelope)) this.#onUnsent(envelope, error);
    }
    if (message === null || this.#stopped) return;
    const target = this.#targetOf(envelope);
    const kept = selectUnsentForm([envelope]);
    if (message instanceof LargeMessage) this.#outbox.addLarge(target, message, kept);
    else this.#outbox.addToTarget(target, message, kept);
    if (envelope[0] !== nodeKind.ask || target === null || !this.#outbox.hasLane(target)) return;
    this.#laneAsks.set(envelope[6], target);
  }
}
