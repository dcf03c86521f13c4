import type { ActorContext } from "#runtime";
import type { GroupOrigin } from "./group-messages.ts";
import { History, type HistoryLimits } from "./history.ts";
import { Membership } from "./membership.ts";
import type { RelaySettings } from "./relay-settings.ts";

/** What a group begins with. */
export interface GroupBeginning {
  readonly membership: Membership;
  readonly history: History;
  /** Wall-clock time, in ms. */
  readonly createdAt: number;
}

/**
 * What a group begins with, by where it comes from. Whoever cannot be sure to go on where the last
 * message ended begins a new epoch; offsets go on from the highest that is known.
 *
 * @param now wall-clock time, in ms
 * @param epoch of the messages to come, should it be a new one
 */
export function openGroup(
  settings: RelaySettings,
  origin: GroupOrigin,
  now: number,
  epoch: string,
): GroupBeginning {
  const limits = selectLimits(settings);
  if (origin.type === "new") {
    const { kind, isDurable, creator } = origin;
    const membership = Membership.create(kind, isDurable, creator, now);
    return { membership, history: new History(limits, epoch), createdAt: now };
  }
  if (origin.type === "claimed") {
    const { kind, isDurable, offset } = origin;
    const membership = Membership.restore({ kind, isDurable, members: [] });
    return { membership, history: new History(limits, epoch, offset), createdAt: now };
  }
  const { state } = origin;
  const isNewEpoch = origin.type === "stored" && origin.isSuspect;
  return {
    membership: Membership.restore(state),
    history: new History(limits, isNewEpoch ? epoch : state.epoch, state.offset, state.messages),
    createdAt: state.createdAt,
  };
}

/** A name for a count of messages that no other has. */
export function newEpoch({ clock, random }: Pick<ActorContext, "clock" | "random">): string {
  const chance = Math.floor(random() * 36 ** 4);
  return clock.wallTime().toString(36) + chance.toString(36).padStart(4, "0");
}

/** All groups of the same settings have the same. */
const limitsOf = new WeakMap<RelaySettings, HistoryLimits>();

/** What a group keeps of its messages. */
export function selectLimits(settings: RelaySettings): HistoryLimits {
  const known = limitsOf.get(settings);
  if (known !== undefined) return known;
  const { messages, minutes } = settings.history;
  const limits = { maxMessages: messages, maxAgeMs: minutes === null ? null : minutes * 60_000 };
  limitsOf.set(settings, limits);
  return limits;
}
