import { once } from "node:events";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { WebSocket } from "ws";

/** What each connection of a load says and expects. */
export interface LoadProtocol {
  /** Sent once after the connection opens; its answer is awaited before the load begins. */
  readonly join: string | null;
  readonly request: string;
  /** Frames that answer one request. */
  readonly framesPerRequest: number;
}

/** Connections that keep a number of requests in flight each. */
export class Load {
  readonly #sockets: WebSocket[] = [];
  readonly #protocol: LoadProtocol;
  #answered = 0;
  #running = false;

  private constructor(protocol: LoadProtocol) {
    this.#protocol = protocol;
  }

  static async connect(url: string, connections: number, protocol: LoadProtocol): Promise<Load> {
    const load = new Load(protocol);
    for (let i = 0; i < connections; i += 1) {
      const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
      await once(socket, "open");
      if (protocol.join !== null) {
        socket.send(protocol.join);
        const [answer] = await once(socket, "message");
        if (!String(answer).includes('"ok"')) throw new Error(`join refused: ${answer}`);
      }
      load.#sockets.push(socket);
    }
    return load;
  }

  /** Keeps `window` requests in flight on each connection for about `durationMs`. */
  async run(window: number, durationMs: number): Promise<number> {
    this.#answered = 0;
    this.#running = true;
    const endsAt = performance.now() + durationMs;
    const drained = this.#sockets.map((socket) => this.#drive(socket, window, endsAt));
    await Promise.all(drained);
    return this.#answered;
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  #drive(socket: WebSocket, window: number, endsAt: number): Promise<void> {
    const { request, framesPerRequest } = this.#protocol;
    const { _socket: net } = socket as object as { readonly _socket: Socket };
    let isCorked = false;
    const uncork = (): void => {
      isCorked = false;
      net.uncork();
    };
    return new Promise((resolve, reject) => {
      let frames = 0;
      let open = window;
      const onMessage = (): void => {
        frames += 1;
        if (frames % framesPerRequest !== 0) return;
        this.#answered += 1;
        if (this.#answered % 64 === 0) this.#running = performance.now() < endsAt;
        if (this.#running) {
          // What answers one read leaves in one write, as a client in a faster language does.
          if (!isCorked) {
            isCorked = true;
            net.cork();
            process.nextTick(uncork);
          }
          socket.send(request);
        } else {
          open -= 1;
          if (open > 0) return;
          socket.off("message", onMessage);
          socket.off("close", onClose);
          resolve();
        }
      };
      const onClose = (code: number): void => reject(new Error(`closed with ${code} under load`));
      socket.on("message", onMessage);
      socket.on("close", onClose);
      for (let i = 0; i < window; i += 1) socket.send(request);
    });
  }
}
