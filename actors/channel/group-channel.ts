import type { Caller } from "../request/index.ts";
import type { GroupChannelOptions } from "./channel-config.ts";
import type { Framed } from "./message-framing.ts";

/**
 * A joined channel as the fan-out of its thread sees it: where the messages of groups are pushed.
 * Nothing that it does calls the fan-out back before the present turn is over, and once it is closed
 * it does nothing. The JSON texts must be valid: they are not looked at.
 */
export interface GroupChannel {
  readonly topic: string;
  /** The event on which the messages of its groups are pushed. */
  readonly event: string;
  readonly caller: Caller;
  /** False from the moment when the client has no use for pushes any more. */
  readonly isOpen: boolean;
  /** As it is configured; null: it is no group's, though its user may be in some. */
  readonly group: GroupChannelOptions | null;
  /** Channels with equal keys get equal frames. */
  readonly formKey: string;
  /** Bytes that were sent and that the client has not taken. */
  readonly unreadBytes: number;
  /** A push as a text frame without a join_ref: it suits every channel with this `formKey`. */
  encode(event: string, json: string): string;
  /** Sends frames that other channels are sent too, in order with what else the turn sends. */
  sendFrames(frames: Framed): void;
  /** Sends one push, with the channel's join_ref. */
  send(event: string, json: string): void;
  /** Answers the join `ok` with this response; the frames that have come since then go on. */
  joined(json: string): void;
  /** Answers the join `error` with this response, and closes the channel. */
  refused(json: string): void;
  /**
   * Closes the channel, as if its session had ended: `phx_close`, behind the answers to what is in
   * progress; or `phx_error` for a crash, at once.
   */
  end(isCrash: boolean): void;
  /** Closes the socket with 1013: the client does not read. */
  disconnect(): void;
  /** Asks for one {@link GroupDesk} `room` when the client has taken what it was sent. */
  wantRoom(): void;
}

/**
 * The messages of a thread's fan-out that its sockets send. A session is named by the number of its
 * actor, which is not given twice on a thread.
 */
export interface GroupDesk {
  /** A client joins a group's channel; to be answered with `joined` or `refused`, whatever happens. */
  enter(session: number, groupId: string, payload: unknown): void;
  /** A channel is closed that the desk had been told of or had looked up; perhaps twice. */
  exit(session: number): void;
  /** The client has taken what it was sent, as `wantRoom` asked. */
  room(session: number): void;
}

/** The channels of a thread, for its fan-out: on the thread, by reference. */
export interface GroupSessions {
  /** Undefined: it is closed. From now on the desk is told when it closes. */
  find(session: number): GroupChannel | undefined;
}
