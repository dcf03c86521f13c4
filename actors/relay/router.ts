import type { ActorContext, ActorRef, Ask, Nodes } from "#runtime";
import { selectAskFailure } from "./ask-failure.ts";
import type { Group } from "./group.ts";
import type { GroupAnswer } from "./group-messages.ts";
import type { GroupSearch, Intent } from "./intent.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import { type RelayView, relayViewOf } from "./relay-view.ts";
import type { RelayShard, ShardAnswer } from "./shard.ts";

export type { GroupSearch, Intent } from "./intent.ts";

/** How long a group is looked for, and asked, altogether. */
const defaultTimeoutMs = 5_000;
/** Between two tries while there is no home, or views differ; doubled up to the longer one. */
const minPauseMs = 20;
const maxPauseMs = 500;
/** Groups whose place a thread remembers. */
const maxRemembered = 10_000;

/** One thread's way to the groups, wherever they live. */
export class RelayRouter {
  readonly #context: ActorContext;
  readonly #view: RelayView;
  /** The last found at the end. */
  readonly #places = new Map<string, ActorRef<Group>>();

  constructor(context: ActorContext) {
    this.#context = context;
    this.#view = relayViewOf(context);
    context.nodes.onChange(({ type, node }) => {
      if (type === "node_down") this.#forgetNode(node.name);
    });
  }

  /**
   * The group of that name: for the intent `find` from memory, else from its home. Tried again until
   * `timeoutMs` have passed, then `unavailable`. Never rejects.
   *
   * What is remembered may be gone or have moved: who only tells watches it, and calls
   * {@link forget} before the next try.
   */
  async find(
    groupId: string,
    intent: Intent,
    timeoutMs: number = defaultTimeoutMs,
  ): Promise<GroupSearch> {
    const known = intent.type === "find" ? this.#places.get(groupId) : undefined;
    if (known !== undefined) return { ok: true, group: known, isNew: false };
    const endsAt = this.#context.clock.now() + timeoutMs;
    for (let pauseMs = minPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
      const answer = await this.#ask(groupId, intent, endsAt);
      if (answer?.ok) this.#remember(groupId, answer.group);
      if (answer !== null) return answer;
      const leftMs = endsAt - this.#context.clock.now();
      if (leftMs <= 0) return refuseRelay("unavailable");
      await this.#pause(Math.min(pauseMs, leftMs));
    }
  }

  /**
   * Asks the group of that name: `router.ask("chat", (group) => group.info(by))`. Follows it when it
   * has moved, and looks for it anew when what is remembered is gone.
   *
   * @returns what the group answers, or why it cannot be asked.
   * @throws TroupeError when the group may have begun with it and no answer came; what is wrong with
   *   the message; ReplyErrors of the group.
   */
  async ask<T>(
    groupId: string,
    call: (ask: Ask<Group>) => Promise<GroupAnswer<T>>,
  ): Promise<T | RelayRefusal> {
    const { clock } = this.#context;
    const endsAt = clock.now() + defaultTimeoutMs;
    for (let pauseMs = 0; ; pauseMs = Math.min(Math.max(minPauseMs, pauseMs * 2), maxPauseMs)) {
      const leftMs = endsAt - clock.now();
      if (leftMs <= 0) return refuseRelay("unavailable");
      const found = await this.find(groupId, { type: "find" }, leftMs);
      if (!found.ok) return found;
      const timeoutMs = Math.max(0, endsAt - clock.now());
      try {
        const answer = await call(found.group.askWith({ timeoutMs }));
        if (!hasMoved(answer)) return answer;
        this.#remember(groupId, answer.moved);
      } catch (error) {
        const failure = selectAskFailure(error);
        if (failure === "busy") return refuseRelay("unavailable");
        if (failure === "unclear") throw error;
        this.#forget(groupId, found.group);
      }
      // Once at once: what was remembered was old. More often: it is on its way.
      if (pauseMs > 0) await this.#pause(Math.min(pauseMs, timeoutMs));
    }
  }

  /** The home of a group or a user by the present view; undefined: it has none at the moment. */
  shardOf(key: string): ActorRef<RelayShard> | undefined {
    const home = this.#view.homeOf(key);
    return home === null ? undefined : this.#view.shardAt(home);
  }

  /** What is remembered of the group is wrong. */
  forget(groupId: string): void {
    this.#places.delete(groupId);
  }

  /** Null: to be tried again. */
  async #ask(groupId: string, intent: Intent, endsAt: number): Promise<GroupSearch | null> {
    const shard = this.shardOf(groupId);
    if (shard === undefined) return null;
    const timeoutMs = Math.max(0, endsAt - this.#context.clock.now());
    let answer: ShardAnswer;
    try {
      answer = await shard.askWith({ timeoutMs }).find(groupId, intent);
    } catch (error) {
      return this.#failed(intent, error);
    }
    return answer.ok || answer.code !== "wrong_home" ? answer : null;
  }

  #failed(intent: Intent, error: unknown): RelayRefusal | null {
    if (selectAskFailure(error) !== "unclear") return null;
    // It may have been created: to look again could find one's own and call it another's.
    const isUnclear = intent.type === "create" && intent.mustBeNew;
    return isUnclear ? refuseRelay("unavailable") : null;
  }

  #remember(groupId: string, group: ActorRef<Group>): void {
    this.#places.delete(groupId);
    this.#places.set(groupId, group);
    if (this.#places.size <= maxRemembered) return;
    for (const oldest of this.#places.keys()) {
      this.#places.delete(oldest);
      return;
    }
  }

  #forget(groupId: string, group: ActorRef<Group>): void {
    if (this.#places.get(groupId)?.equals(group)) this.#places.delete(groupId);
  }

  #forgetNode(name: string): void {
    for (const [groupId, { node }] of this.#places) {
      if (node === name) this.#places.delete(groupId);
    }
  }

  /** Not bound to the life of an actor: the router is its thread's. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#context.clock.after(ms, resolve));
  }
}

function hasMoved<T>(answer: GroupAnswer<T>): answer is { readonly moved: ActorRef<Group> } {
  return typeof answer === "object" && answer !== null && "moved" in answer;
}

const routers = new WeakMap<Nodes, RelayRouter>();

/** The router of the thread of `context`. */
export function relayRouterOf(context: ActorContext): RelayRouter {
  let router = routers.get(context.nodes);
  if (router === undefined) {
    router = new RelayRouter(context);
    routers.set(context.nodes, router);
  }
  return router;
}
