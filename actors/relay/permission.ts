import type { GroupKind, MemberState } from "./group-kind.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";

/** What may be allowed to some in a group, and not to others. */
export type GroupAction =
  | "info"
  | "history"
  | "send"
  | "accept"
  | "mute"
  | "unmute"
  | "promote"
  | "demote"
  | "remove"
  | "delete";

/**
 * What it takes: `accepted` members are active or muted ones; `nobody` may do what groups of the
 * kind do not have.
 */
type Need = "anyone" | "accepted" | "active" | "admin" | "nobody";

const privateNeeds: Readonly<Record<GroupAction, Need>> = {
  info: "accepted",
  history: "accepted",
  send: "active",
  accept: "active",
  mute: "nobody",
  unmute: "nobody",
  promote: "admin",
  demote: "admin",
  remove: "admin",
  delete: "admin",
};

/** The permission matrix. */
const needs: Readonly<Record<GroupKind, Readonly<Record<GroupAction, Need>>>> = {
  public: { ...privateNeeds, info: "anyone" },
  private: privateNeeds,
  strict_private: { ...privateNeeds, accept: "admin", mute: "admin", unmute: "admin" },
};

/**
 * Whether someone may do something in a group of a kind; null: yes.
 *
 * @param by the member; undefined: somebody who is none; null: the system (a service, an operator),
 *   that may do all that groups of the kind have.
 * @returns else a refusal of, in this order, `not_a_member`, `membership_pending`,
 *   `not_strict_private`, `not_admin`, `muted`: so a stranger learns nothing of the group.
 */
export function decidePermission(
  kind: GroupKind,
  action: GroupAction,
  by: MemberState | undefined | null,
): RelayRefusal | null {
  const need = needs[kind][action];
  if (need === "anyone") return null;
  if (by === undefined) return refuseRelay("not_a_member");
  if (by?.status === "pending") return refuseRelay("membership_pending");
  if (need === "nobody") return refuseRelay("not_strict_private");
  if (by === null) return null;
  if (need === "admin" && by.role !== "admin") return refuseRelay("not_admin");
  if (need === "active" && by.status === "muted") return refuseRelay("muted");
  return null;
}
