import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIPv6, type Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type Server as UpgradeServer, WebSocketServer } from "ws";
import { Actor, type ActorContext, isOrderlyExit, type Signal } from "#runtime";
import { Admission, type Identity, type Refusal } from "./admission.ts";
import type { AcceptorConfig } from "./channel-config.ts";
import type { Codec } from "./codec.ts";
import type { StartGroups } from "./desk-link.ts";
import { Expiries } from "./expiries.ts";
import { listen, listenShared } from "./listener.ts";
import type { ExecutorPort } from "./session.ts";
import { closeCodes, type Socket } from "./socket.ts";
import { Connection, Sockets } from "./sockets.ts";
import { selectSubprotocol } from "./token.ts";
import { decideUpgrade, refuseUpgrade } from "./upgrade.ts";

/** What an acceptor is given by the gateway that it is part of. */
export interface AcceptorPorts {
  /** Makes what executes the requests of its sessions. */
  readonly executorOf: (context: ActorContext) => ExecutorPort;
  /** Answers the HTTP requests that do not become sockets. */
  readonly answerHttp: (
    request: IncomingMessage,
    response: ServerResponse,
    context: ActorContext,
  ) => void;
  /** Starts what takes the messages of groups to its channels, for as long as it lives; null: none. */
  readonly startGroups: StartGroups | null;
}

/** Where an acceptor listens. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What an acceptor has to do with, for operators and tests. */
export interface AcceptorStatistics {
  readonly sockets: number;
  readonly sessions: number;
  /** Requests in progress. */
  readonly inFlight: number;
}

/** The beginning of the name of each acceptor. */
export const acceptorPrefix = "acceptor-";

/** What the acceptors of a thread have opened, by kernel and name: a killed one closes nothing. */
const opened = new WeakMap<object, Map<string, () => void>>();

/** Time that the closing handshake of a socket may take. */
const closeTimeoutMs = 5_000;
/** Time in which a request's headers must be there. */
const headersTimeoutMs = 10_000;
/** How often sockets are looked for whose tokens have expired. */
const expiryCheckMs = 1_000;
/** Time in which what is given up by a stop is answered; within the margin of its supervisor. */
const giveUpMs = 200;

/**
 * Accepts the HTTP requests and WebSockets of one thread, on the port that the acceptors of all
 * threads share; it has been claimed before the first of them starts. The sessions of its sockets'
 * channels are its children. It is to be spawned under {@link acceptorPrefix} and a number from 1.
 *
 * `init` fails with `port_taken` or `cannot_listen` when it cannot listen, with `load_failed` when
 * there is no such connect handler or JWKS file. When it stops it first drains: no new connection, no frame is
 * read, requests in progress have `drainMs` to finish. What has not, and all streams, end with a
 * `cancelled` Response, then sockets close with 1001.
 */
export class ChannelAcceptor extends Actor {
  readonly #config: AcceptorConfig;
  readonly #ports: AcceptorPorts;
  readonly #server: Server;
  readonly #upgrades: UpgradeServer<typeof Connection>;
  #sockets: Sockets | null = null;
  #admission: Admission | null = null;
  readonly #expiries = new Expiries<Socket>();
  #drained: Promise<void> | null = null;

