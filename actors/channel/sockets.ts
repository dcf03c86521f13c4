import type { Socket as NetSocket } from "node:net";
import { WebSocket } from "ws";
import type { ActorContext, ActorRef, Log } from "#runtime";
import type { Caller } from "../request/index.ts";
import type { Channel } from "./channel.ts";
import type { AcceptorConfig, ChannelConfig } from "./channel-config.ts";
import type { Codec } from "./codec.ts";
import { DeskLink, type StartGroups } from "./desk-link.ts";
import { FrameBudget, type FrameRate } from "./frame-budget.ts";
import type { GroupChannel, GroupSessions } from "./group-channel.ts";
import { Intake } from "./intake.ts";
import { Outbox } from "./outbox.ts";
import { type ExecutorPort, Session } from "./session.ts";
import { closeCodes, Socket } from "./socket.ts";
import type { SocketHost } from "./socket-host.ts";
import { selectChannel } from "./topic.ts";

/** A WebSocket that knows its {@link Socket}: listeners need no closure each. */
export class Connection extends WebSocket {
  socket: Socket | null = null;
  intake: Intake | null = null;
}

/** How many sweeps make the idle timeout: a socket may idle one of them longer. */
const sweepsPerTimeout = 12;

/** What a session may have waiting: all that its streams and its requests can send at once. */
const sessionMailboxCapacity = 100_000;

const unavailable = '{"reason":"unavailable"}';

/** The sockets of one acceptor, and the sessions of their channels, which are its children. */
export class Sockets implements SocketHost, GroupSessions {
  readonly outbox: Outbox = new Outbox();
  readonly maxChannels: number;
  readonly selectChannel: (topic: string) => ChannelConfig | undefined;
  tick = 0;
  inFlight = 0;
  readonly #context: ActorContext;
  readonly #executor: ExecutorPort;
  readonly #desk: DeskLink;
  readonly #log: Log;
  readonly #intake = new Intake();
  readonly #frameRate: FrameRate | null;
  readonly #sockets = new Set<Socket>();
  /** By the number of the session. */
  readonly #channels = new Map<number, Channel>();
  #onQuiet: (() => void) | null = null;

