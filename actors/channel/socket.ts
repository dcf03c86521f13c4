import type { Socket as NetSocket } from "node:net";
import type { WebSocket } from "ws";
import type { ActorRef } from "#runtime";
import type { Caller, ChunkTemplate } from "../request/index.ts";
import type { Channel } from "./channel.ts";
import type { Codec } from "./codec.ts";
import {
  controlEvents,
  controlTopic,
  type Frame,
  type FrameFault,
  type ParsedFrame,
  type ReplyStatus,
} from "./frame.ts";
import type { FrameBudget } from "./frame-budget.ts";
import { ChannelForms, encodeChunkForm, encodeReplyForm } from "./frame-forms.ts";
import type { Framed, Message } from "./message-framing.ts";
import type { Session } from "./session.ts";
import { readPayload, SocketChannels, unmatchedTopic } from "./socket-channels.ts";
import type { SocketHost } from "./socket-host.ts";
import { Writer, type WriterOwner } from "./writer.ts";

/** WebSocket close codes (RFC 6455, section 7.4, and the IANA registry) that a socket sends. */
export const closeCodes = { normal: 1000, goingAway: 1001, policy: 1008, tooSlow: 1013 } as const;

/** So many bad frames in a row close the socket. */
const maxBadFrames = 10;

/** The event by which a client ends one of its streams. */
const stopStreamEvent = "stop_stream";

/**
 * One client's connection: reads its frames, keeps its channels, writes the answers. It lives in
 * the callbacks of its WebSocket and in the turns of its sessions; it has no timers of its own.
 */
export class Socket implements WriterOwner {
  readonly caller: Caller;
  readonly #host: SocketHost;
  readonly #codec: Codec;
  readonly #ws: WebSocket;
  readonly #writer: Writer;
  readonly #channels: SocketChannels;
  readonly #budget: FrameBudget | null;
  #seenAt: number;
  #badFrames = 0;
  /** Reasons not to read, one for each overloaded channel and one for a slow reader. */
  #holds = 0;
  #isClosed = false;

  constructor(host: SocketHost, ws: WebSocket, net: NetSocket, codec: Codec, caller: Caller) {
    this.#host = host;
    this.#ws = ws;
    this.#writer = new Writer(this, host.outbox, ws, net);
    this.#channels = new SocketChannels(this, host);
    this.#codec = codec;
    this.caller = caller;
    this.#budget = host.newFrameBudget();
    this.#seenAt = host.tick;
  }

  // --- from the WebSocket --------------------------------------------------------------------

  /** A message came. */
  receive(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed || !this.#mayCome()) return;
    this.#seenAt = this.#host.tick;
    const parsed: ParsedFrame = isBinary
      ? this.#codec.parseBinary(data)
      : this.#codec.parseText(data.toString());
    if (!parsed.ok) {
      this.#refuse(parsed);
      return;
    }
    this.#badFrames = 0;
    this.#route(parsed.frame);
  }

