/**
 * Serialization 1.0.0 of Phoenix Channels: JSON objects in text frames.
 *
 * A client sends `{topic, event, payload, ref, join_ref}`; what the server sends has no join_ref,
 * as Phoenix's own V1 serializer leaves it out.
 */

import {
  type EncodePush,
  type EncodeReply,
  type ParsedFrame,
  parseFields,
  type ReplyStatus,
  rejectFrame,
} from "./frame.ts";
import { encodeJsonString, parseJsonText } from "./json-text.ts";

const notObject = "expected {topic, event, payload, ref}";

/**
 * Reads a text frame. `topic`, `event` and `payload` must be there, `ref` and `join_ref` are null
 * when absent; further keys are ignored. Never throws.
 */
export function parseTextV1(text: string): ParsedFrame {
  const parsed = parseJsonText(text);
  if (!parsed.ok) return rejectFrame(parsed.reason, null, null);
  const value = parsed.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return rejectFrame(notObject, null, null);
  }
  const { topic, event, payload, ref = null, join_ref = null } = value as Record<string, unknown>;
  if (payload === undefined) return rejectFrame("payload is missing", ref, topic);
  return parseFields(join_ref, ref, topic, event, payload);
}

/** This serialization has no binary form: always a refusal. */
export function parseBinaryV1(_data: Buffer): ParsedFrame {
  return rejectFrame("binary frames need vsn 2.0.0", null, null);
}

/**
 * Makes the encoder of a channel's replies: what they have in common is encoded once, and joined into
 * flat text. `responseJson` is JSON text already and goes into the frame as it is.
 */
export function encodeRepliesV1(_joinRef: string | null, topic: string): EncodeReply {
  const names = `{"topic":${encodeJsonString(topic)},"event":"phx_reply"`;
  const before = [names, ',"payload":{"status":"'].join("");
  return (ref, status, responseJson) =>
    `${before}${status}","response":${responseJson}},"ref":${encodeJsonString(ref)}}`;
}

/** Makes the encoder of a channel's messages that answer nothing: their ref is null. */
export function encodePushesV1(_joinRef: string | null, topic: string, event: string): EncodePush {
  const names = `{"topic":${encodeJsonString(topic)},"event":${encodeJsonString(event)}`;
  const before = [names, ',"payload":'].join("");
  return (payloadJson) => `${before}${payloadJson},"ref":null}`;
}

/** A `phx_reply`. `responseJson` is JSON text already and goes into the frame as it is. */
export function encodeReplyV1(
  joinRef: string | null,
  ref: string | null,
  topic: string,
  status: ReplyStatus,
  responseJson: string,
): string {
  return encodeRepliesV1(joinRef, topic)(ref, status, responseJson);
}

/** A message that answers nothing: its ref is null. `payloadJson` is JSON text already. */
export function encodePushV1(
  joinRef: string | null,
  topic: string,
  event: string,
  payloadJson: string,
): string {
  return encodePushesV1(joinRef, topic, event)(payloadJson);
}

/** A message with a ref (`phx_close`, `phx_error`). `payloadJson` is JSON text already. */
export function encodeMessageV1(
  _joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payloadJson: string,
): string {
  return `{"topic":${encodeJsonString(topic)},"event":${encodeJsonString(event)},"payload":${payloadJson},"ref":${encodeJsonString(ref)}}`;
}

/** A `phx_reply` with bytes: they go as a JSON string in base64, since there is no binary form. */
export function encodeBinaryReplyV1(
  joinRef: string | null,
  ref: string | null,
  topic: string,
  status: ReplyStatus,
  response: Uint8Array,
): string {
  return encodeReplyV1(joinRef, ref, topic, status, encodeBase64(response));
}

/** A push with bytes: they go as a JSON string in base64, since there is no binary form. */
export function encodeBinaryPushV1(
  joinRef: string | null,
  topic: string,
  event: string,
  payload: Uint8Array,
): string {
  return encodePushV1(joinRef, topic, event, encodeBase64(payload));
}

/** Quoted; base64 has nothing to escape. */
function encodeBase64(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `"${view.toString("base64")}"`;
}
