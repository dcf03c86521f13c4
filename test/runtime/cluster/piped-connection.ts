import type { Connection, ConnectionHandler } from "../../../runtime/cluster/index.ts";
import type { Clock } from "../../../runtime/core/index.ts";

/** One side of a connection whose other side is in the same test; how fast bytes pass is up to it. */
export class PipedConnection implements Connection {
  readonly peer: string;
  /** How many bytes a millisecond takes along; Infinity: they pass at once. */
  bytesPerMs: number = Number.POSITIVE_INFINITY;
  /** How often `write` was called. */
  writes = 0;
  /** The most that ever waited, bytes. */
  mostBuffered = 0;
  isOver = false;
  readonly #clock: Clock;
  readonly #queue: Uint8Array[] = [];
  #bufferedBytes = 0;
  #other: PipedConnection | null = null;
  #handler: ConnectionHandler | null = null;
  #ending = false;
  #moving = false;

  constructor(peer: string, clock: Clock) {
    this.peer = peer;
    this.#clock = clock;
  }

  /** Two sides that are connected. */
  static pair(clock: Clock): [PipedConnection, PipedConnection] {
    const one = new PipedConnection("two:1", clock);
    const two = new PipedConnection("one:1", clock);
    one.#other = two;
    two.#other = one;
    return [one, two];
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  write(chunks: readonly Uint8Array[]): void {
    if (this.isOver || this.#ending) return;
    this.writes += 1;
    for (const chunk of chunks) this.#bufferedBytes += chunk.length;
    this.mostBuffered = Math.max(this.mostBuffered, this.#bufferedBytes);
    this.#queue.push(...chunks);
    this.#move();
  }

  end(): void {
    this.#ending = true;
    this.#move();
  }

  destroy(): void {
    this.#close("closed by this side");
    this.#other?.ended();
  }

  /** Hands bytes to the handler of this side, as if the other had sent them. */
  receive(bytes: Uint8Array): void {
    if (!this.isOver) this.#handler?.data(bytes);
  }

  /** The other side has ended it. */
  ended(): void {
    this.#close("closed by the other side");
  }

  #move(): void {
    if (this.#moving || this.isOver || this.bytesPerMs === 0) return;
    let left = this.bytesPerMs;
    let hadToWait = left < this.#bufferedBytes;
    // What is taken may be answered at once, and the answer lets more be written.
    this.#moving = true;
    while (left > 0 && this.#queue.length > 0) {
      const chunk = this.#queue.shift() as Uint8Array;
      const passed = chunk.subarray(0, Math.min(chunk.length, left));
      if (passed.length < chunk.length) this.#queue.unshift(chunk.subarray(passed.length));
      left -= passed.length;
      this.#bufferedBytes -= passed.length;
      this.#other?.receive(passed);
      if (this.isOver) return;
    }
    hadToWait ||= this.#queue.length > 0;
    this.#moving = hadToWait;
    if (hadToWait) {
      this.#clock.after(1, () => {
        this.#moving = false;
        const waited = this.#bufferedBytes > 0;
        this.#move();
        if (waited && this.#bufferedBytes === 0) this.#handler?.drained();
      });
    } else if (this.#ending && this.#queue.length === 0) {
      this.destroy();
    }
  }

  #close(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#queue.length = 0;
    this.#bufferedBytes = 0;
    this.#handler?.closed(reason);
  }
}
