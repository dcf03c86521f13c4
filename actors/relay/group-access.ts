import { type Ask, ReplyError, toErrorRecord } from "#runtime";
import type { Group } from "./group.ts";
import type { GroupKind, MemberState } from "./group-kind.ts";
import type {
  GroupAnswer,
  GroupInfo,
  GroupSummary,
  HistoryAnswer,
  MemberOperation,
  MessageSource,
  SendAnswer,
} from "./group-messages.ts";
import type { RelayRefusal } from "./refusal.ts";
import { RelayError, toRelayError } from "./relay-error.ts";
import type { RelayRouter } from "./router.ts";

/** A group that is to be. */
export interface GroupPlan {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  /** Its admin; null: the first who joins. */
  readonly creator: string | null;
}

/**
 * The groups, wherever they live, for whoever calls on behalf of `by`; null is the node itself, which
 * may do everything. What a group refuses is thrown.
 * @throws RelayError with the group's code; ReplyError `timeout`, `cancelled`, `outcome_unknown`,
 * `unavailable`.
 */
export class GroupAccess {
  readonly #router: () => RelayRouter;

  /** `router` is that of the thread; it throws where there is none. */
  constructor(router: () => RelayRouter) {
    this.#router = router;
  }

  /** Without a session for its creator. @throws RelayError `group_exists`, `too_many_groups`. */
  async create(groupId: string, plan: GroupPlan): Promise<void> {
    const intent = { type: "create", ...plan, mustBeNew: true } as const;
    const found = await attempt(this.#router().find(groupId, intent));
    if (!found.ok) throw new RelayError(found);
  }

  /** @throws ReplyError `invalid_arguments` for a message that has no JSON form, beside the others. */
  async send(
    groupId: string,
    source: MessageSource,
    message: unknown,
  ): Promise<SendAnswer & { readonly ok: true }> {
    const text = encodeMessage(message);
    return this.#ask(groupId, (group) => group.send(source, text));
  }

  /** What `userId` is then; null: no member any more. */
  async change(
    groupId: string,
    operation: MemberOperation,
    by: string | null,
    userId: string,
  ): Promise<MemberState | null> {
    const { member } = await this.#ask(groupId, (group) => group.operate(operation, by, userId));
    return member;
  }

  async leave(groupId: string, userId: string): Promise<void> {
    await this.#ask(groupId, (group) => group.leave(userId));
  }

  async info(groupId: string, by: string | null): Promise<GroupInfo> {
    const { info } = await this.#ask(groupId, (group) => group.info(by));
    return info;
  }

  /** `before` null: the last `limit` messages. */
  history(
    groupId: string,
    by: string | null,
    before: number | null,
    limit: number,
  ): Promise<HistoryAnswer> {
    return this.#ask(groupId, (group) => group.history(by, before, limit));
  }

  async delete(groupId: string, by: string | null): Promise<void> {
    await this.#ask(groupId, (group) => group.delete(by));
  }

  /** The group as the user has it; null when it is no member. */
  async summary(groupId: string, userId: string): Promise<GroupSummary | null> {
    const answer = await attempt(this.#router().ask(groupId, (group) => group.summary(userId)));
    if (answer.ok) return answer.summary;
    if (answer.code === "group_not_found") return null;
    throw new RelayError(answer);
  }

  /** The groups that the user is a member of, by their names: all of them, or it fails. */
  async list(userId: string): Promise<readonly GroupSummary[]> {
    const shard = this.#router().shardOf(userId);
    const refusal = { ok: false, code: "unavailable", message: noHome } as const;
    if (shard === undefined) throw new RelayError(refusal);
    const names = await attempt(shard.ask.groupsOf(userId));
    const summaries = await Promise.all(names.map((name) => this.summary(name, userId)));
    return summaries
      .filter((summary) => summary !== null)
      .sort((one, other) => (one.groupId < other.groupId ? -1 : 1));
  }

  async #ask<T extends { readonly ok: boolean }>(
    groupId: string,
    call: (group: Ask<Group>) => Promise<GroupAnswer<T>>,
  ): Promise<T & { readonly ok: true }> {
    const answer: { readonly ok: boolean } = await attempt(this.#router().ask(groupId, call));
    if (!answer.ok) throw new RelayError(answer as RelayRefusal);
    return answer as T & { readonly ok: true };
  }
}

/** Once for all who get it. */
function encodeMessage(message: unknown): string {
  try {
    const text: string | undefined = JSON.stringify(message);
    if (text !== undefined) return text;
  } catch (error) {
    const { message: reason } = toErrorRecord(error);
    throw new ReplyError("invalid_arguments", `message: expected what JSON can say: ${reason}`);
  }
  const received = typeof message;
  throw new ReplyError(
    "invalid_arguments",
    `message: expected what JSON can say, received ${received}`,
  );
}

const noHome = "The groups cannot be reached now";

async function attempt<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toRelayError(error);
  }
}
