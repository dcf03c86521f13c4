import type { Timer } from "#runtime";
import type { Crowd } from "./crowd.ts";
import type { GroupDoor } from "./group-door.ts";
import type { MemberState } from "./group-kind.ts";
import type { GroupPlace } from "./group-place.ts";
import type { GroupState } from "./group-state.ts";

/** How long a member whose last session has ended may come back as what it was. */
const returnMs = 30_000;
/** How long the sessions of members may take to follow a group that has moved. */
const followMs = 10_000;

/**
 * Who is expected in a group. Members whose sessions are to follow it after a move have 10 s for that.
 * Who is a member no more because the last session has ended is again what it was when it comes back
 * within 30 s. None of it happens any more once the group is elsewhere.
 */
export class Returns {
  readonly #place: GroupPlace;
  readonly #crowd: Crowd;
  readonly #door: GroupDoor;
  readonly #onChange: () => void;
  readonly #following = new Set<string>();
  /** The first to expire first. */
  readonly #departed = new Map<string, { readonly state: MemberState; readonly until: number }>();
  #sweeping: Timer | null = null;

  /** Calls `onChange` when somebody is expected no more, of itself: not when that was asked of it. */
  constructor(place: GroupPlace, crowd: Crowd, door: GroupDoor, onChange: () => void) {
    this.#place = place;
    this.#crowd = crowd;
    this.#door = door;
    this.#onChange = onChange;
  }

  /** Whether nobody is expected. */
  get isEmpty(): boolean {
    // Those who were to follow have left, or were removed, when nobody is a member.
    const isFollowed = this.#following.size > 0 && !this.#place.membership.isEmpty;
    return this.#departed.size === 0 && !isFollowed;
  }

  /** Whether somebody who is no member may be one again. */
  get hasDeparted(): boolean {
    return this.#departed.size > 0;
  }

  /** What is told of them on a move. */
  state(): Required<Pick<GroupState, "connected" | "departed">> {
    const departed = Array.from(this.#departed.values(), ({ state }) => state);
    return { connected: [...this.#following], departed };
  }

  /** After a move: who was connected to the group where it was, then or a moment ago. */
  expect({ connected = [], departed = [] }: GroupState): void {
    const { context, membership } = this.#place;
    this.remember(departed.filter(({ userId }) => membership.get(userId) === undefined));
    const late = connected.filter((userId) => membership.sessionsOf(userId) === 0);
    if (membership.isDurable || late.length === 0) return;
    for (const userId of late) this.#following.add(userId);
    context.after(followMs, () => {
      for (const userId of late) this.#following.delete(userId);
      this.#whenHere(() => this.remember(this.#crowd.expire(late)));
    });
  }

  /** These are members no more, and may come back. */
  remember(states: readonly MemberState[]): void {
    if (states.length === 0) return;
    const { context } = this.#place;
    const until = context.clock.now() + returnMs;
    for (const state of states) {
      this.#departed.delete(state.userId);
      this.#departed.set(state.userId, { state, until });
    }
    this.#sweeping ??= context.after(returnMs, () => this.#sweep());
  }

  /** Makes a user again the member that it was a moment ago; false: it was none. */
  comeBack(userId: string): boolean {
    const state = this.#take(userId);
    if (state === undefined) return false;
    this.#crowd.change(this.#place.membership.merge([state]));
    return true;
  }

  /** It shall not come back as what it was; false: it would not have. */
  forget(userId: string): boolean {
    return this.#take(userId) !== undefined;
  }

  #take(userId: string): MemberState | undefined {
    const known = this.#departed.get(userId);
    this.#departed.delete(userId);
    if (this.#departed.size === 0) {
      this.#sweeping?.cancel();
      this.#sweeping = null;
    }
    return known?.state;
  }

  #sweep(): void {
    const { context } = this.#place;
    const now = context.clock.now();
    this.#sweeping = null;
    for (const [userId, { until }] of this.#departed) {
      if (until > now) {
        this.#sweeping = context.after(until - now, () => this.#sweep());
        return;
      }
      this.#departed.delete(userId);
    }
    this.#whenHere(() => {});
  }

  #whenHere(act: () => void): void {
    void this.#door.admit(null, () => {
      act();
      this.#onChange();
    });
  }
}
