/** Why a group refused. */
export type RelayCode =
  | "group_not_found"
  | "group_exists"
  | "no_storage"
  | "not_a_member"
  | "membership_pending"
  | "muted"
  | "not_admin"
  | "not_strict_private"
  | "no_such_member"
  | "last_admin"
  | "group_full"
  | "too_many_groups"
  | "message_too_large"
  | "rate_limited"
  | "unavailable";

/** What each code says to the one who asked: one sentence without its full stop. */
export const RELAY_TEXTS: Readonly<Record<RelayCode, string>> = Object.freeze({
  group_not_found: "Group not found",
  group_exists: "Group exists already",
  no_storage: "No durable groups here: there is no relay.storage",
  not_a_member: "Not a member of this group",
  membership_pending: "Pending membership: wait for acceptance",
  muted: "You are muted and cannot send messages",
  not_admin: "Only an admin of the group may do this",
  not_strict_private: "Members can be muted in strict_private groups only",
  no_such_member: "This user is not a member of the group",
  last_admin: "A group needs an admin: promote another member first",
  group_full: "The group has no room for another member",
  too_many_groups: "The user is in too many groups",
  message_too_large: "The message is too large",
  rate_limited: "Too many messages from one sender",
  unavailable: "The group cannot be reached now",
});

/** How the limits in force are told, behind the texts of the codes that have one. */
const limitTexts: { readonly [code in RelayCode]?: (limit: number) => string } = {
  group_full: (limit) => `${limit} members at most`,
  too_many_groups: (limit) => `${limit} at most`,
  message_too_large: (limit) => `${limit} bytes of JSON at most`,
  rate_limited: (limit) => `${limit} a second at most`,
};

/** An expected outcome: a group did not do what it was asked for. Plain data, fit to travel. */
export interface RelayRefusal {
  readonly ok: false;
  readonly code: RelayCode;
  /** Of {@link RELAY_TEXTS}, with the limit in force where there is one. */
  readonly message: string;
  /** When there is room again, > 0; with `rate_limited`. */
  readonly retryAfterMs?: number;
}

/** What a refusal tells beyond its code. */
export interface RelayRefusalDetail {
  /** The limit in force, for the text. */
  readonly limit?: number;
  readonly retryAfterMs?: number;
}

/** The refusal of a code, with its text. */
export function refuseRelay(code: RelayCode, detail: RelayRefusalDetail = {}): RelayRefusal {
  const text = RELAY_TEXTS[code];
  const { limit, retryAfterMs } = detail;
  const limitText = limit === undefined ? undefined : limitTexts[code]?.(limit);
  return {
    ok: false,
    code,
    message: limitText === undefined ? text : `${text}: ${limitText}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
