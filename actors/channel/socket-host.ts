import type { ActorRef } from "#runtime";
import type { Channel } from "./channel.ts";
import type { ChannelConfig } from "./channel-config.ts";
import type { FrameBudget } from "./frame-budget.ts";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";
import type { Socket } from "./socket.ts";

/** What a socket needs of the acceptor that it belongs to. */
export interface SocketHost {
  readonly outbox: Outbox;
  readonly maxChannels: number;
  /** Counts up at a steady pace: the time, as coarse as idle sockets need it. */
  readonly tick: number;
  /** What a new socket may send; null: all it likes. */
  newFrameBudget(): FrameBudget | null;
  /** Requests in progress on all sockets. */
  inFlight: number;
  selectChannel(topic: string): ChannelConfig | undefined;
  startSession(channel: Channel): Promise<ActorRef<Session>>;
  /** Ends the session of a channel that is closed; the groups are told by {@link exitGroups}. */
  stopSession(channel: Channel): void;
  /** Has the thread's fan-out answer the join of a channel that has its session. */
  enterGroup(channel: Channel, groupId: string, payload: unknown): void;
  /** The channel is closed: whatever groups it is in are without it from now on. */
  exitGroups(channel: Channel): void;
  /** The client has taken what it was sent. */
  tellRoom(channel: Channel): void;
  /** A request has ended. */
  settled(count: number): void;
  /** The client's fault, for the log. */
  blame(socket: Socket, fault: string): void;
  forget(socket: Socket): void;
}
