import type { GroupKind, MemberState } from "./group-kind.ts";
import type { PresenceState } from "./presence.ts";
import type { RelayRefusal } from "./refusal.ts";

/** A session wants into a group: what a fan-out tells the group. */
export interface EnterRequest {
  /** The fan-out's own number for it; the answer carries it. */
  readonly no: number;
  /** Unique on the fan-out. One that is in the group already stays in it, and is answered as well. */
  readonly session: number;
  readonly userId: string;
  readonly deviceId: string | null;
  /** What its presence shows beside the device. */
  readonly meta: Record<string, unknown>;
  /** Its channel is the group's own: it is told who is here. */
  readonly isOfTopic: boolean;
  /** The last offset that the client has seen, under `epoch`; null: it asks for nothing missed. */
  readonly since: number | null;
  readonly epoch: string | null;
}

/** What a group answers to {@link EnterRequest}. */
export type EnterAnswer = EnterAccepted | RelayRefusal;

/** The session is in the group. */
export interface EnterAccepted {
  readonly ok: true;
  readonly epoch: string;
  /** Of the last message that was sent before: what comes later is delivered. */
  readonly offset: number;
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  readonly member: MemberState;
  /** Null: nothing was asked for. */
  readonly recovered: boolean | null;
  /** The texts of what was missed, in order; empty for a pending member. */
  readonly missed: readonly string[];
  /** For a fan-out that had no session to tell it to: from now on it hears the differences. */
  readonly presence: PresenceState | null;
}

/** A session of the fan-out that brings a {@link Claim}. */
export interface ClaimedSession {
  readonly session: number;
  readonly deviceId: string | null;
  readonly meta: Record<string, unknown>;
  readonly isOfTopic: boolean;
}

/** What a fan-out knows of a group: the group's new home is told, which may know less. */
export interface Claim {
  readonly groupId: string;
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  readonly epoch: string;
  /** Of the last message that came here. */
  readonly offset: number;
  /** Those with sessions here. */
  readonly members: readonly (MemberState & { readonly sessions: readonly ClaimedSession[] })[];
}

/** What a group answers to a {@link Claim}. */
export interface ReenterAnswer {
  readonly epoch: string;
  readonly offset: number;
  /** Whether the count of messages goes on from the offset of the claim. */
  readonly recovered: boolean;
  /** The texts of those behind it that are kept, in order, the last one that of `offset`. */
  readonly missed: readonly string[];
  /** Those of the claim as the group has them now; who is not in it is gone. */
  readonly members: readonly MemberState[];
  /** Null: it is not told, or there is nobody to tell it to. */
  readonly presence: PresenceState | null;
}

/** What an enter creates when there is no such group. */
interface NewGroup {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  /** Refuse with `group_exists` when there is one. */
  readonly mustBeNew: boolean;
}

/** A session of a channel that is no group's wants into a group: asked by the chat functions. */
export interface JoinRequest {
  readonly session: number;
  readonly groupId: string;
  readonly userId: string;
  readonly deviceId: string | null;
  readonly meta: Record<string, unknown>;
  readonly since: number | null;
  readonly epoch: string | null;
  /** Null: only a group that exists. */
  readonly create: NewGroup | null;
}
