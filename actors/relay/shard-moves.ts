import { type ActorContext, type ActorRef, toErrorRecord } from "#runtime";
import { selectAskFailure } from "./ask-failure.ts";
import type { Group } from "./group.ts";
import type { GroupState } from "./group-state.ts";
import type { RelayView } from "./relay-view.ts";
import type { RelayShard } from "./shard.ts";
import type { ShardGroups } from "./shard-groups.ts";

/** How long a group may take to say what it is. */
const exportMs = 3_000;
/** How long its new home may take to have it, and how often it is offered when no answer comes. */
const adoptMs = 3_000;
const adoptTries = 3;
/** Groups that are moved at once. */
const parallel = 16;
/** When what could not be moved is tried again. */
const retryMs = 500;
const evacuateRetryMs = 100;
/** How long a shard that stops tries to find other homes: less than it has to stop. */
const evacuateMs = 8_000;
/** When a group that was brought to a shard which is not its home is looked at again. */
const strayMs = 10_000;

/**
 * What became of a move. `gone`: there is nothing to move. `refused`: the other shard is not the
 * right one. `absent`: the other shard does not exist now. `silent`: nobody knows.
 */
export type MoveOutcome =
  | { readonly ok: true; readonly group: ActorRef<Group> }
  | { readonly ok: false; readonly why: "gone" | "refused" | "absent" | "stopping" | "silent" };

/** Moves the groups of a shard to where they belong, without losing or repeating anything. */
export class ShardMoves {
  readonly #context: ActorContext;
  readonly #groups: ShardGroups;
  readonly #view: RelayView;
  #isRunning = false;
  #isAskedAgain = false;
  #isRetrying = false;
  #hasStray = false;

  constructor(context: ActorContext, groups: ShardGroups, view: RelayView) {
    this.#context = context;
    this.#groups = groups;
    this.#view = view;
  }

  /**
   * Moves a group to another shard. It waits while it is on its way; if the other shard does not
   * take it, it goes on here. When no answer comes it is offered again, which does no harm: two that
   * go on would both count. If none comes at all the other node is as good as lost; should it be back
   * with a copy, the next move of either brings the two together.
   */
  move(groupId: string, to: ActorRef<RelayShard>): Promise<MoveOutcome> {
    return this.#groups.exclusively(groupId, async () => {
      const group = this.#groups.get(groupId);
      if (group === undefined) {
        const there = this.#groups.forwardOf(groupId);
        return there === undefined ? { ok: false, why: "gone" } : { ok: true, group: there };
      }
      const state = await this.#export(group);
      if (state === null) return { ok: false, why: "gone" };
      const outcome = await adopt(state, to);
      if (outcome.ok) {
        this.#groups.release(groupId, outcome.group);
        // Asked, not told: it shall have told its fan-outs before its shard stops.
        await group
          .askWith({ timeoutMs: exportMs })
          .movedTo(outcome.group)
          .catch(() => {});
      } else group.tell.stay();
      return outcome;
    });
  }

  /** Moves all groups whose home is elsewhere; what cannot be moved now is tried again. */
  rebalance(): void {
    this.#isAskedAgain = true;
    if (!this.#isRunning) void this.#run();
  }

  /** A group has come that belongs elsewhere: whoever brought it may know more, for a while. */
  rebalanceLater(): void {
    if (this.#hasStray) return;
    this.#hasStray = true;
    this.#context.after(strayMs, () => {
      this.#hasStray = false;
      this.rebalance();
    });
  }

  /**
   * Moves all groups to other nodes, because this one stops. What nobody takes within 8 s, or when
   * there is nobody, stays and ends with the shard.
   */
  async evacuate(): Promise<void> {
    const endsAt = this.#context.clock.now() + evacuateMs;
    // Those that stop as well.
    const out = new Set([this.#view.self]);
    const names = [...this.#groups.entries()].map(([groupId]) => groupId);
    let left = 0;
    await this.#forEach(names, async (groupId) => {
      if (!(await this.#evacuate(groupId, out, endsAt))) left += 1;
    });
    if (names.length === 0 || (left === names.length && this.#view.nodes.length <= 1)) return;
    const fields = { moved: names.length - left, left };
    this.#context.log(left === 0 ? "info" : "warn", "relay groups handed over", fields);
  }

  async #evacuate(groupId: string, out: Set<string>, endsAt: number): Promise<boolean> {
    const { clock } = this.#context;
    while (clock.now() < endsAt) {
      const home = this.#view.homeWithout(groupId, out);
      if (home === null) return false;
      const shard = this.#view.shardAt(home);
      const outcome = shard === undefined ? null : await this.move(groupId, shard);
      if (outcome?.ok || outcome?.why === "gone") return true;
      if (outcome?.why === "stopping") out.add(home.node);
      // Not a timer of the actor, which has none any more.
      else await new Promise<void>((resolve) => clock.after(evacuateRetryMs, resolve));
    }
    return false;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let failed = 0;
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      const version = this.#view.version;
      const names = [...this.#groups.entries()].map(([groupId]) => groupId);
      failed = 0;
      await this.#forEach(names, async (groupId) => {
        if (!(await this.#bringHome(groupId))) failed += 1;
      });
      if (version !== this.#view.version) this.#isAskedAgain = true;
    }
    this.#isRunning = false;
    if (failed === 0 || this.#isRetrying) return;
    this.#isRetrying = true;
    this.#context.after(retryMs, () => {
      this.#isRetrying = false;
      this.rebalance();
    });
  }

  /** False: it is to be tried again. */
  async #bringHome(groupId: string): Promise<boolean> {
    const home = this.#view.homeOf(groupId);
    if (home === null || home.node === this.#view.self) return true;
    const shard = this.#view.shardAt(home);
    if (shard === undefined) return false;
    const outcome = await this.move(groupId, shard);
    return outcome.ok || outcome.why === "gone";
  }

  /** Null: it has ended, or does not answer. */
  async #export(group: ActorRef<Group>): Promise<GroupState | null> {
    try {
      return await group.askWith({ timeoutMs: exportMs }).export();
    } catch (error) {
      // It may have begun; then nobody else would tell it to go on.
      if (selectAskFailure(error) === "unclear") group.tell.stay();
      return null;
    }
  }

  async #forEach(names: readonly string[], act: (groupId: string) => Promise<void>): Promise<void> {
    const next = names.values();
    const work = async (): Promise<void> => {
      for (const groupId of next) {
        try {
          await act(groupId);
        } catch (error) {
          const fields = { groupId, error: toErrorRecord(error).message };
          this.#context.log("error", "a relay group could not be moved", fields);
        }
      }
    };
    await Promise.all(Array.from({ length: parallel }, work));
  }
}

async function adopt(state: GroupState, to: ActorRef<RelayShard>): Promise<MoveOutcome> {
  for (let left = adoptTries - 1; ; left -= 1) {
    const outcome = await adoptOnce(state, to);
    if (outcome.ok || outcome.why !== "silent" || left === 0) return outcome;
  }
}

async function adoptOnce(state: GroupState, to: ActorRef<RelayShard>): Promise<MoveOutcome> {
  try {
    const answer = await to.askWith({ timeoutMs: adoptMs }).adopt(state);
    return answer.ok ? answer : { ok: false, why: "refused" };
  } catch (error) {
    if (toErrorRecord(error).code === "actor_stopped") return { ok: false, why: "stopping" };
    const isAbsent = selectAskFailure(error) !== "unclear";
    return { ok: false, why: isAbsent ? "absent" : "silent" };
  }
}
