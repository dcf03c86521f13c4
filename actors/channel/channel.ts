import type { ActorRef } from "#runtime";
import type { Outcome } from "../execution/index.ts";
import { type Caller, encodeChunkTemplate } from "../request/index.ts";
import type { ChannelConfig, GroupChannelOptions } from "./channel-config.ts";
import type { Frame, ReplyStatus } from "./frame.ts";
import type { ChannelForms } from "./frame-forms.ts";
import type { GroupChannel } from "./group-channel.ts";
import { encodeJsonString } from "./json-text.ts";
import type { Framed } from "./message-framing.ts";
import type { ChunkWriter, Session, SessionChannel } from "./session.ts";
import type { Socket } from "./socket.ts";

/** A join that is not answered yet. */
export interface Joining {
  readonly frame: Frame;
  /** The channel that is replaced. */
  readonly previous: Channel | null;
}

/** A topic that a socket has joined: what stands between the socket, the session and the groups. */
export class Channel implements SessionChannel, GroupChannel {
  readonly topic: string;
  readonly joinRef: string | null;
  readonly config: ChannelConfig;
  readonly isInline: boolean;
  readonly #socket: Socket;
  /** Null until the session has started. */
  session: ActorRef<Session> | null = null;
  /** Null from the moment when the join is answered. */
  joining: Joining | null;
  /** What came before the join was answered. */
  early: Frame[] = [];
  /** False from the moment when the client has no use for answers any more. */
  isOpen = true;
  /** It ends as soon as what is in progress has been answered. */
  isEnding = false;
  /** Pushes that the session was given and has not answered. */
  load = 0;
  /** Null until something is sent on it. */
  forms: ChannelForms | null = null;
  /** Set while the socket is not read because of this channel. */
  isOverloaded = false;
  /** A stream waits until the client has taken what it was sent. */
  wantsRoom = false;
  /** So do its groups. */
  wantsGroupRoom = false;
  /** The fan-out of the thread knows of it, and is to hear when it is closed. */
  inGroups = false;

  constructor(
    socket: Socket,
    topic: string,
    joinRef: string | null,
    config: ChannelConfig,
    inline: boolean,
    joining: Joining,
  ) {
    this.#socket = socket;
    this.topic = topic;
    this.joinRef = joinRef;
    this.config = config;
    this.isInline = inline;
    this.joining = joining;
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
      socket.reply(this, ref, isBinary, status, encodeJsonString(outcome.reply));
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

  // --- for the groups that it is in ----------------------------------------------------------

  get group(): GroupChannelOptions | null {
    return this.config.group;
  }

  get formKey(): string {
    return `${this.#socket.vsn}\0${this.topic}\0${this.event}`;
  }

  get unreadBytes(): number {
    return this.#socket.unreadBytes;
  }

  encode(event: string, json: string): string {
    return this.#socket.encodePush(null, this.topic, event, json);
  }

  sendFrames(frames: Framed): void {
    if (this.isOpen) this.#socket.send(frames);
  }

  send(event: string, json: string): void {
    if (!this.isOpen) return;
    const socket = this.#socket;
    socket.send(socket.encodePush(this.joinRef, this.topic, event, json));
  }

  joined(json: string): void {
    this.#socket.joined(this, json);
  }

  refused(json: string): void {
    this.#socket.refused(this, json);
  }

  end(isCrash: boolean): void {
    // What the client has asked for, such as this end, is answered first; more it cannot ask for.
    if (!isCrash && this.isOpen && this.load > 0) this.isEnding = true;
    else this.#socket.sessionEnded(this, isCrash);
  }

  disconnect(): void {
    if (this.isOpen) this.#socket.onTooSlow(this.unreadBytes);
  }

  wantRoom(): void {
    if (this.isOpen) this.#socket.wantRoom(this);
  }
}
