import { printReceived } from "../registry/index.ts";
import { currentContext, ServiceError } from "../service/index.ts";
import { defaultPageSize, maxPageSize } from "./chat-functions.ts";
import { GroupAccess } from "./group-access.ts";
import { type GroupKind, groupKinds, isGroupKind, type MemberState } from "./group-kind.ts";
import type { GroupInfo, GroupSummary, MemberOperation } from "./group-messages.ts";
import { checkGroupId } from "./join-payload.ts";
import { type RelayRouter, relayRouterOf } from "./router.ts";

/** A group that is to be; all of it has a default. */
export interface GroupOptions {
  /** Default `public`. */
  readonly kind?: GroupKind;
  /** Whether its members and messages outlive the gateway; default false. */
  readonly durable?: boolean;
  /** A member from the start, and the admin; default: the first who joins is the admin. */
  readonly admin?: string | null;
}

/** A message to a group. */
export interface GroupMessage {
  /** Anything that JSON can say. */
  readonly message: unknown;
  /** The member who sends it, with what a member may; null, the default: the node itself. */
  readonly from?: string | null;
  /** What the pushes carry as `request_id`; default: the empty text. */
  readonly requestId?: string;
}

/** A message as it was pushed. */
interface SentMessage {
  readonly groupId: string;
  /** Null: a service or an operator sent it. */
  readonly fromUserId: string | null;
  readonly message: unknown;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly offset: number;
}

/** A part of what was said in a group, the oldest first. */
export interface MessagePage {
  readonly messages: readonly SentMessage[];
  /** Whether older ones are kept. */
  readonly hasMore: boolean;
  readonly epoch: string;
  /** Of the last message of the group, 0 before the first. */
  readonly offset: number;
}

/** What a page of messages is to be. */
export interface PageOptions {
  /** Messages of lower offsets alone; null, the default: the last ones. */
  readonly before?: number | null;
  /** Messages at most, 1 to 100; default 50. */
  readonly limit?: number;
}

/**
 * The relay groups for code of services, on any scheduler thread of any node of the cluster. The node
 * itself asks: it may do what an admin may, in every group, and needs to be no member.
 *
 * Each function rejects with a ServiceError that has the group's code (`group_not_found`,
 * `group_exists`, `no_such_member`, …) or `timeout`, `outcome_unknown`, `unavailable`, and with a
 * TypeError for what is no argument of it.
 */
export class Groups {
  readonly #groups: GroupAccess;

  /** @param router that of the thread at hand; it throws where there is none */
  constructor(router: () => RelayRouter) {
    this.#groups = new GroupAccess(router);
  }

  /** Creates a group without sessions. */
  async create(groupId: string, options: GroupOptions = {}): Promise<void> {
    const { kind = "public", durable: isDurable = false, admin: creator = null } = options;
    checkGroup(groupId);
    if (!isGroupKind(kind)) throw fault("kind", groupKinds.join(", "), kind);
    if (typeof isDurable !== "boolean") throw fault("durable", "true or false", isDurable);
    if (creator !== null) checkName("admin", creator);
    await this.#groups.create(groupId, { kind, isDurable, creator });
  }

  /** Resolves when the message has its place; `recipients` are the sessions that it is for. */
  async send(
    groupId: string,
    { message, from: userId = null, requestId = "" }: GroupMessage,
  ): Promise<{ readonly recipients: number; readonly offset: number }> {
    checkGroup(groupId);
    if (userId !== null) checkName("from", userId);
    if (message === undefined) throw fault("message", "what JSON can say", message);
    const from = { userId, requestId };
    const { recipients, offset } = await this.#groups.send(groupId, from, message);
    return { recipients, offset };
  }

  /** Lets a pending member in. */
  accept(groupId: string, userId: string): Promise<MemberState> {
    return this.#change(groupId, "accept", userId);
  }

  /** The member receives, and sends no more; in groups of kind `strict_private`. */
  mute(groupId: string, userId: string): Promise<MemberState> {
    return this.#change(groupId, "mute", userId);
  }

  /** The member may send again. */
  unmute(groupId: string, userId: string): Promise<MemberState> {
    return this.#change(groupId, "unmute", userId);
  }

  /** The member is an admin too. */
  promote(groupId: string, userId: string): Promise<MemberState> {
    return this.#change(groupId, "promote", userId);
  }

  /** The member is no admin any more; one has to remain. */
  demote(groupId: string, userId: string): Promise<MemberState> {
    return this.#change(groupId, "demote", userId);
  }

  /** The user is no member any more, its sessions get no more messages. */
  async remove(groupId: string, userId: string): Promise<void> {
    checkGroup(groupId);
    checkName("userId", userId);
    await this.#groups.change(groupId, "remove", null, userId);
  }

  /** Who is in it, and where its messages are. */
  async info(groupId: string): Promise<GroupInfo> {
    checkGroup(groupId);
    return this.#groups.info(groupId, null);
  }

  /** Ends a group for all its members. */
  async delete(groupId: string): Promise<void> {
    checkGroup(groupId);
    await this.#groups.delete(groupId, null);
  }

  /** What was said in a group, as far as it is kept. */
  async history(groupId: string, options: PageOptions = {}): Promise<MessagePage> {
    const { before = null, limit = defaultPageSize } = options;
    checkGroup(groupId);
    if (before !== null && !Number.isSafeInteger(before))
      throw fault("before", "an offset", before);
    if (!Number.isInteger(limit) || limit < 1 || limit > maxPageSize) {
      throw fault("limit", `a whole number from 1 to ${maxPageSize}`, limit);
    }
    const page = await this.#groups.history(groupId, null, before, limit);
    const { texts, hasMore, epoch, offset } = page;
    return { messages: texts.map(parseMessage), hasMore, epoch, offset };
  }

  /** The groups that a user is a member of, by their names. */
  async list(userId: string): Promise<readonly GroupSummary[]> {
    checkName("userId", userId);
    return this.#groups.list(userId);
  }

  async #change(
    groupId: string,
    operation: Exclude<MemberOperation, "remove">,
    userId: string,
  ): Promise<MemberState> {
    checkGroup(groupId);
    checkName("userId", userId);
    // None of these ends a membership.
    return (await this.#groups.change(groupId, operation, null, userId)) as MemberState;
  }
}

/** The relay groups of the node that this code runs on; `unavailable` where none runs. */
export const groups: Groups = new Groups(() => {
  const context = currentContext();
  if (context === null)
    throw new ServiceError("unavailable", "groups: no node runs on this thread");
  return relayRouterOf(context);
});

function parseMessage(text: string): SentMessage {
  const { result } = JSON.parse(text);
  const { group_id, from_user_id, message, timestamp, offset } = result;
  return { groupId: group_id, fromUserId: from_user_id, message, timestamp, offset };
}

function checkGroup(groupId: unknown): void {
  checkName("groupId", groupId);
  const reason = checkGroupId(groupId as string);
  if (reason !== null) throw new TypeError(reason.replace("group_id", "groupId"));
}

function checkName(field: string, given: unknown): void {
  if (typeof given !== "string" || given === "") throw fault(field, "a non-empty string", given);
}

function fault(field: string, expected: string, given: unknown): TypeError {
  const received = given === undefined ? "nothing" : printReceived(given);
  return new TypeError(`${field}: expected ${expected}, received ${received}`);
}
