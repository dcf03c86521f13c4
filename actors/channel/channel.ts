import type { ActorRef } from "#runtime";
import type { Outcome } from "../execution/index.ts";
import { type Caller, encodeChunkTemplate } from "../request/index.ts";
import type { ChannelConfig } from "./channel-config.ts";
import type { Frame, ReplyStatus } from "./frame.ts";
import type { ChunkWriter, Session, SessionChannel } from "./session.ts";
import type { Socket } from "./socket.ts";

/** A topic that a socket has joined: what stands between the socket and the session. */
export class Channel implements SessionChannel {
  readonly topic: string;
  readonly joinRef: string | null;
  readonly config: ChannelConfig;
  readonly isInline: boolean;
  readonly #socket: Socket;
  /** Null until the session has started. */
  session: ActorRef<Session> | null = null;
  /** What came before the session had started. */
  early: Frame[] = [];
  /** False from the moment when the client has no use for answers any more. */
  isOpen = true;
  /** Pushes that the session was given and has not answered. */
  load = 0;
  /** Set while the socket is not read because of this channel. */
  isOverloaded = false;
  /** A stream waits until the client has taken what it was sent. */
  wantsRoom = false;

  constructor(
    socket: Socket,
    topic: string,
    joinRef: string | null,
    config: ChannelConfig,
    inline: boolean,
  ) {
    this.#socket = socket;
    this.topic = topic;
    this.joinRef = joinRef;
    this.config = config;
    this.isInline = inline;
  }

  get event(): string {
    return this.config.event;
  }

  get caller(): Caller {
    return this.#socket.caller;
  }

  answer(
    ref: string | null,
    isBinary: boolean,
    outcome: Outcome,
    responseJson: string | null,
  ): void {
    if (!this.isOpen) return;
    const socket = this.#socket;
    const { status, isSilent = false } = outcome;
    if (this.isInline) socket.reply(this, ref, isBinary, status, responseJson ?? "null");
    else {
      if (responseJson !== null && !isSilent) socket.push(this, isBinary, responseJson);
      socket.reply(this, ref, isBinary, status, JSON.stringify(outcome.reply));
    }
    socket.answered(this);
  }

  push(isBinary: boolean, responseJson: string): void {
    if (this.isOpen) this.#socket.push(this, isBinary, responseJson);
  }

  reply(ref: string | null, isBinary: boolean, status: ReplyStatus, json: string): void {
    if (this.isOpen) this.#socket.reply(this, ref, isBinary, status, json);
  }

  goesOn(): void {
    this.#socket.goesOn();
  }

  settled(): void {
    this.#socket.settled();
  }

  openChunks(requestId: string, isBinary: boolean): ChunkWriter {
    const socket = this.#socket;
    const encode = socket.encodeChunks(this, isBinary, encodeChunkTemplate(requestId));
    return {
      // What a closed channel is given is dropped: it need not wait.
      hasRoom: () => !this.isOpen || socket.hasRoomFor(this),
      chunk: (text) => {
        if (this.isOpen) socket.send(encode(text));
      },
    };
  }

  left(ref: string | null, isBinary: boolean): void {
    this.#socket.left(this, ref, isBinary);
  }

  /** Told by the acceptor: the session is gone, without having been asked to. */
  ended(crashed: boolean): void {
    this.#socket.sessionEnded(this, crashed);
  }
}
