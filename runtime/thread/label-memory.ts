/** Room for the labels of one thread, bytes. */
export const labelMemoryBytes: number = 256 * 1024;

const headerBytes = Int32Array.BYTES_PER_ELEMENT;
const lengthBytes = 2;
const maxLabelBytes = 200;

/**
 * The labels of a thread in memory that the main thread can read while the thread is stuck: label
 * number n is the n-th text. Written in order and never changed, so that reading needs no lock.
 */
export class LabelMemory {
  readonly #used: Int32Array;
  readonly #bytes: Buffer;
  #full = false;

  constructor(memory: SharedArrayBuffer) {
    this.#used = new Int32Array(memory, 0, 1);
    this.#bytes = Buffer.from(memory, headerBytes);
  }

  /** Adds the next label; from the first on that does not fit, all are left out. */
  append(label: string): void {
    const text = Buffer.from(label).subarray(0, maxLabelBytes);
    const used = Atomics.load(this.#used, 0);
    // A shorter one that still fits would be taken for the one that was left out.
    this.#full ||= used + lengthBytes + text.length > this.#bytes.length;
    if (this.#full) return;
    this.#bytes.writeUInt16LE(text.length, used);
    text.copy(this.#bytes, used + lengthBytes);
    Atomics.store(this.#used, 0, used + lengthBytes + text.length);
  }

  /** The label of a number; undefined for number 0 and for one that was never added. */
  read(number: number): string | undefined {
    const used = Atomics.load(this.#used, 0);
    let at = 0;
    for (let n = 1; at < used; n += 1) {
      const length = this.#bytes.readUInt16LE(at);
      const start = at + lengthBytes;
      if (n === number) return this.#bytes.toString("utf8", start, start + length);
      at = start + length;
    }
    return undefined;
  }
}
