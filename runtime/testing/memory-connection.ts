import type { Connection, ConnectionHandler } from "../cluster/index.ts";
import type { Random } from "../core/index.ts";
import type { Cable } from "./cable.ts";

/** What the kernels of both sides hold of one direction; more waits with the sender. */
export const socketBufferBytes: number = 256 * 1_024;

const maxSegmentBytes = 64 * 1_024;

interface Segment {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly isEnd: boolean;
}

const end: Segment = { chunks: [], bytes: 0, isEnd: true };

// The words of the TCP transport.
const resetReason = "the connection was reset";
const peerEnded = "closed by the other side";
const endedHere = "closed by this side";

/**
 * One side of a simulated connection. As with TCP, bytes arrive in order, divided anyhow, or the
 * connection breaks: one that lost bytes delivers nothing more, and is reset when its cable is whole
 * again, as the kernel goes on trying.
 */
export class MemoryConnection implements Connection {
  readonly peer: string;
  readonly #cable: Cable;
  readonly #random: Random;
  readonly #onOver: (connection: MemoryConnection) => void;
  #other: MemoryConnection | null = null;
  #handler: ConnectionHandler | null = null;
  #early: Uint8Array[] = [];
  #isOpen = false;
  #isEnding = false;
  #peerHasEnded = false;
  #closedBy: string | null = null;
  #unsent: Segment[] = [];
  #unsentBytes = 0;
  #travelling: Segment[] = [];
  #travellingBytes = 0;
  #hasGap = false;

  /** `cable` leads from this side to the other; `onOver` is called once. */
  constructor(
    peer: string,
    cable: Cable,
    random: Random,
    onOver: (connection: MemoryConnection) => void,
  ) {
    this.peer = peer;
    this.#cable = cable;
    this.#random = random;
    this.#onOver = onOver;
  }

  get isOver(): boolean {
    return this.#closedBy !== null;
  }

  /** Whether the other side has accepted it. */
  get isAccepted(): boolean {
    return this.#other !== null;
  }

  get bufferedBytes(): number {
    return this.#unsentBytes;
  }

  handle(handler: ConnectionHandler): void {
    const isFirst = this.#handler === null;
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#handler.data(bytes);
    if (isFirst && this.#closedBy !== null) this.#tellClosed();
  }

  write(chunks: readonly Uint8Array[]): void {
    if (this.isOver || this.#isEnding) return;
    for (const segment of segmentsOf(chunks)) this.#push(segment);
    this.#pump();
  }

  end(): void {
    if (this.isOver || this.#isEnding) return;
    this.#isEnding = true;
    if (!this.#isOpen) return;
    this.#push(end);
    this.#pump();
  }

  destroy(): void {
    if (this.isOver) return;
    this.#abandon();
    this.#close(endedHere);
  }

  /** The process of this side is gone: nobody is told here, the other side sees the end. */
  crash(): void {
    if (this.isOver) return;
    this.#handler = null;
    this.#abandon();
    this.#close("crashed");
  }

  /** The dialled side has accepted: `accepted` is its end. */
  meet(accepted: MemoryConnection): void {
    this.#other = accepted;
    accepted.#other = this;
    accepted.#isOpen = true;
  }

  /** The dialling side has heard that it was accepted: what was written by then is sent. */
  open(): void {
    if (this.#isOpen || this.isOver) return;
    this.#isOpen = true;
    if (this.#isEnding) this.#push(end);
    this.#pump();
  }

  /** It broke, or never came about. */
  fail(reason: string): void {
    if (this.isOver) return;
    this.#drop();
    this.#close(reason);
  }

  /** Both sides hear that it broke: this one now, the other as soon as the cable lets it. */
  reset(): void {
    const other = this.#other;
    this.fail(resetReason);
    if (other !== null) this.#cable.carry(() => other.fail(resetReason));
  }

  #push(segment: Segment): void {
    this.#unsent.push(segment);
    this.#unsentBytes += segment.bytes;
  }

  #pump(): void {
    if (!this.#isOpen) return;
    while (this.#travellingBytes < socketBufferBytes) {
      const segment = this.#unsent.shift();
      if (segment === undefined) break;
      this.#unsentBytes -= segment.bytes;
      this.#send(segment);
    }
    if (this.#peerHasEnded && this.#unsent.length === 0) this.#close(peerEnded);
  }

  #send(segment: Segment): void {
    this.#travelling.push(segment);
    this.#travellingBytes += segment.bytes;
    this.#cable.carry(
      () => this.#arrive(),
      () => this.#lose(),
    );
  }

  /** The oldest segment that travels is there, whichever timer says so: order is kept. */
  #arrive(): void {
    const segment = this.#travelling.shift();
    const other = this.#other;
    if (segment === undefined || other === null) return;
    this.#travellingBytes -= segment.bytes;
    if (this.#hasGap || (other.isOver && !segment.isEnd)) {
      this.#retry();
      return;
    }
    if (other.isOver) return;
    if (segment.isEnd) other.#receiveEnd();
    else this.#deliver(segment, other);
    const hadToWait = this.#unsentBytes > 0;
    this.#pump();
    if (hadToWait && this.#unsentBytes === 0) this.#handler?.drained();
  }

  /** Nothing acknowledges what is lost, so that it goes on filling the kernel's buffer. */
  #lose(): void {
    this.#travelling.shift();
    if (this.#hasGap) return;
    this.#hasGap = true;
    this.#cable.whenWhole(() => this.#retry());
  }

  /** The other side does not know what to do with what comes, and says so. */
  #retry(): void {
    const other = this.#other;
    if (other === null) return;
    if (other.isOver) other.#cable.carry(() => this.fail(resetReason));
    else other.reset();
  }

  #deliver(segment: Segment, other: MemoryConnection): void {
    const bytes = concatenate(segment);
    if (this.#cable.takeTear()) {
      other.#receive(bytes.subarray(0, Math.floor(this.#random() * bytes.length)));
      other.reset();
      return;
    }
    const pieces = Math.floor(this.#random() * 3);
    let from = 0;
    for (let n = 0; n < pieces; n += 1) {
      const until = from + Math.floor(this.#random() * (bytes.length - from));
      other.#receive(bytes.subarray(from, until));
      from = until;
    }
    other.#receive(bytes.subarray(from));
  }

  #receive(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.isOver) return;
    this.open();
    if (this.#handler === null) this.#early.push(bytes);
    else this.#handler.data(bytes);
  }

  /** The other side has ended: so does this one, when what it wrote has left. */
  #receiveEnd(): void {
    this.open();
    this.end();
    this.#peerHasEnded = true;
    this.#pump();
  }

  /** As a kernel closes the sockets of a process: what it has goes out, then the end. */
  #abandon(): void {
    this.#drop();
    if (this.#other !== null) this.#send(end);
  }

  #drop(): void {
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#early = [];
  }

  #close(reason: string): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = reason;
    this.#onOver(this);
    // Not within the call that ends it, as a socket's events are not.
    if (this.#handler !== null) queueMicrotask(() => this.#tellClosed());
  }

  #tellClosed(): void {
    this.#handler?.closed(this.#closedBy ?? "");
  }
}

function segmentsOf(chunks: readonly Uint8Array[]): Segment[] {
  const segments: Segment[] = [];
  let open: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (bytes > 0) segments.push({ chunks: open, bytes, isEnd: false });
    open = [];
    bytes = 0;
  };
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + maxSegmentBytes - bytes);
      open.push(part);
      bytes += part.length;
      from += part.length;
      if (bytes === maxSegmentBytes) flush();
    }
  }
  flush();
  return segments;
}

function concatenate({ chunks, bytes }: Segment): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
