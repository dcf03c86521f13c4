import type { ActorRef } from "#runtime";
import type { Caller, Outcome } from "../execution/index.ts";
import type { ChannelConfig } from "./channel-config.ts";
import type { Frame } from "./frame.ts";
import type { Session, SessionChannel } from "./session.ts";
import type { Socket } from "./socket.ts";

/** A topic that a socket has joined: what stands between the socket and the session. */
export class Channel implements SessionChannel {
  readonly topic: string;
  readonly joinRef: string | null;
  readonly config: ChannelConfig;
  readonly #socket: Socket;
  readonly #inline: boolean;
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
    this.#inline = inline;
  }

  get caller(): Caller {
    return this.#socket.caller;
  }

  answer(ref: string | null, isBinary: boolean, outcome: Outcome, responseJson: string): void {
    if (!this.isOpen) return;
    const socket = this.#socket;
    const { status } = outcome;
    if (this.#inline) socket.reply(this, ref, isBinary, status, responseJson);
    else {
      socket.push(this, isBinary, responseJson);
      socket.reply(this, ref, isBinary, status, JSON.stringify(outcome.reply));
    }
    socket.answered(this);
  }

  left(ref: string | null, isBinary: boolean): void {
    this.#socket.left(this, ref, isBinary);
  }

  /** Told by the acceptor: the session is gone, without having been asked to. */
  ended(crashed: boolean): void {
    this.#socket.sessionEnded(this, crashed);
  }
}
