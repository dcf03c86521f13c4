import { type ActorContext, type ActorRef, TroupeError } from "#runtime";
import { Group } from "./group.ts";
import type { GroupOrigin, GroupStart } from "./group-messages.ts";
import type { RelaySettings } from "./relay-settings.ts";

/**
 * Messages that a group may have in progress: never what stops it. What comes while it is being moved
 * waits in it, and the word that ends the move has to come in as well.
 */
const groupConcurrency = 1_000_000;
/** How long a shard says where a group has moved, to those whose view has not changed yet. */
const forwardMs = 10_000;

/** A group that is elsewhere, and until when that is told. */
interface Forward {
  readonly group: ActorRef<Group>;
  readonly until: number;
}

/** The groups that a shard holds, its children, and where those have gone that it held. */
export class ShardGroups {
  readonly #context: ActorContext;
  readonly #settings: RelaySettings;
  readonly #groups = new Map<string, ActorRef<Group>>();
  /** The names by the actors' numbers: all of them live on this thread. */
  readonly #names = new Map<number, string>();
  /** The first to expire first. */
  readonly #forwards = new Map<string, Forward>();
  /** The last of what is being done, one after the other, to each of some groups. */
  readonly #turns = new Map<string, Promise<void>>();
  #starting = 0;
  /** Those that ended before their start was heard of. */
  readonly #endedEarly = new Set<number>();

  constructor(context: ActorContext, settings: RelaySettings) {
    this.#context = context;
    this.#settings = settings;
  }

  get size(): number {
    return this.#groups.size;
  }

  /** Names and actors. */
  entries(): IterableIterator<[string, ActorRef<Group>]> {
    return this.#groups.entries();
  }

  get(groupId: string): ActorRef<Group> | undefined {
    return this.#groups.get(groupId);
  }

  /** Where a group has gone that was here a moment ago. */
  forwardOf(groupId: string): ActorRef<Group> | undefined {
    const forward = this.#forwards.get(groupId);
    return forward === undefined || forward.until <= this.#context.clock.now()
      ? undefined
      : forward.group;
  }

  /**
   * Starts a group that is not here. Only within {@link exclusively}.
   * @throws TroupeError `start_failed`, `stopping`.
   */
  async start(groupId: string, origin: GroupOrigin): Promise<ActorRef<Group>> {
    const args: [GroupStart] = [{ groupId, settings: this.#settings, origin }];
    this.#starting += 1;
    try {
      const { thread } = this.#context;
      const options = { args, thread, concurrency: groupConcurrency };
      const group = await this.#context.spawn(Group, options);
      if (this.#endedEarly.has(group.id)) {
        throw new TroupeError("start_failed", `group ${groupId} ended at its start`);
      }
      this.#groups.set(groupId, group);
      this.#names.set(group.id, groupId);
      this.#forwards.delete(groupId);
      return group;
    } finally {
      this.#starting -= 1;
      if (this.#starting === 0) this.#endedEarly.clear();
    }
  }

  /** A child has ended: the name of the group that is here no more, if it was not moved before. */
  ended(ref: ActorRef): string | null {
    const groupId = this.#names.get(ref.id);
    if (groupId === undefined) {
      if (this.#starting > 0) this.#endedEarly.add(ref.id);
      return null;
    }
    this.#names.delete(ref.id);
    this.#groups.delete(groupId);
    return groupId;
  }

  /** A group is `there` now; its actor here ends by itself, when it has told all who do not know. */
  release(groupId: string, there: ActorRef<Group>): void {
    const group = this.#groups.get(groupId);
    if (group === undefined) return;
    this.#groups.delete(groupId);
    this.#names.delete(group.id);
    const now = this.#context.clock.now();
    for (const [other, { until }] of this.#forwards) {
      if (until > now) break;
      this.#forwards.delete(other);
    }
    this.#forwards.delete(groupId);
    this.#forwards.set(groupId, { group: there, until: now + forwardMs });
  }

  /** Nobody is sent to a node any more that is down. */
  forgetNode(name: string): void {
    for (const [groupId, { group }] of this.#forwards) {
      if (group.node === name) this.#forwards.delete(groupId);
    }
  }

  /** The view has changed: it tells better where groups are. */
  forgetForwards(): void {
    this.#forwards.clear();
  }

  /** Does what changes where a group is: for each group one after the other, in the order asked. */
  exclusively<T>(groupId: string, act: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(groupId);
    const done = before === undefined ? act() : before.then(act);
    const forget = (): void => {
      if (this.#turns.get(groupId) === turn) this.#turns.delete(groupId);
    };
    const turn: Promise<void> = done.then(forget, forget);
    this.#turns.set(groupId, turn);
    return done;
  }
}
