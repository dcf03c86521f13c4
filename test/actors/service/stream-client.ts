import { Actor, type Signal } from "#runtime";
import {
  type Executor,
  type ExecutorOptions,
  executorOf,
} from "../../../actors/execution/index.ts";
import type { Response, Streamed } from "../../../actors/request/index.ts";
import { Streams } from "../../../actors/streams/index.ts";
import { alice, strictPolicy } from "./test-client.ts";

/** What has come of one stream. */
interface Taken {
  readonly chunks: unknown[];
  last: Response | null;
  /** Chunks that it still has room for. */
  room: number;
  look: (() => void) | null;
}

/** Takes streams where a session would, as fast as the test lets it. */
export class StreamClient extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #executor: Executor;
  readonly #streams: Streams = new Streams(this.context);
  readonly #taken = new Map<string, Taken>();

  constructor(options: ExecutorOptions = {}) {
    super();
    this.#executor = executorOf(this.context, options);
  }

  /** Opens a stream; the result is the first Response. */
  async open(payload: Record<string, unknown>, room: number): Promise<Response | null> {
    const options = { streams: this.#streams };
    const outcome = await this.#executor.execute(payload, alice, strictPolicy, options);
    const { response, stream } = outcome;
    if (stream === undefined) return response;
    const taken: Taken = { chunks: [], last: null, room, look: null };
    this.#taken.set(stream.requestId, taken);
    stream.start({
      hasRoom: () => taken.room > 0,
      chunk(text) {
        taken.room -= 1;
        taken.chunks.push(JSON.parse(text));
        taken.look?.();
      },
      end(last) {
        taken.last = last;
        taken.look?.();
      },
    });
    return response;
  }

  /** Makes room for more chunks. */
  makeRoom(requestId: string, count: number): void {
    this.#find(requestId).room += count;
    this.#streams.resume();
  }

  /** Resolves when so many chunks have come, or the end. */
  async chunks(requestId: string, count: number): Promise<unknown[]> {
    const taken = this.#find(requestId);
    await new Promise<void>((resolve) => {
      taken.look = () => {
        if (taken.chunks.length >= count || taken.last !== null) resolve();
      };
      taken.look();
    });
    return taken.chunks;
  }

  /** Resolves with the final Response. */
  async last(requestId: string): Promise<Response> {
    await this.chunks(requestId, Number.POSITIVE_INFINITY);
    return this.#find(requestId).last as Response;
  }

  stop(requestId: string): boolean {
    return this.#streams.stop(requestId);
  }

  closeAll(): void {
    this.#streams.closeAll();
  }

  open_streams(): number {
    return this.#streams.size;
  }

  /** Ends without a word to anybody. */
  crash(): never {
    throw new Error("the consumer is to crash");
  }

  streamed(...message: Streamed): void {
    this.#streams.receive(...message);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#streams.terminated(signal.ref);
  }

  #find(requestId: string): Taken {
    const taken = this.#taken.get(requestId);
    if (taken === undefined) throw new Error(`no stream ${requestId}`);
    return taken;
  }
}
