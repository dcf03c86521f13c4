import type { ActorContext, ActorRef } from "#runtime";
import type { Group } from "./group.ts";
import type { RelayView } from "./relay-view.ts";
import type { Settling } from "./settling.ts";
import type { RelayShard } from "./shard.ts";
import type { ShardGroups } from "./shard-groups.ts";

/** Whoever looks for a group is told after this, however often nodes change. */
const maxWaitMs = 3_000;
/** The other nodes are asked again after this. */
const pauseMs = 250;
/** How long they may take to hand a group over. */
const surrenderMs = 1_000;
/** Searches that may wait here; others have to come again. */
const maxWaiting = 5_000;

/** What a search ends with: the group, or that there is none, or that it should be made again. */
export type SearchEnd = ActorRef<Group> | "none" | "again";

/** Looks for groups that are not on their shard, for as long as they may turn up. */
export class ShardSearch {
  readonly #context: ActorContext;
  readonly #view: RelayView;
  readonly #groups: ShardGroups;
  readonly #settling: Settling;
  /** The questions to other nodes that are under way. */
  readonly #questions = new Map<string, Promise<ActorRef<Group> | null>>();

  constructor(context: ActorContext, view: RelayView, groups: ShardGroups, settling: Settling) {
    this.#context = context;
    this.#view = view;
    this.#groups = groups;
    this.#settling = settling;
  }

  /**
   * Asks the other nodes until the group turns up, here or there, or until it cannot any more.
   *
   * @param isPatient false for who brings what is needed to rebuild the group: the others are asked
   *   once, and nobody else is waited for.
   * @param isHome whether the search is still this shard's
   */
  async run(groupId: string, isPatient: boolean, isHome: () => boolean): Promise<SearchEnd> {
    const { clock } = this.#context;
    const endsAt = clock.now() + maxWaitMs;
    while (this.#settling.isOpen(groupId)) {
      const there = await this.#askOthers(groupId);
      const found = this.#groups.get(groupId) ?? there;
      if (found !== null) return found;
      if (!isHome()) return "again";
      if (!isPatient || clock.now() >= endsAt) break;
      if (this.#settling.waiting >= maxWaiting) return "again";
      await this.#settling.wait(groupId, pauseMs);
    }
    return "none";
  }

  /** At one time once for each group. */
  #askOthers(groupId: string): Promise<ActorRef<Group> | null> {
    let question = this.#questions.get(groupId);
    if (question === undefined) {
      question = this.#ask(groupId).finally(() => this.#questions.delete(groupId));
      this.#questions.set(groupId, question);
    }
    return question;
  }

  async #ask(groupId: string): Promise<ActorRef<Group> | null> {
    const self = this.#context.self as ActorRef<RelayShard>;
    const answers = this.#view.shardsElsewhere(groupId).map((shard) =>
      shard
        .askWith({ timeoutMs: surrenderMs })
        .surrender(groupId, self)
        .catch(() => null),
    );
    for (const answer of await Promise.all(answers)) if (answer !== null) return answer;
    return null;
  }
}
