import { Actor, type ActorRef, HERE, ReplyError } from "#runtime";
import { chatServiceName, serviceGroup } from "../execution/index.ts";
import { type Registry, registryName } from "../registry/index.ts";
import type { CallInfo } from "../request/index.ts";
import { defaultPageSize, encodeChatConfigs } from "./chat-functions.ts";
import {
  encodeInfo,
  encodeJoined,
  encodeMember,
  encodePage,
  encodeSummary,
} from "./chat-results.ts";
import { type Fanout, fanoutPrefix } from "./fanout.ts";
import type { EnterAccepted, JoinRequest } from "./fanout-messages.ts";
import { GroupAccess } from "./group-access.ts";
import type { GroupKind } from "./group-kind.ts";
import type { MemberOperation } from "./group-messages.ts";
import { checkGroupId, noMeta, parseJoinPayload } from "./join-payload.ts";
import { RelayError, toRelayError } from "./relay-error.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { relayRouterOf } from "./router.ts";

/** What a chat service is given. */
export interface ChatOptions {
  /** Those of the gateway. */
  readonly settings: Pick<RelaySettings, "storage">;
  /** Whether this one, of those of all threads, puts the functions into the registry. */
  readonly registers: boolean;
}

interface OfGroup {
  readonly group_id: string;
}

interface OfMember extends OfGroup {
  readonly user_id: string;
}

/** How long a fan-out may take to bring a session in; it gives up itself before. */
const joinTimeoutMs = 12_000;

/**
 * The chat functions, as clients call them: one actor per scheduler thread, with a concurrency, so
 * that a session's calls stay on its thread. The user is the caller's; what a group refuses is the
 * answer, with the group's code. `join_group` and `create_group` bring the session that calls into
 * the group: its channel gets the messages from then on.
 */
