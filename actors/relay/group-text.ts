import { formatWallTime } from "#runtime";

/** A message of a group as it is to be pushed. */
export interface RelayedMessage {
  readonly groupId: string;
  /** Null: a service or an operator. */
  readonly fromUserId: string | null;
  readonly requestId: string;
  /** JSON text of what was said. */
  readonly message: string;
  /** Wall-clock time, in ms. */
  readonly at: number;
  readonly offset: number;
}

/** The JSON text of the push: a Response whose result is the message, the same for all. */
export function encodeRelayed(given: RelayedMessage): string {
  const { groupId, fromUserId, requestId, message, at, offset } = given;
  return (
    `{"error":null,"async":false,"success":true,"result":{"group_id":${JSON.stringify(groupId)}` +
    `,"from_user_id":${JSON.stringify(fromUserId)},"message":${message}` +
    `,"timestamp":"${formatWallTime(at)}","offset":${offset}}` +
    `,"request_id":${JSON.stringify(requestId)},"can_retry":false,"has_more":false}`
  );
}

/** The same message at another place. */
export function renumberRelayed(text: string, offset: number): string {
  const push = JSON.parse(text) as { readonly result: { offset: number } };
  push.result.offset = offset;
  return JSON.stringify(push);
}