  /** Sweeps out idle sockets for as long as the actor lives. */
  constructor(
    context: ActorContext,
    executor: ExecutorPort,
    config: AcceptorConfig,
    startGroups: StartGroups | null,
  ) {
    this.#context = context;
    this.#executor = executor;
    this.#desk = new DeskLink(context, startGroups);
    this.#log = context.log;
    this.maxChannels = config.maxChannels;
    const perSecond = config.maxFramesPerSecond;
    this.#frameRate = perSecond === null ? null : { clock: context.clock, perSecond };
    this.selectChannel = selectChannel(config.channels.map((channel) => [channel.topic, channel]));
    context.every(Math.ceil(config.idleTimeoutMs / sweepsPerTimeout), () => this.#sweep());
  }

  /** Sockets that are open or closing. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Sessions that have been started and not yet ended. */
  get sessions(): number {
    return this.#channels.size;
  }

  /** Starts what the groups need; rejects when it does not start. */
  openGroups(): Promise<void> {
    return this.#desk.open(this);
  }

  /** Takes a new connection in. */
  add(ws: Connection, net: NetSocket, codec: Codec, caller: Caller): Socket {
    const socket = new Socket(this, ws, net, codec, caller);
    ws.socket = socket;
    ws.intake = this.#intake;
    this.#sockets.add(socket);
    ws.on("message", onMessage);
    ws.on("ping", onSign);
    ws.on("pong", onSign);
    ws.on("close", onClose);
    // A broken frame: ws answers it with its close code; an error of the connection precedes its end.
    ws.on("error", ignore);
    return socket;
  }

  newFrameBudget(): FrameBudget | null {
    return this.#frameRate === null ? null : new FrameBudget(this.#frameRate);
  }

  /** A child of the acceptor has stopped. */
  childEnded(child: ActorRef, crashed: boolean): void {
    if (this.#desk.ended(child)) {
      this.#forsakeGroups();
      return;
    }
    const channel = this.#channels.get(child.id);
    if (channel === undefined) return;
    this.#channels.delete(child.id);
    channel.ended(crashed);
  }

  /** Reads nothing more; resolves when no request is in progress, or after `limitMs`. */
  drain(limitMs: number): Promise<void> {
    this.#intake.drain();
    for (const socket of this.#sockets) socket.hold();
    return this.#quiet(limitMs);
  }

  /**
   * Lets all sessions give up what is still in progress; resolves when the final Response of each
   * request has been written, or after `limitMs`.
   */
  giveUp(limitMs: number): Promise<void> {
    for (const { session } of this.#channels.values()) {
      // In progress until the session has come to it.
      if (session?.tell.giveUp()) this.inFlight += 1;
    }
    return this.#quiet(limitMs);
  }

  /** Resolves when no request is in progress, or after `limitMs`. */
  #quiet(limitMs: number): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#context.clock.after(limitMs, resolve);
      this.#onQuiet = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Closes all sockets with 1001. */
  closeAll(): void {
    for (const socket of [...this.#sockets]) socket.close(closeCodes.goingAway, "going away");
  }

  async startSession(channel: Channel): Promise<ActorRef<Session>> {
    const { thread } = this.#context;
    const session = await this.#context.spawn(Session, {
      thread,
      mailboxCapacity: sessionMailboxCapacity,
      args: [channel, this.#executor],
    });
    this.#channels.set(session.id, channel);
    return session;
  }

  /** Stops the streams of a request in all sessions; resolves with how many there were. */
  async stopStream(requestId: string): Promise<number> {
    const sessions = [...this.#channels.values()].flatMap(({ session }) => session ?? []);
    const stopped = await Promise.allSettled(
      sessions.map((session) => session.ask.stopStream(requestId)),
    );
    return stopped.filter((one) => one.status === "fulfilled" && one.value).length;
  }

  stopSession({ session }: Channel): void {
    if (session === null) return;
    this.#channels.delete(session.id);
    void this.#context.stopChild(session);
  }

  find(session: number): GroupChannel | undefined {
    const channel = this.#channels.get(session);
    if (channel !== undefined) channel.inGroups = true;
    return channel;
  }

  enterGroup(channel: Channel, groupId: string, payload: unknown): void {
    const { session } = channel;
    if (session === null) return;
    channel.inGroups = this.#desk.enter(session.id, groupId, payload);
    if (!channel.inGroups) channel.refused(unavailable);
  }

  exitGroups(channel: Channel): void {
    const { session, inGroups } = channel;
    channel.inGroups = false;
    if (inGroups && session !== null) this.#desk.exit(session.id);
  }

  tellRoom({ session }: Channel): void {
    if (session !== null) this.#desk.room(session.id);
  }

  settled(count: number): void {
    this.inFlight -= count;
    if (this.inFlight === 0) this.#onQuiet?.();
  }

  blame({ caller }: Socket, fault: string): void {
    const { userId, ipAddress } = caller;
    this.#log("warn", "socket closed", { fault, userId, ipAddress });
  }

  forget(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  /** Who had been in groups here is in none any more: their clients have to join again. */
  #forsakeGroups(): void {
    for (const channel of [...this.#channels.values()]) {
      if (!channel.inGroups) continue;
      if (channel.joining === null) channel.end(true);
      else channel.refused(unavailable);
    }
  }

  #sweep(): void {
    this.tick += 1;
    for (const socket of [...this.#sockets]) socket.sweep(sweepsPerTimeout);
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  const { socket, intake } = this as Connection;
  if (socket !== null) intake?.add(socket, data as Buffer, isBinary);
}

function onSign(this: WebSocket): void {
  (this as Connection).socket?.control();
}

function onClose(this: WebSocket): void {
  const { socket, intake } = this as Connection;
  if (socket === null) return;
  // What came before the end was meant.
  intake?.finish(socket);
  socket.gone();
}

function ignore(): void {}
