import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Scope } from "../gateway-process.ts";
import { resetSocket } from "../reset-socket.ts";

/** The line between a client and a port of this machine: a port of its own, that can be cut. */
export class CuttableLine {
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  /** Connections that were made while it was cut: each was reset at once. */
  refused = 0;

  private constructor(server: Server, targetPort: number) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#targetPort = targetPort;
    server.on("connection", (near: Socket) => this.#take(near));
  }

  /** Listens on a free port; closes with `scope`. */
  static async to(targetPort: number, scope: Scope): Promise<CuttableLine> {
    const server = createServer({ noDelay: true });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const line = new CuttableLine(server, targetPort);
    scope.after(() => line.#close());
    return line;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Resets the connections that stand, and every one to come, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of [...this.#sockets]) resetSocket(socket);
  }

  mend(): void {
    this.#isCut = false;
  }

  #take(near: Socket): void {
    if (this.#isCut) {
      this.refused += 1;
      resetSocket(near);
      return;
    }
    const far = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  async #close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }
}
