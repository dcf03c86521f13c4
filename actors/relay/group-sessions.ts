import type { FanoutLink } from "./fanout-link.ts";
import { type Few, FewBy } from "./few.ts";
import type { PresentSession } from "./presence.ts";

/** A session of a member: what it is to its fan-out, and what presence shows of it. */
export interface GroupSession extends PresentSession {
  readonly link: FanoutLink;
  /** The fan-out's number for it. */
  readonly session: number;
  /** Its channel is the group's own: it is told who is here. */
  readonly isOfTopic: boolean;
}

/** By the fan-out's numbers. */
export const byNumber: FewBy<number, GroupSession> = new FewBy(({ session }) => session);
/** By the keys of their refs. */
export const byFanout: FewBy<string | number, FanoutLink> = new FewBy(({ ref }) => ref.nearKey);

/** The fan-outs with sessions of a group, and those that have not heard yet that they fell behind. */
export type FanoutLinks = Few<string | number, FanoutLink>;

/** The sessions of all of them: for what happens seldom. */
export function listSessions(links: FanoutLinks): GroupSession[] {
  return [...byFanout.values(links)].flatMap(({ sessions }) => [...byNumber.values(sessions)]);
}
