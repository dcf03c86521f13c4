import type { Connection, Listener, ListenPlace, Transport } from "../cluster/index.ts";
import { type Clock, type Random, TroupeError } from "../core/index.ts";
import { Cable, type CableDelay, type CableState } from "./cable.ts";
import { MemoryConnection } from "./memory-connection.ts";

/** How long until a way to another node is tried again when the first knock was lost. */
const knockAgainMs = 1_000;

const firstFreePort = 49_152;

interface Listening {
  readonly node: string;
  readonly shared: boolean;
  readonly onConnection: (connection: Connection) => void;
}

/**
 * A network of nodes in one process, for tests: each way from one node to another can be cut, held,
 * delayed and torn on its own. Everything that it does happens on the clock that it is given, and
 * by the chance that it is given: with a manual clock and a seed the same faults do the same.
 */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #delay: CableDelay;
  readonly #nodes = new Map<string, string>();
  readonly #cables = new Map<string, Cable>();
  readonly #listening = new Map<string, Listening[]>();
  readonly #connections = new Map<
    MemoryConnection,
    { readonly from: string; readonly to: string }
  >();
  #lastPort = firstFreePort - 1;

  /** `delay` is that of every way that is given no other; default 1 ms. */
  constructor(clock: Clock, random: Random, delay: CableDelay = { latencyMs: 1, jitterMs: 0 }) {
    this.#clock = clock;
    this.#random = random;
    this.#delay = delay;
  }

  /** How one node, `name@host:port`, gets at the others. */
  transport(node: string): Transport {
    this.#nodes.set(node.slice(node.indexOf("@") + 1), node);
    return {
      dial: (host, port) => this.#dial(node, host, port),
      listen: async (place, onConnection) => this.#listen(node, place, onConnection),
    };
  }

  /** Sides of connections that are not over yet. */
  get openSides(): number {
    return this.#connections.size;
  }

  /** Sets what happens to what `from` sends to `to`: one direction only. */
  set(from: string, to: string, state: CableState): void {
    this.#cable(from, to).state = state;
  }

  /** The same for both directions. */
  setBoth(one: string, other: string, state: CableState): void {
    this.set(one, other, state);
    this.set(other, one, state);
  }

  /** How long what `from` sends to `to` takes from now on. */
  setDelay(from: string, to: string, delay: CableDelay): void {
    this.#cable(from, to).delay = delay;
  }

  /** Of the next bytes that `from` sends to `to` only a part arrives, then their connection breaks. */
  tear(from: string, to: string): void {
    this.#cable(from, to).tearsNext = true;
  }

  /** Resets every connection between two nodes. */
  drop(one: string, other: string): void {
    for (const [connection, { from, to }] of [...this.#connections]) {
      if (from === one && to === other) connection.reset();
    }
  }

  /** Makes every way whole, at once and without a delay of its own. */
  heal(): void {
    for (const cable of this.#cables.values()) {
      cable.tearsNext = false;
      cable.delay = this.#delay;
      cable.state = "whole";
    }
  }

  /** The process of a node is gone, and all that it had open. Nobody there hears of it. */
  crash(node: string): void {
    for (const [place, listening] of this.#listening) {
      this.#listening.set(
        place,
        listening.filter((it) => it.node !== node),
      );
    }
    for (const [connection, { from }] of [...this.#connections]) {
      if (from === node) connection.crash();
    }
  }

  async #listen(
    node: string,
    { host, port, shared }: ListenPlace,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const chosen = port === 0 ? this.#freePort() : port;
    const place = `${host}:${chosen}`;
    const present = this.#listening.get(place) ?? [];
    if (present.length > 0 && !(shared && present.every((it) => it.shared))) {
      throw new TroupeError("port_taken", `${place} is taken`);
    }
    const own: Listening = { node, shared, onConnection };
    this.#listening.set(place, [...present, own]);
    return {
      port: chosen,
      close: async () => {
        const left = this.#listening.get(place) ?? [];
        this.#listening.set(
          place,
          left.filter((it) => it !== own),
        );
      },
    };
  }

  #freePort(): number {
    this.#lastPort += 1;
    return this.#lastPort;
  }

  #dial(from: string, host: string, port: number): Connection {
    const place = `${host}:${port}`;
    const to = this.#nodeAt(place);
    const connection = this.#side(from, to, place);
    this.#knock(connection, place, this.#cable(from, to), this.#cable(to, from));
    return connection;
  }

  /** Asks to be let in, again and again until it is heard, as TCP does. */
  #knock(connection: MemoryConnection, place: string, there: Cable, back: Cable): void {
    const again = (): void => {
      this.#clock.after(knockAgainMs, () => {
        if (!connection.isOver) this.#knock(connection, place, there, back);
      });
    };
    const opened = (): void => connection.open();
    const knocked = (): void => {
      if (connection.isOver) return;
      if (!connection.isAccepted && !this.#accept(connection, place)) {
        back.carry(() => connection.fail("nobody listens there"), again);
        return;
      }
      back.carry(opened, again);
    };
    there.carry(knocked, again);
  }

  #accept(dialled: MemoryConnection, place: string): boolean {
    const listening = this.#listening.get(place) ?? [];
    const taker = listening[Math.floor(this.#random() * listening.length)];
    const sides = this.#connections.get(dialled);
    if (taker === undefined || sides === undefined) return false;
    const accepted = this.#side(taker.node, sides.from, `${sides.from}#${this.#freePort()}`);
    dialled.meet(accepted);
    taker.onConnection(accepted);
    return true;
  }

  #side(from: string, to: string, peer: string): MemoryConnection {
    const side = new MemoryConnection(peer, this.#cable(from, to), this.#random, (it) =>
      this.#connections.delete(it),
    );
    this.#connections.set(side, { from, to });
    return side;
  }

  /** The node that a place belongs to, whether it listens or not. */
  #nodeAt(place: string): string {
    return this.#nodes.get(place) ?? this.#listening.get(place)?.[0]?.node ?? place;
  }

  #cable(from: string, to: string): Cable {
    const key = `${from} ${to}`;
    const present = this.#cables.get(key);
    if (present !== undefined) return present;
    const cable = new Cable(this.#clock, this.#random, this.#delay);
    this.#cables.set(key, cable);
    return cable;
  }
}
