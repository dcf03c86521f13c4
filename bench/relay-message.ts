/** The bytes of the relay bench, the same for each server: what the sender says, what members get. */

/** The group of the bench, and the event on which its members get the messages. */
export const group = "bench";
export const topic: string = `chat:${group}`;
export const event = "api";
/** Who sends: the first of the connections. */
export const sender = "member-0";

const text =
  "The quick brown fox jumps over the lazy dog, and a hundred others in the room read about it.";

/** What the sender pushes, as JSON: a call of `send_message`. */
export const call: string =
  '{"service":"chat_service","request_type":"send_message","request_id":"req_1",' +
  `"args":{"group_id":"${group}","message":{"text":"${text}"}}}`;

/** Stands in every message that members get, and in nothing else that they get. */
export const marker = '"from_user_id"';

/** What a server reads of the call. */
export interface Call {
  readonly request_id: string;
  readonly args: { readonly group_id: string; readonly message: unknown };
}

/** What each member gets: the same fields in the same order as the gateway's. */
export function createDelivery(
  { request_id, args }: Call,
  offset: number,
): Record<string, unknown> {
  return {
    error: null,
    async: false,
    success: true,
    result: {
      group_id: args.group_id,
      from_user_id: sender,
      message: args.message,
      timestamp: new Date().toISOString(),
      offset,
    },
    request_id,
    can_retry: false,
    has_more: false,
  };
}
