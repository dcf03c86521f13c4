import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIPv6, type Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type Server as UpgradeServer, WebSocketServer } from "ws";
import { Actor, type ActorContext, isOrderlyExit, type Signal, toErrorRecord } from "#runtime";
import type { Caller } from "../execution/index.ts";
import { anonymousCaller, parseAssigns } from "./assigns.ts";
import type { AcceptorConfig } from "./channel-config.ts";
import type { Codec } from "./codec.ts";
import {
  type ConnectHandler,
  type ConnectRequest,
  loadConnectHandler,
  runConnectHandler,
} from "./connect.ts";
import { listen, listenShared } from "./listener.ts";
import type { ExecutorPort } from "./session.ts";
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

/**
 * Accepts the HTTP requests and WebSockets of one thread, on the port that the acceptors of all
 * threads share; it has been claimed before the first of them starts. The sessions of its sockets'
 * channels are its children. It is to be spawned under a name that begins with
 * {@link acceptorPrefix}.
 *
 * `init` fails with `port_taken` or `cannot_listen` when it cannot listen, with `load_failed` when
 * there is no such connect handler. When it stops it first drains: no new connection, no frame is
 * read, requests in progress have `drainMs` to finish, then sockets close with 1001.
 */
export class ChannelAcceptor extends Actor {
  readonly #config: AcceptorConfig;
  readonly #ports: AcceptorPorts;
  readonly #server: Server;
  readonly #upgrades: UpgradeServer<typeof Connection>;
  #sockets: Sockets | null = null;
  #connect: ConnectHandler | null = null;
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
    const { connect } = this.#config;
    this.#connect = connect === null ? null : await loadConnectHandler(connect);
    this.#sockets = new Sockets(this.context, this.#ports.executorOf(this.context), this.#config);
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

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated" || !signal.child) return;
    this.#sockets?.sessionEnded(signal.ref, !isOrderlyExit(signal.reason));
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

  #close(): void {
    this.#drained ??= Promise.resolve();
    this.#server.close();
    this.#sockets?.closeAll();
    this.#upgrades.close();
    this.#server.closeAllConnections();
  }

  #drain(): Promise<void> {
    this.#drained ??= this.#stopAccepting();
    return this.#drained;
  }

  async #stopAccepting(): Promise<void> {
    this.#server.close();
    await this.#sockets?.drain(this.#config.drainMs);
    this.#sockets?.closeAll();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#config;
    if (await listenShared(this.#server, host, port)) return;
    // The platform cannot share a port: the first thread serves, the others stand by.
    if (this.context.thread <= 1) await listen(this.#server, { host, port });
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (this.#drained !== null) {
      refuseUpgrade(socket, 503, "shutting down");
      return;
    }
    const net = socket as NetSocket;
    const ipAddress = plainAddress(net.remoteAddress);
    const decision = decideUpgrade(request.url ?? "/", request.headers, ipAddress);
    if (!decision.ok) refuseUpgrade(socket, decision.status, decision.reason);
    else if (this.#connect === null) {
      this.#accept(request, net, head, decision.codec, anonymousCaller(ipAddress));
    } else {
      void this.#admit(request, net, head, decision.codec, decision.request, this.#connect);
    }
  };

  async #admit(
    request: IncomingMessage,
    net: NetSocket,
    head: Buffer,
    codec: Codec,
    connectRequest: ConnectRequest,
    handler: ConnectHandler,
  ): Promise<void> {
    const hangUp = (): void => {
      net.destroy();
    };
    net.on("error", hangUp);
    let caller: Caller | null = null;
    try {
      const assigns = await runConnectHandler(handler, connectRequest, this.context.clock);
      caller = assigns === null ? null : parseAssigns(assigns, connectRequest.ipAddress);
    } catch (error) {
      const { message, stack } = toErrorRecord(error);
      this.context.log("error", "connect handler failed", { error: message, stack });
    }
    net.removeListener("error", hangUp);
    if (caller === null) refuseUpgrade(net, 403, "refused");
    else if (this.#drained !== null) refuseUpgrade(net, 503, "shutting down");
    else this.#accept(request, net, head, codec, caller);
  }

  #accept(
    request: IncomingMessage,
    net: NetSocket,
    head: Buffer,
    codec: Codec,
    caller: Caller,
  ): void {
    this.#upgrades.handleUpgrade(request, net, head, (ws) => {
      this.#sockets?.add(ws, net, codec, caller);
    });
  }
}

function wantsWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

/** An IPv4 client of a socket that listens on IPv6 is an IPv4 client. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null;
  return address.startsWith("::ffff:") && isIPv6(address) ? address.slice(7) : address;
}
