import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Scope } from "../gateway-process.ts";
import { type Fault, type Flow, ProxiedConnection } from "./proxied-connection.ts";

/** Which connections, and which of their directions, a fault is for. */
export interface FaultPlace {
  /** The node that dialled, by the beginning of its name; default any. */
  readonly from?: string;
  /** `in`: what the dialling node sends; `out`: what it gets; default both. */
  readonly flow?: Flow;
}

interface PlacedFault {
  readonly place: FaultPlace;
  readonly fault: Fault;
}

/**
 * A port on this machine that stands before a node's own: other nodes know it as the node's, and
 * what goes through it has the faults that it is told to have. A fault holds for connections that
 * stand and for those to come, until `heal`.
 */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  /** Where the node really listens. */
  targetPort = 0;
  #faults: PlacedFault[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (near: Socket) => this.#take(near));
  }

  /** Listens on a free port; closes with `scope`. */
  static async open(scope: Scope): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const proxy = new FaultProxy(server);
    scope.after(() => proxy.#close());
    return proxy;
  }

  /** How many connections go through it now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Bytes vanish; sockets stay open. A connection that lost some is reset by the healing. */
  cut(place: FaultPlace = {}): void {
    this.#add(place, { type: "cut" });
  }

  /** Bytes wait, as when TCP sends again what got lost, until the healing. */
  hold(place: FaultPlace = {}): void {
    this.#add(place, { type: "hold" });
  }

  /** Bytes come so much later. */
  delay(delayMs: number, place: FaultPlace = {}): void {
    this.#add(place, { type: "delay", delayMs });
  }

  /** Of the next bytes a part arrives, then nothing: with `breaks` the connection is reset. */
  tear(breaks: boolean, place: FaultPlace = {}): void {
    this.#add(place, { type: "tear", breaks });
  }

  /** Resets the connections that stand. */
  drop(from = ""): void {
    for (const connection of [...this.#connections]) {
      if (connection.dialler.startsWith(from)) connection.reset();
    }
  }

  /** Ends every fault. */
  heal(): void {
    this.#faults = [];
    for (const connection of this.#connections) connection.heal();
  }

  #add(place: FaultPlace, fault: Fault): void {
    const placed = { place, fault };
    this.#faults.push(placed);
    for (const connection of this.#connections) apply(placed, connection);
  }

  #take(near: Socket): void {
    const connection = new ProxiedConnection(near, this.targetPort, {
      known: () => {
        for (const placed of this.#faults) apply(placed, connection);
      },
      over: () => void this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    // A fault for everybody does not wait until the dialler has said its name.
    for (const placed of this.#faults) apply(placed, connection);
  }

  async #close(): Promise<void> {
    this.#server.close();
    for (const connection of [...this.#connections]) connection.reset();
    await once(this.#server, "close");
  }
}

function apply({ place, fault }: PlacedFault, connection: ProxiedConnection): void {
  const { from = "", flow } = place;
  if (!connection.dialler.startsWith(from)) return;
  for (const one of flow === undefined ? (["in", "out"] as const) : [flow]) {
    connection.set(one, fault);
  }
}