export class ChatService extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #options: ChatOptions;
  readonly #groups: GroupAccess;

  constructor(options: ChatOptions) {
    super();
    this.#options = options;
    this.#groups = new GroupAccess(() => relayRouterOf(this.context));
  }

  protected override async init(): Promise<void> {
    if (this.#options.registers) {
      const registry = this.context.whereis(registryName) as ActorRef<Registry> | undefined;
      if (registry === undefined) throw new ReplyError("unavailable", "there is no registry");
      await registry.ask.replace(chatServiceName, encodeChatConfigs());
    }
    this.context.groups.join(serviceGroup(chatServiceName));
  }

  /** The caller is the group's admin. A caller without a session is a member without a device. */
  async create_group(
    given: OfGroup & { readonly type?: GroupKind | null; readonly durable?: boolean | null },
    info: CallInfo,
  ): Promise<unknown> {
    const { group_id: groupId } = given;
    const kind = given.type ?? "public";
    const isDurable = given.durable ?? false;
    const userId = readUser(info);
    checkName(groupId);
    if (info.session === undefined) {
      await this.#groups.create(groupId, { kind, isDurable, creator: userId });
    } else {
      const create = { kind, isDurable, mustBeNew: true };
      await this.#join(info.session, { ...newcomer(info, userId), groupId, create });
    }
    return { group_id: groupId, type: kind, durable: isDurable, role: "admin", status: "active" };
  }

  /** The group has to exist. `since` and `epoch` ask for what was missed: it is pushed first. */
  async join_group(
    given: OfGroup & {
      readonly meta?: Readonly<Record<string, unknown>> | null;
      readonly since?: number | null;
      readonly epoch?: string | null;
    },
    info: CallInfo,
  ): Promise<unknown> {
    const userId = readUser(info);
    checkName(given.group_id);
    const parsed = parseJoinPayload(given);
    if (!parsed.ok) throw new ReplyError("invalid_arguments", parsed.reason);
    if (info.session === undefined) {
      const message = "join_group: only a session of a channel joins; this call comes from none";
      throw new ReplyError("invalid_request", message);
    }
    const { meta, since, epoch } = parsed.options;
    const request = { ...newcomer(info, userId), groupId: given.group_id, meta, since, epoch };
    return encodeJoined(await this.#join(info.session, request));
  }

  /** With all sessions of the user. */
  async leave_group({ group_id }: OfGroup, info: CallInfo): Promise<unknown> {
    await this.#groups.leave(group_id, readUser(info));
    return { status: "left" };
  }

  /** The answer comes when the message has its place among those of the group. */
  async send_message(
    { group_id, message }: OfGroup & { readonly message: unknown },
    info: CallInfo,
  ): Promise<unknown> {
    const from = { userId: readUser(info), requestId: info.requestId };
    const { recipients, offset } = await this.#groups.send(group_id, from, message);
    return { status: "relayed", recipients_count: recipients, offset };
  }

  /** Lets a pending member in. */
  accept_member(given: OfMember, info: CallInfo): Promise<unknown> {
    return this.#change("accept", given, info);
  }

  /** The member receives, and sends no more. */
  mute_member(given: OfMember, info: CallInfo): Promise<unknown> {
    return this.#change("mute", given, info);
  }

  /** The member may send again. */
  unmute_member(given: OfMember, info: CallInfo): Promise<unknown> {
    return this.#change("unmute", given, info);
  }

  /** The member is an admin too. */
  promote_member(given: OfMember, info: CallInfo): Promise<unknown> {
    return this.#change("promote", given, info);
  }

  /** The member is no admin any more; one has to remain. */
  demote_member(given: OfMember, info: CallInfo): Promise<unknown> {
    return this.#change("demote", given, info);
  }

  /** The user is no member any more. */
  remove_member(given: OfMember, info: CallInfo): Promise<unknown> {
    return this.#change("remove", given, info);
  }

  /** Of a public group for everybody, else for those whom its messages reach. */
  async group_info({ group_id }: OfGroup, info: CallInfo): Promise<unknown> {
    const userId = readUser(info);
    const group = await this.#groups.info(group_id, userId);
    // A large group tells some of its members alone.
    const own =
      group.members.find((member) => member.userId === userId) ??
      (group.membersCount > group.members.length
        ? await this.#groups.summary(group_id, userId)
        : null);
    return encodeInfo(group, own);
  }

  /** For all its members, at once. */
  async delete_group({ group_id }: OfGroup, info: CallInfo): Promise<unknown> {
    await this.#groups.delete(group_id, readUser(info));
    return { status: "deleted" };
  }

  /** Those of the caller. */
  async list_groups(_args: object, info: CallInfo): Promise<unknown> {
    const groups = await this.#groups.list(readUser(info));
    return { groups: groups.map(encodeSummary) };
  }

  /** The messages before an offset, or the last ones; a page is in the order of the offsets. */
  async history(
    given: OfGroup & { readonly before?: number | null; readonly limit?: number | null },
    info: CallInfo,
  ): Promise<unknown> {
    const { group_id: groupId, before = null } = given;
    const limit = given.limit ?? defaultPageSize;
    return encodePage(await this.#groups.history(groupId, readUser(info), before, limit));
  }

  async #change(operation: MemberOperation, given: OfMember, info: CallInfo): Promise<unknown> {
    const { group_id, user_id } = given;
    const member = await this.#groups.change(group_id, operation, readUser(info), user_id);
    return encodeMember(user_id, member);
  }

  /** The fan-out of the session's thread brings it in: it is the one that knows it. */
  async #join(session: ActorRef, request: Omit<JoinRequest, "session">): Promise<EnterAccepted> {
    const name = `${fanoutPrefix}${session.thread}`;
    const fanout = session.node === HERE ? this.context.whereis(name) : undefined;
    if (fanout === undefined) {
      throw new ReplyError("unavailable", "the session cannot be reached at the moment");
    }
    const ask = (fanout as ActorRef<Fanout>).askWith({ timeoutMs: joinTimeoutMs });
    try {
      const answer = await ask.join({ session: session.id, ...request });
      if (answer.ok) return answer;
      throw new RelayError(answer);
    } catch (error) {
      throw toRelayError(error);
    }
  }
}

function newcomer(info: CallInfo, userId: string): Omit<JoinRequest, "session" | "groupId"> {
  return { userId, deviceId: info.deviceId, meta: noMeta, since: null, epoch: null, create: null };
}

/** A group with this name could not be joined by its channel. */
function checkName(groupId: string): void {
  const reason = checkGroupId(groupId);
  if (reason !== null) throw new ReplyError("invalid_arguments", reason);
}

/** A function may be registered for everybody; a group has users alone. */
function readUser({ userId }: CallInfo): string {
  if (userId !== null) return userId;
  throw new ReplyError("authentication_required", "Authentication required");
}
