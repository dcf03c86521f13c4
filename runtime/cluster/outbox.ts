import { chunkBytes, chunkHeaderBytes, maxStreams } from "./assembly.ts";
import { Fifo } from "./fifo.ts";
import { frameHeaderBytes, frameKind, writeFrameHeader } from "./frame.ts";
import { LargeMessage } from "./large-message.ts";
import type { NodeEnvelope } from "./node-envelope.ts";

/** A frame or a large message that waits. */
interface Waiting {
  readonly message: Buffer | LargeMessage;
  /** Those of its envelopes that are told of when it is never sent. */
  readonly envelopes: readonly NodeEnvelope[];
  /** Counts what was added to the outbox. */
  readonly order: number;
}

/**
 * Bytes of chunks that may be on their way. The operating systems of both sides buffer megabytes: what
 * is behind those waits for them.
 */
const chunkWindowBytes = 1024 * 1024;

/** What keeps its order among each other: all to one target, or one large answer. */
interface Lane {
  readonly target: string | null;
  readonly queue: Fifo<Waiting>;
  /** Ordinary frames that were there before the lane was opened go first. */
  readonly after: number;
  /** The number of the large message at the head while it is under way; 0 otherwise. */
  stream: number;
}

/**
 * The frames that wait for room on a connection, in the order in which they will leave:
 * - urgent ones first;
 * - then in turns of about 64 KiB the ordinary frames, in their order, and each lane, in its own.
 *
 * A message that is too large for one frame opens a lane for its target; what follows to that target
 * waits in the lane, so order between a pair holds while others overtake. Large messages under way at
 * a time have at most `maxStreamBytes` together and are at most 64, unless there is only one: the
 * receiver counts on it.
 */
export class Outbox {
  readonly #maxStreamBytes: number;
  readonly #urgent: Buffer[] = [];
  readonly #ordinary = new Fifo<Waiting>();
  /** In turn; the ordinary frames have theirs when `null` is at the head. */
  readonly #turns = new Fifo<Lane | null>();
  readonly #lanes = new Map<string, Lane>();
  #laneCount = 0;
  #bytes = 0;
  #lastOrder = 0;
  #lastStream = 0;
  #streams = 0;
  #streamBytes = 0;
  /** Bytes of chunks that have left and are not known to have arrived. */
  #untakenBytes = 0;
  /** The lane whose large message is the next to begin, when there was no room for it. */
  #nextToBegin: Lane | null = null;

