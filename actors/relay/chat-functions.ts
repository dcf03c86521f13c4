import Type, { type TSchema } from "typebox";
import { chatServiceName } from "../execution/index.ts";
import { groupKinds } from "./group-kind.ts";
import { maxGroupIdBytes } from "./join-payload.ts";

/** Messages of a page of the history, where nobody says how many. */
export const defaultPageSize = 50;

/** Messages of a page of the history at most. */
export const maxPageSize = 100;

/** No lone surrogates: the expression is one of Unicode. */
const wellFormed = "^[^\\uD800-\\uDFFF]*$";
/** What JSON schema can say of `checkGroupId`, which counts bytes; the chat service asks that too. */
const name: TSchema = Type.String({
  ...{ minLength: 1, maxLength: maxGroupIdBytes, pattern: wellFormed },
});
const user: TSchema = Type.String({ minLength: 1, maxLength: 1_024 });
const offset: TSchema = Type.Integer({ minimum: 0 });
/** Null is left out, as in the payload of a join. */
const optional = (schema: TSchema): TSchema => Type.Optional(Type.Union([schema, Type.Null()]));
const group: TSchema = Type.Object({ group_id: name });
const member: TSchema = Type.Object({ group_id: name, user_id: user });

/** The names of all functions of the chat service. */
export const chatFunctionNames = [
  "create_group",
  "join_group",
  "leave_group",
  "send_message",
  "accept_member",
  "mute_member",
  "unmute_member",
  "promote_member",
  "demote_member",
  "remove_member",
  "group_info",
  "delete_group",
  "list_groups",
  "history",
] as const;

/** One of {@link chatFunctionNames}. */
type ChatFunctionName = (typeof chatFunctionNames)[number];

const argumentsOf: Readonly<Record<ChatFunctionName, TSchema>> = {
  create_group: Type.Object({
    group_id: name,
    type: optional(Type.Enum([...groupKinds])),
    durable: optional(Type.Boolean()),
  }),
  join_group: Type.Object({
    group_id: name,
    meta: optional(Type.Record(Type.String(), Type.Unknown())),
    since: optional(offset),
    epoch: optional(Type.String()),
  }),
  leave_group: group,
  send_message: Type.Object({ group_id: name, message: Type.Unknown() }),
  accept_member: member,
  mute_member: member,
  unmute_member: member,
  promote_member: member,
  demote_member: member,
  remove_member: member,
  group_info: group,
  delete_group: group,
  list_groups: Type.Object({}),
  history: Type.Object({
    group_id: name,
    before: optional(offset),
    limit: optional(Type.Integer({ minimum: 1, maximum: maxPageSize })),
  }),
};

/** Those of which a second call does what the first one did. */
const idempotent: readonly ChatFunctionName[] = ["group_info", "list_groups", "history"];

/** Longer than a group is looked for, so that its own answer comes first. */
const timeoutMs = 15_000;

/**
 * What the registry holds of the chat service: every function, for users who are known. Whoever wants
 * them otherwise (other permissions, limits, hooks) registers FunConfigs of their own with `mfa.module`
 * `chat_service`.
 */
export function encodeChatConfigs(): Record<string, unknown>[] {
  return chatFunctionNames.map((requestType) => ({
    service: chatServiceName,
    requestType,
    nodes: "local",
    timeout: timeoutMs,
    mfa: { module: chatServiceName, function: requestType, args: [] },
    // Plain data, as it has to be to travel.
    argTypes: JSON.parse(JSON.stringify(argumentsOf[requestType])),
    argOrders: "map",
    checkPermission: "any_authenticated",
    idempotent: idempotent.includes(requestType),
  }));
}
