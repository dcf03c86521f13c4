/** Messages that may be on their way in one direction of a link. */
export const linkCapacity = 65_536;
/** Bytes that may be on their way in one direction of a link. */
export const linkCapacityBytes: number = 64 * 1024 * 1024;

const slotsPerSide = 2;
/** The size of the shared memory of a link. */
export const linkMemoryBytes: number = 2 * slotsPerSide * Int32Array.BYTES_PER_ELEMENT;

/**
 * How much is on its way over a link, in memory that both ends share: each end publishes what it
 * has taken, so that the other knows what is under way without asking. Counters wrap; only their
 * differences matter. Bytes are counted in KiB.
 */
export class LinkCounters {
  readonly #taken: Int32Array;
  readonly #mine: number;
  readonly #theirs: number;
  #sent = 0;
  #sentKib = 0;

  /** `side` is 0 at one end and 1 at the other. */
  constructor(memory: SharedArrayBuffer, side: 0 | 1) {
    this.#taken = new Int32Array(memory);
    this.#mine = side * slotsPerSide;
    this.#theirs = (1 - side) * slotsPerSide;
  }

  /** Whether one more message may be sent. */
  get hasRoom(): boolean {
    const messages = (this.#sent - Atomics.load(this.#taken, this.#theirs)) | 0;
    if (messages >= linkCapacity) return false;
    const kib = (this.#sentKib - Atomics.load(this.#taken, this.#theirs + 1)) | 0;
    return kib < linkCapacityBytes / 1024;
  }

  /** Counts a message that is queued for sending. */
  sent(): void {
    this.#sent = (this.#sent + 1) | 0;
  }

  /** Takes back a message that was counted but could not be sent. */
  unsent(): void {
    this.#sent = (this.#sent - 1) | 0;
  }

  /** Counts the bytes of a batch that was posted. */
  sentBytes(bytes: number): void {
    this.#sentKib = (this.#sentKib + toKib(bytes)) | 0;
  }

  /** Publishes what this end has taken. */
  taken(messages: number, bytes: number): void {
    Atomics.add(this.#taken, this.#mine, messages);
    Atomics.add(this.#taken, this.#mine + 1, toKib(bytes));
  }
}

function toKib(bytes: number): number {
  return (bytes + 1023) >> 10;
}