  constructor(config: AcceptorConfig, ports: AcceptorPorts) {
    super();
    this.#config = config;
    this.#ports = ports;
    this.#server = createServer(
      { headersTimeout: headersTimeoutMs, shouldUpgradeCallback: wantsWebSocket },
      (request, response) => this.#ports.answerHttp(request, response, this.context),
    );
    this.#server.on("upgrade", this.#onUpgrade);
    this.#upgrades = new WebSocketServer({
      noServer: true,
      WebSocket: Connection,
      clientTracking: false,
      perMessageDeflate: false,
      allowSynchronousEvents: true,
      maxPayload: config.maxFrameBytes,
      handleProtocols: (offered) => selectSubprotocol(offered) ?? false,
      ...{ closeTimeout: closeTimeoutMs },
    });
  }

  protected override async init(): Promise<void> {
    this.#replacePredecessor();
    const config = this.#config;
    this.#admission = await Admission.open(this.context, config, this.#index());
    if (config.auth.jwt !== null) this.context.every(expiryCheckMs, () => this.#expire());
    const { executorOf, startGroups } = this.#ports;
    this.#sockets = new Sockets(this.context, executorOf(this.context), config, startGroups);
    await this.#sockets.openGroups();
    await this.#listen();
  }

  /** Where clients find it. */
  address(): ListenAddress {
    return { host: this.#config.host, port: this.#config.port };
  }

  /** Begins to drain; stopping it later waits until that is done. */
  drain(): void {
    void this.#drain();
  }

  /** What it has to do with now. */
  statistics(): AcceptorStatistics {
    const { size = 0, sessions = 0, inFlight = 0 } = this.#sockets ?? {};
    return { sockets: size, sessions, inFlight };
  }

  /**
   * Stops the streams of a request, whoever its clients are: each ends with a `cancelled` Response.
   * Resolves with how many there were.
   */
  stopStream(requestId: string): Promise<number> | number {
    return this.#sockets?.stopStream(requestId) ?? 0;
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated" || !signal.child) return;
    this.#sockets?.childEnded(signal.ref, !isOrderlyExit(signal.reason));
  }

  protected override async stopChildren(): Promise<void> {
    await this.#drain();
  }

  protected override async terminate(): Promise<void> {
    await this.#drain();
    this.#close();
  }

  /** Closes what an acceptor of this name on this thread has left open, if it was killed. */
  #replacePredecessor(): void {
    const { sender } = this.self;
    const name = this.context.name ?? acceptorPrefix;
    const byName = opened.get(sender) ?? new Map();
    byName.get(name)?.();
    opened.set(
      sender,
      byName.set(name, () => this.#close()),
    );
  }

  /** Its place among the acceptors of the node. */
  #index(): number {
    const number = Number(this.context.name?.slice(acceptorPrefix.length));
    return Number.isInteger(number) && number > 0 ? number - 1 : 0;
  }

  #close(): void {
    this.#drained ??= Promise.resolve();
    this.#server.close();
    this.#sockets?.closeAll();
    this.#upgrades.close();
    this.#server.closeAllConnections();
    this.#admission?.close();
  }

  #drain(): Promise<void> {
    this.#drained ??= this.#stopAccepting();
    return this.#drained;
  }

  async #stopAccepting(): Promise<void> {
    this.#server.close();
    await this.#sockets?.drain(this.#config.drainMs);
    // Only now: no call has to wait for a stream, and a stream has the time that the calls take.
    await this.#sockets?.giveUp(giveUpMs);
    this.#sockets?.closeAll();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#config;
    if (await listenShared(this.#server, host, port)) return;
    // The platform cannot share a port: the first thread serves, the others stand by.
    if (this.context.thread <= 1) await listen(this.#server, { host, port });
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const admission = this.#admission;
    if (this.#drained !== null || admission === null) {
      refuseUpgrade(socket, 503, "shutting down");
      return;
    }
    const net = socket as NetSocket;
    const ipAddress = plainAddress(net.remoteAddress);
    const decision = decideUpgrade(request.url ?? "/", request.headers, ipAddress);
    if (!decision.ok) {
      refuseUpgrade(socket, decision.status, decision.reason);
      return;
    }
    const entered = admission.enter(request.headers, ipAddress);
    if (!entered.ok) {
      refuseUpgrade(socket, entered.status, entered.reason);
      return;
    }
    net.once("close", entered.leave);
    const upgrade: Upgrade = { request, net, head, codec: decision.codec };
    const identity = admission.identify(decision.request);
    if (identity instanceof Promise) void this.#wait(upgrade, identity);
    else this.#settle(upgrade, identity);
  };

  async #wait(upgrade: Upgrade, identity: Promise<Identity | Refusal>): Promise<void> {
    const { net } = upgrade;
    const hangUp = (): void => {
      net.destroy();
    };
    net.on("error", hangUp);
    const found = await identity;
    net.removeListener("error", hangUp);
    this.#settle(upgrade, found);
  }

  #settle({ request, net, head, codec }: Upgrade, identity: Identity | Refusal): void {
    if (!identity.ok) refuseUpgrade(net, identity.status, identity.reason);
    else if (this.#drained !== null) refuseUpgrade(net, 503, "shutting down");
    else {
      const { caller, expiresAt } = identity;
      this.#upgrades.handleUpgrade(request, net, head, (ws) => {
        const socket = this.#sockets?.add(ws, net, codec, caller);
        if (socket === undefined || expiresAt === null) return;
        net.once("close", this.#expiries.add(socket, expiresAt));
      });
    }
  }

  #expire(): void {
    for (const socket of this.#expiries.take(this.context.clock.wallTime())) {
      socket.close(closeCodes.policy, "token expired");
    }
  }
}

/** A request that may become a socket. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly net: NetSocket;
  readonly head: Buffer;
  readonly codec: Codec;
}

function wantsWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

/** An IPv4 client of a socket that listens on IPv6 is an IPv4 client. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null;
  return address.startsWith("::ffff:") && isIPv6(address) ? address.slice(7) : address;
}
