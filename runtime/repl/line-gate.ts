import { Transform, type TransformCallback } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/**
 * Lets lines through one at a time, the next when what the last one began is done: lines that
 * arrive together, from a pipe, are answered in their order.
 */
export class LineGate extends Transform {
  readonly #idle: () => Promise<void>;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** @param idle resolves when nothing is at work that an earlier line has begun. */
  constructor(idle: () => Promise<void>) {
    super();
    this.#idle = idle;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    this.#pass(lines).then(() => done(), done);
  }

  override _flush(done: TransformCallback): void {
    const last = this.#rest + this.#decoder.end();
    this.#pass(last === "" ? [] : [last]).then(() => done(), done);
  }

  async #pass(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      this.push(`${line}\n`);
      // The reader takes the line in a later turn of the event loop, and evaluates it there.
      await new Promise<void>((resolve) => setImmediate(resolve));
      await this.#idle();
    }
  }
}
