import type { ActorRef, Kernel, LinkLoad, NodeRoutes, Route, Spawns } from "../actor/index.ts";
import { TroupeError, toErrorRecord } from "../core/index.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { type ClusterFace, clusterId } from "./cluster-face.ts";
import { acceptSession, openSession, type Session } from "./greeting.ts";
import { Inbound } from "./inbound.ts";
import { type LinkListener, NodeLink } from "./node-link.ts";
import { parseNodeName } from "./node-name.ts";
import type { Connection, Listener, Transport } from "./transport.ts";

/** A node that does not answer in this time is tried again: it may be reachable by then. */
const dialTimeoutMs = 2_000;
/** After a dial that came to nothing, this thread waits so long before the next one to that node. */
const redialMs = 250;
/** So many connections may be at their handshake: the one that has taken longest goes for a new one. */
const maxHandshakes = 256;

/**
 * What one thread has to do with other nodes: the connections that it has opened, one for each node
 * that its actors send to, and those that it has accepted.
 */
export class ClusterThread implements NodeRoutes {
  readonly #kernel: Kernel;
  readonly #config: ClusterConfig;
  readonly #transport: Transport;
  readonly #incarnation: number;
  readonly #links = new Map<string, NodeLink>();
  readonly #inbound = new Set<Inbound>();
  readonly #handshakes = new Set<Connection>();
  /** Until when a node is left alone after a dial that failed. */
  readonly #failedUntil = new Map<string, number>();
  #listener: Listener | null = null;
  #isClosed = false;

  /** `incarnation` is that of the node. */
  constructor(kernel: Kernel, config: ClusterConfig, incarnation: number, transport: Transport) {
    this.#kernel = kernel;
    this.#incarnation = incarnation;
    this.#config = config;
    this.#transport = transport;
    kernel.routes.nodes = this;
    kernel.nodes.onChange(({ type, node }) => {
      if (type === "node_down") this.drop(node.name, "the node is down");
      else if (type === "node_up") this.#failedUntil.delete(node.name);
    });
  }

  /** Accepts the connections of other nodes; resolves with the port. */
  async listen(shared: boolean): Promise<number> {
    const { host, port } = this.#config.listen;
    const place = { host, port, shared };
    this.#listener = await this.#transport.listen(place, (connection) => this.#accept(connection));
    return this.#listener.port;
  }

  /** Opens this thread's connection to a node, whether it is known to be up or not. */
  dial(name: string, listener: LinkListener): NodeLink {
    const { host, port } = parseNodeName(name);
    const connection = this.#transport.dial(host, port);
    const { clock } = this.#kernel;
    const session = openSession(connection, this.#credentials(), name, clock, dialTimeoutMs);
    const link = new NodeLink(this.#kernel, name, connection, session, this.#config, {
      up: (peer) => listener.up(peer),
      down: (reason, orderly) => {
        this.#forget(link);
        listener.down(reason, orderly);
      },
      failed: (reason) => {
        this.#forget(link);
        listener.failed(reason);
      },
    });
    this.#links.set(name, link);
    return link;
  }

  to(node: string): Route | undefined {
    const link = this.#links.get(node);
    if (link !== undefined) return link;
    const row = this.#kernel.nodes.get(node);
    if (row === undefined || row.isSelf || this.#isClosed) return undefined;
    const { clock } = this.#kernel;
    if (clock.now() < (this.#failedUntil.get(node) ?? 0)) return undefined;
    return this.dial(node, {
      up: (peer) => {
        // It was started anew: what this thread knows of it is of its life before.
        if (peer.incarnation !== row.incarnation) this.drop(node, "the node was started anew");
      },
      down: () => {},
      failed: () => this.#failedUntil.set(node, clock.now() + redialMs),
    });
  }

  async spawner(node: string, timeoutMs: number): Promise<ActorRef<Spawns>> {
    this.to(node);
    const link = this.#links.get(node);
    if (link !== undefined) return link.spawner(timeoutMs);
    throw new TroupeError("unreachable", `node: ${node} is not connected`);
  }

  /** Closes this thread's connection to a node. */
  drop(node: string, reason: string): void {
    this.#links.get(node)?.close(reason);
  }

  /** The connections, for inspection. */
  loads(): { readonly load: LinkLoad }[] {
    return [...this.#links.values(), ...this.#inbound];
  }

  /** How many connections this thread has opened and accepted. */
  get connections(): { readonly opened: number; readonly accepted: number } {
    return { opened: this.#links.size, accepted: this.#inbound.size };
  }

  /** Says goodbye to all, and accepts nobody any more. */
  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    await this.#listener?.close();
    for (const connection of this.#handshakes) connection.destroy();
    for (const link of [...this.#links.values()]) link.close(reason);
    for (const inbound of [...this.#inbound]) inbound.close(reason);
  }

  #forget(link: NodeLink): void {
    if (this.#links.get(link.node) === link) this.#links.delete(link.node);
  }

  #accept(connection: Connection): void {
    if (this.#isClosed) {
      connection.destroy();
      return;
    }
    // A node is done in a moment: who sits there and says nothing must not keep it out.
    const [longest] = this.#handshakes;
    if (longest !== undefined && this.#handshakes.size >= maxHandshakes) {
      longest.destroy();
      this.#refuse(longest, "refused", `${maxHandshakes} others are at their handshake`);
    }
    this.#handshakes.add(connection);
    acceptSession(connection, this.#credentials(), this.#kernel.clock).then(
      (session) => this.#accepted(connection, session),
      (error) => {
        const { code, message } = toErrorRecord(error);
        this.#refuse(connection, code, message);
      },
    );
  }

  #accepted(connection: Connection, session: Session): void {
    if (!this.#handshakes.delete(connection) || this.#isClosed) {
      connection.destroy();
      return;
    }
    const { peer } = session;
    // A thread has one connection: the other one is dead, and its end has not been heard of yet.
    for (const earlier of [...this.#inbound]) {
      if (isSame(earlier.peer, peer)) earlier.drop("the node has connected anew");
    }
    const inbound = new Inbound(this.#kernel, connection, session, this.#config, () => {
      this.#inbound.delete(inbound);
    });
    this.#inbound.add(inbound);
    if (peer.thread !== 0) return;
    const { name, incarnation, cluster, roles } = peer;
    const seen = { name, incarnation, cluster, roles };
    this.#kernel.runtimeActor<ClusterFace>(clusterId).tell.seen(seen);
  }

  #refuse(connection: Connection, code: string, why: string): void {
    if (!this.#handshakes.delete(connection) || this.#isClosed) return;
    this.#kernel.runtimeActor<ClusterFace>(clusterId).tell.refused(connection.peer, code, why);
  }

  #credentials(): Parameters<typeof acceptSession>[1] {
    const { name, cluster, roles, cookie } = this.#config;
    const { thread } = this.#kernel;
    const identity = { name, incarnation: this.#incarnation, cluster, roles, thread };
    return { identity, cookie };
  }
}

function isSame(one: Session["peer"], other: Session["peer"]): boolean {
  return (
    one.name === other.name && one.thread === other.thread && one.incarnation === other.incarnation
  );
}
