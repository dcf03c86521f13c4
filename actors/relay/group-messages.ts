import type { ActorRef } from "#runtime";
import type { Group } from "./group.ts";
import type { GroupKind, MemberRole, MemberState, MemberStatus } from "./group-kind.ts";
import type { GroupState } from "./group-state.ts";
import type { RelayRefusal } from "./refusal.ts";
import type { RelaySettings } from "./relay-settings.ts";

/** Where a group comes from. */
export type GroupOrigin =
  /** Somebody made it; the first to enter is its admin where nobody is named. */
  | {
      readonly type: "new";
      readonly kind: GroupKind;
      readonly isDurable: boolean;
      readonly creator: string | null;
    }
  /** It was kept on disk; `isSuspect`: its last messages may be missing. */
  | { readonly type: "stored"; readonly state: GroupState; readonly isSuspect: boolean }
  /** It has moved here, nothing is missing. */
  | { readonly type: "moved"; readonly state: GroupState }
  /** It was lost: what those who were connected to it know is all that there is. */
  | {
      readonly type: "claimed";
      readonly kind: GroupKind;
      readonly isDurable: boolean;
      /** Of the last message that was seen. */
      readonly offset: number;
    };

/** What a group is started with. */
export interface GroupStart {
  readonly groupId: string;
  readonly settings: RelaySettings;
  readonly origin: GroupOrigin;
}

/** What a group answers; it has moved: it did nothing, and the other one is to be asked. */
export type GroupAnswer<T> = T | { readonly moved: ActorRef<Group> };

/** Who sends a message, and in which request. */
export interface MessageSource {
  /** Null: a service or an operator, who may always. */
  readonly userId: string | null;
  readonly requestId: string;
}

/** What became of a message. */
export type SendAnswer =
  | {
      readonly ok: true;
      /** Sessions that it was relayed to. */
      readonly recipients: number;
      readonly offset: number;
    }
  | RelayRefusal;

/** What became of a change of membership; null: the user is no member any more. */
export type MemberAnswer =
  | { readonly ok: true; readonly member: MemberState | null }
  | RelayRefusal;

/** What operations on a member there are. */
export type MemberOperation = "accept" | "mute" | "unmute" | "promote" | "demote" | "remove";

/** What a group tells of itself. */
export interface GroupInfo {
  readonly groupId: string;
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  readonly epoch: string;
  /** Of the last message, 0 before the first. */
  readonly offset: number;
  /** Wall-clock time, in ms. */
  readonly createdAt: number;
  readonly membersCount: number;
  /** The longest-standing first, 1,000 at most; `devices` are the sessions that are connected. */
  readonly members: readonly (Omit<MemberState, "version"> & { readonly devices: number })[];
}

/** What a group tells of itself to those who may know. */
export type InfoAnswer = { readonly ok: true; readonly info: GroupInfo } | RelayRefusal;

/** A page of what was said, the oldest first. */
export interface HistoryAnswer {
  readonly ok: true;
  readonly epoch: string;
  /** Of the last message of the group. */
  readonly offset: number;
  /** The JSON texts of the pushes. */
  readonly texts: readonly string[];
  readonly hasMore: boolean;
}

/** A group as one of its members has it. */
export interface GroupSummary {
  readonly groupId: string;
  readonly kind: GroupKind;
  readonly role: MemberRole;
  readonly status: MemberStatus;
}

/** Null: the user is no member. */
export type SummaryAnswer =
  | { readonly ok: true; readonly summary: GroupSummary | null }
  | RelayRefusal;