  constructor(maxStreamBytes: number) {
    this.#maxStreamBytes = maxStreamBytes;
    this.#turns.push(null);
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of them those of the largest message that is under way: it must not keep small ones from leaving. */
  get largestBytes(): number {
    if (this.#streams === 0) return 0;
    let largest = 0;
    for (const lane of this.#turns) {
      const message = lane === null || lane.stream === 0 ? undefined : lane.queue.peek()?.message;
      if (message instanceof LargeMessage) largest = Math.max(largest, message.left);
    }
    return largest;
  }

  /** Urgent frames that wait. */
  get urgentCount(): number {
    return this.#urgent.length;
  }

  get isEmpty(): boolean {
    return this.#ordinary.isEmpty && this.#laneCount === 0 && this.#urgent.length === 0;
  }

  /** Whether some targets have a lane; otherwise nobody needs to be asked for theirs. */
  get hasLanes(): boolean {
    return this.#lanes.size > 0;
  }

  /** Whether what goes to the target must be added with {@link addToTarget}. */
  hasLane(target: string): boolean {
    return this.#lanes.has(target);
  }

  /** A frame that goes before all others. */
  addUrgent(frame: Buffer): void {
    this.#urgent.push(frame);
    this.#bytes += frame.length;
  }

  /** A frame to targets without a lane. */
  add(frame: Buffer, envelopes: readonly NodeEnvelope[]): void {
    this.#ordinary.push(this.#waiting(frame, frame.length, envelopes));
  }

  /** A frame of one envelope, behind all that goes to its target; a null target has no order. */
  addToTarget(target: string | null, frame: Buffer, envelopes: readonly NodeEnvelope[]): void {
    const lane = target === null ? undefined : this.#lanes.get(target);
    if (lane === undefined) this.add(frame, envelopes);
    else lane.queue.push(this.#waiting(frame, frame.length, envelopes));
  }

  /** A large message, behind all that goes to its target; it opens a lane for that. */
  addLarge(target: string | null, message: LargeMessage, envelopes: readonly NodeEnvelope[]): void {
    const lane = target === null ? undefined : this.#lanes.get(target);
    const { queue } = lane ?? this.#openLane(target);
    queue.push(this.#waiting(message, message.bytes, envelopes));
  }

  /**
   * Takes the next chunks of bytes to write: about `budgetBytes`. None when only large messages wait
   * whose next chunks must not leave before the other side has taken some.
   */
  take(budgetBytes: number): Uint8Array[] {
    const chunks: Uint8Array[] = this.#urgent.splice(0);
    const before = this.#bytes;
    for (const frame of chunks) this.#bytes -= frame.length;
    for (let idleTurns = 0; idleTurns <= this.#laneCount && !this.isEmpty; ) {
      if (before - this.#bytes >= budgetBytes) break;
      const left = this.#bytes;
      const lane = this.#turns.shift() as Lane | null;
      if (lane === null) this.#takeFrames(this.#ordinary, chunks);
      else this.#takeLane(lane, chunks);
      idleTurns = this.#bytes === left ? idleTurns + 1 : 0;
      if (lane === null || !lane.queue.isEmpty) this.#turns.push(lane);
      else this.#closeLane(lane);
    }
    return chunks;
  }

  /** So many bytes of chunks have arrived. */
  taken(bytes: number): void {
    this.#untakenBytes = Math.max(0, this.#untakenBytes - bytes);
  }

  /** Empties the outbox; gives the envelopes that were not sent, or not wholly. */
  clear(): NodeEnvelope[] {
    const unsent: NodeEnvelope[] = [];
    const waiting = [...this.#ordinary];
    for (const lane of this.#turns) if (lane !== null) waiting.push(...lane.queue);
    waiting.sort((one, other) => one.order - other.order);
    for (const { envelopes } of waiting) unsent.push(...envelopes);
    this.#urgent.length = 0;
    this.#ordinary.clear();
    this.#turns.clear();
    this.#turns.push(null);
    this.#lanes.clear();
    this.#laneCount = 0;
    this.#bytes = 0;
    this.#streams = 0;
    this.#streamBytes = 0;
    this.#untakenBytes = 0;
    this.#nextToBegin = null;
    return unsent;
  }

  #waiting(
    message: Buffer | LargeMessage,
    bytes: number,
    envelopes: readonly NodeEnvelope[],
  ): Waiting {
    this.#bytes += bytes;
    this.#lastOrder += 1;
    return { message, envelopes, order: this.#lastOrder };
  }

  #openLane(target: string | null): Lane {
    const queue = new Fifo<Waiting>();
    const lane = { target, queue, after: this.#lastOrder, stream: 0 };
    if (target !== null) this.#lanes.set(target, lane);
    this.#laneCount += 1;
    this.#turns.push(lane);
    return lane;
  }

  #closeLane(lane: Lane): void {
    if (lane.target !== null) this.#lanes.delete(lane.target);
    this.#laneCount -= 1;
  }

  #takeFrames(queue: Fifo<Waiting>, chunks: Uint8Array[]): void {
    let takenBytes = 0;
    while (takenBytes < chunkBytes) {
      const message = queue.peek()?.message;
      if (message === undefined || message instanceof LargeMessage) break;
      queue.shift();
      chunks.push(message);
      takenBytes += message.length;
    }
    this.#bytes -= takenBytes;
  }

  #takeLane(lane: Lane, chunks: Uint8Array[]): void {
    const first = this.#ordinary.peek();
    if (first !== undefined && first.order <= lane.after) return;
    const message = lane.queue.peek()?.message;
    if (!(message instanceof LargeMessage)) this.#takeFrames(lane.queue, chunks);
    else if (lane.stream !== 0 || this.#begin(lane, message)) {
      this.#takeChunk(lane, message, chunks);
    }
  }

  /** Begins the large message at the head of a lane; false when others must end before. */
  #begin(lane: Lane, { bytes }: LargeMessage): boolean {
    // First come, first served: a very large message must not be passed for ever by smaller ones.
    if (this.#nextToBegin !== null && this.#nextToBegin !== lane) return false;
    const hasRoom =
      this.#streams === 0 ||
      (this.#streams < maxStreams && this.#streamBytes + bytes <= this.#maxStreamBytes);
    this.#nextToBegin = hasRoom ? null : lane;
    if (!hasRoom) return false;
    this.#lastStream = (this.#lastStream % 0xffff_ffff) + 1;
    this.#streams += 1;
    this.#streamBytes += bytes;
    lane.stream = this.#lastStream;
    return true;
  }

  #takeChunk(lane: Lane, message: LargeMessage, chunks: Uint8Array[]): void {
    if (this.#untakenBytes >= chunkWindowBytes) return;
    const { bytes, left } = message;
    const pieces = message.next(chunkBytes);
    const taken = left - message.left;
    const header = Buffer.allocUnsafe(frameHeaderBytes + chunkHeaderBytes);
    writeFrameHeader(header, frameKind.chunk, chunkHeaderBytes + taken);
    header.writeUInt32BE(lane.stream, frameHeaderBytes);
    header.writeUInt32BE(bytes, frameHeaderBytes + 4);
    chunks.push(header, ...pieces);
    this.#bytes -= taken;
    this.#untakenBytes += taken;
    if (message.left > 0) return;
    this.#streams -= 1;
    this.#streamBytes -= bytes;
    lane.stream = 0;
    lane.queue.shift();
  }
}
