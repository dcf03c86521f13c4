import type { ActorRef } from "#runtime";
import { isMap } from "../registry/index.ts";
import { Channel, type Joining } from "./channel.ts";
import { controlEvents, type Frame } from "./frame.ts";
import { parseJsonBytes } from "./json-text.ts";
import type { Session } from "./session.ts";
import type { Socket } from "./socket.ts";
import type { SocketHost } from "./socket-host.ts";
import { selectGroupId } from "./topic.ts";

/** The answer to a frame whose topic is no channel's. */
export const unmatchedTopic = '{"reason":"unmatched topic"}';

const joinCrashed = '{"reason":"join crashed"}';

/** The channels of one socket: how they are joined, replaced and closed. */
export class SocketChannels {
  readonly #socket: Socket;
  readonly #host: SocketHost;
  readonly #byTopic = new Map<string, Channel>();

  constructor(socket: Socket, host: SocketHost) {
    this.#socket = socket;
    this.#host = host;
  }

  /** The channel to which a topic's frames go. */
  get(topic: string): Channel | undefined {
    return this.#byTopic.get(topic);
  }

  /** A client joins; `previous` is the channel that it replaces. */
  join(frame: Frame, previous: Channel | null): void {
    const { joinRef, topic } = frame;
    const socket = this.#socket;
    const config = this.#host.selectChannel(topic);
    if (config === undefined || (config.group !== null && selectGroupId(topic) === "")) {
      socket.answer(frame, null, "error", unmatchedTopic);
      return;
    }
    if (previous === null && this.#byTopic.size >= this.#host.maxChannels) {
      socket.answer(frame, null, "error", '{"reason":"too many channels"}');
      return;
    }
    if (previous !== null) this.#close(previous);
    const payload = readPayload(frame);
    const inline = isMap(payload) && payload["reply"] === "inline";
    const channel = new Channel(socket, topic, joinRef, config, inline, { frame, previous });
    this.#byTopic.set(topic, channel);
    this.#host.startSession(channel).then(
      (session) => this.#started(channel, session),
      () => this.refused(channel, joinCrashed),
    );
  }

  /** Answers a join that has not been answered yet; what came since then is taken up. */
  joined(channel: Channel, json: string): void {
    const { joining, early } = channel;
    if (joining === null) return;
    channel.joining = null;
    channel.early = [];
    this.#socket.answer(joining.frame, channel.joinRef, "ok", json);
    this.#finish(channel, joining, early);
  }

  /** Refuses a join that has not been answered yet; what came since then finds no channel. */
  refused(channel: Channel, json: string): void {
    const { joining, early } = channel;
    if (joining === null) return;
    channel.joining = null;
    this.shut(channel);
    this.#socket.answer(joining.frame, null, "error", json);
    this.#finish(channel, joining, early);
  }

  /** Frames that follow on its topic belong to nobody, or to the next join. */
  leave(channel: Channel): void {
    if (this.#byTopic.get(channel.topic) === channel) this.#byTopic.delete(channel.topic);
  }

  /** The session is gone, or whoever is behind it: the client hears of it and may join again. */
  ended(channel: Channel, isCrash: boolean): void {
    if (!channel.isOpen) return;
    if (channel.joining !== null) {
      this.refused(channel, joinCrashed);
      return;
    }
    this.shut(channel);
    this.#socket.sendEnd(channel, isCrash ? controlEvents.error : controlEvents.close);
  }

  /** The client has taken what it was sent. */
  tellRoom(): void {
    for (const channel of this.#byTopic.values()) {
      if (channel.wantsRoom) {
        channel.wantsRoom = false;
        channel.session?.tell.resume();
      }
      if (channel.wantsGroupRoom) {
        channel.wantsGroupRoom = false;
        this.#host.tellRoom(channel);
      }
    }
  }

  /** Stops reading the socket, or reads it again, as the channel's load has become. */
  weigh(channel: Channel): void {
    const { isOpen, load, early, config } = channel;
    const isOverloaded = isOpen && load + early.length > config.maxInFlight;
    if (isOverloaded === channel.isOverloaded) return;
    channel.isOverloaded = isOverloaded;
    if (isOverloaded) this.#socket.hold();
    else this.#socket.release();
  }

  /** Closes a channel without a word to the client. */
  shut(channel: Channel): void {
    if (!channel.isOpen) return;
    this.#close(channel);
    this.#host.exitGroups(channel);
    const { joining } = channel;
    channel.joining = null;
    if (joining !== null && joining.previous !== null) this.#host.exitGroups(joining.previous);
  }

  shutAll(): void {
    for (const channel of [...this.#byTopic.values()]) this.shut(channel);
  }

  #started(channel: Channel, session: ActorRef<Session>): void {
    channel.session = session;
    const { isOpen, joining, config, topic } = channel;
    if (!isOpen || joining === null) this.#host.stopSession(channel);
    else if (config.group === null) this.joined(channel, "{}");
    else this.#host.enterGroup(channel, selectGroupId(topic), readPayload(joining.frame));
  }

  /** The channel that was replaced is told to have ended after the answer, as Phoenix does. */
  #finish(channel: Channel, { previous }: Joining, early: readonly Frame[]): void {
    if (previous !== null) {
      // Only now: who joins a group's channel again is never without a session in the group.
      this.#host.exitGroups(previous);
      this.#socket.sendEnd(previous, controlEvents.close);
    }
    if (early.length === 0) return;
    for (const frame of early) this.#socket.takeUp(frame);
    this.weigh(channel);
  }

  /** All of {@link shut} but the word to the groups. */
  #close(channel: Channel): void {
    channel.isOpen = false;
    channel.early = [];
    this.leave(channel);
    this.#host.settled(channel.load);
    this.weigh(channel);
    if (channel.session !== null) this.#host.stopSession(channel);
  }
}

/** The JSON value of a frame, in whichever form it came. */
export function readPayload({ payload }: Frame): unknown {
  return Buffer.isBuffer(payload) ? parseJsonBytes(payload) : payload;
}
