import { WebSocket } from "ws";
import { within } from "./deadline.ts";
import type { Scope } from "./gateway-process.ts";
import type { Frame } from "./wire-client.ts";

/** A client that sends what it is told and keeps what it gets, in its order; it judges nothing. */
export class FrameClient {
  readonly ws: WebSocket;
  readonly #received: Frame[] = [];
  #onFrame: (() => void) | null = null;
  #beats = 0;

  private constructor(url: string) {
    this.ws = new WebSocket(url, { perMessageDeflate: false });
    this.ws.on("message", (data) => {
      this.#received.push(JSON.parse(String(data)));
      this.#onFrame?.();
    });
    this.ws.on("close", () => this.#onFrame?.());
    this.ws.on("error", () => {});
  }

  /** Connects to the gateway at `url`; it is gone with `scope`. */
  static async open(scope: Scope, url: string, query: string): Promise<FrameClient> {
    const client = new FrameClient(`${url}/websocket?${query}`);
    scope.after(() => client.ws.terminate());
    const opened = new Promise<void>((resolve, reject) => {
      client.ws.once("open", resolve);
      client.ws.once("error", reject);
    });
    await within(opened, "a socket opens");
    return client;
  }

  send(frame: Frame | string): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** The next so many frames. */
  async take(count: number): Promise<Frame[]> {
    while (this.#received.length < count) {
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error("the socket is closed");
      const more = new Promise<void>((resolve) => {
        this.#onFrame = resolve;
      });
      const seen = JSON.stringify(this.#received);
      await within(more, `${count} frames; there are ${seen}`);
    }
    return this.#received.splice(0, count);
  }

  /** All frames that are sent before the answer to a heartbeat, which is left out. */
  async rest(): Promise<Frame[]> {
    this.#beats += 1;
    const beat = `beat-${this.#beats}`;
    this.send([null, beat, "phoenix", "heartbeat", {}]);
    const frames: Frame[] = [];
    for (;;) {
      const [frame] = (await this.take(1)) as [Frame];
      if (frame[1] === beat && frame[2] === "phoenix") return frames;
      frames.push(frame);
    }
  }
}
