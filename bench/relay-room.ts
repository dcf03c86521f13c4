import { performance } from "node:perf_hooks";
import { marker } from "./relay-message.ts";
import type { RelayProtocol } from "./relay-protocols.ts";
import { encodeText, RelaySocket } from "./relay-socket.ts";

/** Connections that are opened at once. */
const opening = 50;
const ping = "2";
const pong: Buffer = encodeText("3");

/** When the sender stops: after so long, or so many messages. */
export interface RunUntil {
  readonly durationMs?: number;
  readonly messages?: number;
}

/**
 * The members of a group, one of whom sends. A message is in flight until all of them have it, and
 * each has to get all of them in their order: what comes otherwise makes the run fail.
 */
export class RelayRoom {
  readonly #sockets: RelaySocket[] = [];
  readonly #protocol: RelayProtocol;
  readonly #request: Buffer;
  #deliveries = 0;
  #onDelivery: () => void = () => {};
  #failed: PromiseWithResolvers<never> = Promise.withResolvers();

  constructor(protocol: RelayProtocol) {
    this.#protocol = protocol;
    this.#request = encodeText(protocol.request);
    this.#failed.promise.catch(() => {});
  }

  /** Opens and joins so many connections, the sender first. */
  async connect(port: number, count: number): Promise<void> {
    await this.#join(port, 0);
    for (let first = 1; first < count; first += opening) {
      const indexes = Array.from({ length: Math.min(opening, count - first) }, (_, i) => first + i);
      await Promise.all(indexes.map((index) => this.#join(port, index)));
    }
  }

  /** Keeps `window` messages in flight. Resolves with the deliveries, when all have arrived. */
  async run(
    window: number,
    { durationMs = Infinity, messages = Infinity }: RunUntil,
  ): Promise<number> {
    const [sender] = this.#sockets;
    const members = this.#sockets.length;
    const endsAt = performance.now() + durationMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    let sent = 0;
    this.#deliveries = 0;
    const send = (): void => {
      sent += 1;
      sender?.send(this.#request);
    };
    this.#onDelivery = () => {
      if (this.#deliveries % members !== 0) return;
      if (sent < messages && performance.now() < endsAt) send();
      else if (this.#deliveries === sent * members) resolve();
    };
    while (sent < Math.min(window, messages)) send();
    await Promise.race([promise, this.#failed.promise]);
    return this.#deliveries;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async #join(port: number, index: number): Promise<void> {
    const { path, hello, joined } = this.#protocol;
    const socket = await RelaySocket.open(port, path(index));
    const answered = Promise.withResolvers<void>();
    socket.onEnd = (why) => answered.reject(new Error(why));
    socket.onText = (text) => {
      if (text.includes(joined)) answered.resolve();
      else if (text.includes('"error"')) answered.reject(new Error(`join refused: ${text}`));
    };
    if (hello === null) answered.resolve();
    else socket.send(encodeText(hello));
    await answered.promise;
    this.#listen(socket, index);
    this.#sockets.push(socket);
  }

  #listen(socket: RelaySocket, index: number): void {
    let last: number | null = null;
    socket.onEnd = (why) => this.#failed.reject(new Error(`connection ${index}: ${why}`));
    socket.onText = (text) => {
      if (!text.includes(marker)) {
        if (text.length === 1 && text.toString() === ping) socket.send(pong);
        return;
      }
      const offset = parseOffset(text);
      if (last !== null && offset !== last + 1) {
        this.#failed.reject(new Error(`connection ${index} got ${offset} after ${last}`));
      }
      last = offset;
      this.#deliveries += 1;
      this.#onDelivery();
    };
  }
}

const offsetKey = '"offset":';

/** The offset that stands behind the last `"offset":`. */
function parseOffset(text: Buffer): number {
  let offset = 0;
  for (let at = text.lastIndexOf(offsetKey) + offsetKey.length; ; at += 1) {
    const digit = (text[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return offset;
    offset = offset * 10 + digit;
  }
}