  /** A ping or pong came. */
  control(): void {
    if (!this.#isClosed && this.#mayCome()) this.seen();
  }

  /** The client lives. */
  seen(): void {
    this.#seenAt = this.#host.tick;
  }

  /** The connection is gone. */
  gone(): void {
    this.#shut();
    this.#host.forget(this);
  }

  // --- from the acceptor ---------------------------------------------------------------------

  /** Closes the socket when nothing came for more than `idleTicks`; one that is not read is busy. */
  sweep(idleTicks: number): void {
    if (this.#holds > (this.#writer.isFull ? 1 : 0)) this.seen();
    if (this.#host.tick - this.#seenAt <= idleTicks || this.#isClosed) return;
    this.close(closeCodes.normal, "idle");
  }

  /** Nothing more is read until as many releases as holds have come. */
  hold(): void {
    this.#holds += 1;
    if (this.#holds === 1 && !this.#isClosed) this.#ws.pause();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#isClosed) this.#ws.resume();
  }

  /** Begins the closing handshake; its channels are closed at once. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#writer.flush();
    // The writer may have found the client too slow.
    if (this.#isClosed) return;
    this.#shut();
    this.#ws.resume();
    this.#ws.close(code, reason);
  }

  // --- from the channels ---------------------------------------------------------------------

  /** Pushes JSON text on the channel's event. */
  push(channel: Channel, isBinary: boolean, json: string): void {
    this.send(this.#formsOf(channel).push(isBinary, json));
  }

  /** Sends a `phx_reply` of a channel, with JSON text. */
  reply(
    channel: Channel,
    ref: string | null,
    isBinary: boolean,
    status: ReplyStatus,
    json: string,
  ): void {
    this.send(this.#formsOf(channel).reply(ref, isBinary, status, json));
  }

  /** Makes the encoder of the chunks of a stream. */
  encodeChunks(
    channel: Channel,
    isBinary: boolean,
    template: ChunkTemplate,
  ): (chunk: string) => Message {
    return encodeChunkForm(this.#codec, channel, isBinary, template);
  }

  /** The version of the serialization that the client speaks. */
  get vsn(): string {
    return this.#codec.vsn;
  }

  /** Bytes that were sent and that the client has not taken. */
  get unreadBytes(): number {
    return this.#writer.unreadBytes;
  }

  /** Encodes a push; without a join_ref it suits every client of the topic that speaks as this one. */
  encodePush(joinRef: string | null, topic: string, event: string, json: string): string {
    return this.#codec.encodePush(joinRef, topic, event, json);
  }

  /** Sends a message that is encoded already, or frames that other sockets are sent too. */
  send(frame: Message | Framed): void {
    if (!this.#isClosed) this.#writer.send(frame);
  }

  /** Whether a chunk may be sent; where it may not, the session is told when it may. */
  hasRoomFor(channel: Channel): boolean {
    channel.wantsRoom = !this.#writer.hasRoom();
    return !channel.wantsRoom;
  }

  /** A request goes on behind its answer; it is in progress until it is settled. */
  goesOn(): void {
    this.#host.inFlight += 1;
  }

  settled(): void {
    this.#host.settled(1);
  }

  /** A push of the channel has its answer. */
  answered(channel: Channel): void {
    channel.load -= 1;
    this.#host.settled(1);
    if (channel.isOverloaded) this.#channels.weigh(channel);
    if (channel.isEnding && channel.load === 0) this.sessionEnded(channel, false);
  }

  /** The session has come to the client's leave. */
  left(channel: Channel, ref: string | null, isBinary: boolean): void {
    if (!channel.isOpen) return;
    this.#channels.shut(channel);
    this.reply(channel, ref, isBinary, "ok", "{}");
    this.sendEnd(channel, controlEvents.close);
  }

  /** A session ended by itself: the client hears of it and may join again. */
  sessionEnded(channel: Channel, crashed: boolean): void {
    this.#channels.ended(channel, crashed);
  }

  /** The group of a channel takes the client in, or does not. */
  joined(channel: Channel, json: string): void {
    this.#channels.joined(channel, json);
  }

  refused(channel: Channel, json: string): void {
    this.#channels.refused(channel, json);
  }

  /** Groups want to know when the client has taken what it was sent; at once if it has. */
  wantRoom(channel: Channel): void {
    channel.wantsGroupRoom = !this.#writer.hasRoom();
    if (!channel.wantsGroupRoom) this.#host.tellRoom(channel);
  }

  // --- from the writer -----------------------------------------------------------------------

  onFull(): void {
    this.hold();
  }

  onEmptied(): void {
    this.seen();
    this.release();
  }

  onRoom(): void {
    this.#channels.tellRoom();
  }

  onTooSlow(unreadBytes: number): void {
    this.#host.blame(this, `does not read: ${unreadBytes} bytes wait`);
    this.close(closeCodes.tooSlow, "too slow");
  }

  // --- frames --------------------------------------------------------------------------------

  /** False when the client sends more than it may: then the socket is closed. */
  #mayCome(): boolean {
    if (this.#budget === null || this.#budget.spend()) return true;
    this.#host.blame(this, "too many frames per second");
    this.close(closeCodes.policy, "too many frames");
    return false;
  }

  #route(frame: Frame): void {
    const { joinRef, topic, event } = frame;
    const channel = this.#channels.get(topic);
    if (channel === undefined) {
      this.#routeUnjoined(frame);
      return;
    }
    const { session } = channel;
    if (session === null || channel.joining !== null) {
      channel.early.push(frame);
      this.#channels.weigh(channel);
      return;
    }
    if (event === controlEvents.join) this.#channels.join(frame, channel);
    else if (joinRef !== null && joinRef !== channel.joinRef) return;
    else if (channel.isEnding) this.answer(frame, null, "error", unmatchedTopic);
    else if (event === channel.config.event) this.#call(channel, session, frame);
    else if (event === controlEvents.leave) this.#leave(channel, session, frame);
    else if (event === stopStreamEvent) this.#stopStream(session, frame);
    else this.answer(frame, channel.joinRef, "error", '{"reason":"unknown event"}');
  }

  #routeUnjoined(frame: Frame): void {
    const { topic, event } = frame;
    if (event === controlEvents.join) this.#channels.join(frame, null);
    else if (topic === controlTopic && event === controlEvents.heartbeat) {
      this.answer(frame, null, "ok", "{}");
    } else if (event === controlEvents.leave) this.answer(frame, frame.joinRef, "ok", "{}");
    else this.answer(frame, null, "error", unmatchedTopic);
  }

  #call(channel: Channel, session: ActorRef<Session>, frame: Frame): void {
    const isBinary = Buffer.isBuffer(frame.payload);
    const payload = isBinary ? readPayload(frame) : frame.payload;
    if (!session.tell.push(frame.ref, payload, isBinary)) {
      // Its session has ended, and word of that has not come yet.
      this.answer(frame, channel.joinRef, "error", '{"reason":"unavailable"}');
      this.sessionEnded(channel, true);
      return;
    }
    channel.load += 1;
    this.#host.inFlight += 1;
    if (channel.load > channel.config.maxInFlight) this.#channels.weigh(channel);
  }

  #stopStream(session: ActorRef<Session>, frame: Frame): void {
    session.tell.requestStop(frame.ref, readPayload(frame), Buffer.isBuffer(frame.payload));
  }

  /** Frames that follow belong to nobody, or to the next join; the session ends in its order. */
  #leave(channel: Channel, session: ActorRef<Session>, frame: Frame): void {
    const isBinary = Buffer.isBuffer(frame.payload);
    this.#channels.leave(channel);
    if (!session.tell.leave(frame.ref, isBinary)) this.left(channel, frame.ref, isBinary);
  }

  // --- from the joining of channels ----------------------------------------------------------

  /** A frame that had to wait is to be worked on now. */
  takeUp(frame: Frame): void {
    if (!this.#isClosed) this.#route(frame);
  }

  /** Answers a frame in the form in which it came. */
  answer(frame: Frame, joinRef: string | null, status: ReplyStatus, json: string): void {
    const { ref, topic, payload } = frame;
    const isBinary = Buffer.isBuffer(payload);
    this.send(encodeReplyForm(this.#codec, { joinRef, topic }, ref, isBinary, status, json));
  }

  /** Tells the client that a channel is closed. */
  sendEnd({ joinRef, topic }: Channel, event: string): void {
    this.send(this.#codec.encodeMessage(joinRef, joinRef, topic, event, "{}"));
  }

  #formsOf(channel: Channel): ChannelForms {
    channel.forms ??= new ChannelForms(this.#codec, channel);
    return channel.forms;
  }

  #refuse({ reason, ref, topic, isJoin }: FrameFault): void {
    if (isJoin) {
      const response = JSON.stringify({ reason, code: "invalid_request" });
      this.send(this.#codec.encodeReply(null, ref, topic, "error", response));
    } else {
      const payload = JSON.stringify({ reason });
      this.send(this.#codec.encodeMessage(null, ref, topic, controlEvents.error, payload));
    }
    this.#badFrames += 1;
    if (this.#badFrames < maxBadFrames) return;
    this.#host.blame(this, `${maxBadFrames} bad frames in a row, the last: ${reason}`);
    this.close(closeCodes.policy, "too many bad frames");
  }

  #shut(): void {
    this.#isClosed = true;
    this.#channels.shutAll();
  }
}
