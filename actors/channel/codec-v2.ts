/**
 * Serialization 2.0.0 of Phoenix Channels: JSON arrays in text frames, and binary frames whose
 * first byte is their kind.
 *
 * ```text
 * text      [join_ref, ref, topic, event, payload]
 * push      00 | join_ref, ref, topic, event lengths | their bytes | data      from a client
 * push      00 | join_ref, topic, event lengths      | their bytes | data      from the server
 * reply     01 | join_ref, ref, topic, status lengths| their bytes | data      from the server
 * broadcast 02 | topic, event lengths                | their bytes | data      from the server
 * ```
 *
 * Source: phoenix.js 1.8, `serializer.js`. Lengths are one byte each; an absent ref has length 0.
 */

import { isUtf8 } from "node:buffer";
import {
  type EncodePush,
  type EncodeReply,
  maxFieldBytes,
  type ParsedFrame,
  parseFields,
  type ReplyStatus,
  rejectFrame,
} from "./frame.ts";
import { encodeJsonString, parseJsonText } from "./json-text.ts";

const kinds = { push: 0, reply: 1, broadcast: 2 } as const;

/** Kind and four lengths. */
const pushHeaderBytes = 5;

const wrongArity = "expected [join_ref, ref, topic, event, payload]";

/** Reads a text frame: exactly five elements. Never throws. */
export function parseTextV2(text: string): ParsedFrame {
  const parsed = parseJsonText(text);
  if (!parsed.ok) return rejectFrame(parsed.reason, null, null);
  const value = parsed.value;
  if (!Array.isArray(value)) return rejectFrame(wrongArity, null, null);
  if (value.length !== 5) return rejectFrame(wrongArity, value[1], value[2]);
  return parseFields(value[0], value[1], value[2], value[3], value[4]);
}

/**
 * Reads a binary push as a client sends it. Never throws.
 *
 * The payload is a view of `data`, not a copy: valid as long as `data` is not reused, and whoever
 * keeps it keeps all of `data` alive.
 */
export function parseBinaryV2(data: Buffer): ParsedFrame {
  if (data.length < pushHeaderBytes) return rejectFrame("binary frame is truncated", null, null);
  if (data[0] !== kinds.push) return rejectFrame("binary frame is not a push", null, null);
  const refStart = pushHeaderBytes + (data[1] ?? 0);
  const topicStart = refStart + (data[2] ?? 0);
  const eventStart = topicStart + (data[3] ?? 0);
  const payloadStart = eventStart + (data[4] ?? 0);
  if (payloadStart > data.length) return rejectFrame("binary frame is truncated", null, null);
  const joinRef = readField(data, pushHeaderBytes, refStart);
  const ref = readField(data, refStart, topicStart);
  const topic = readField(data, topicStart, eventStart);
  const event = readField(data, eventStart, payloadStart);
  if (joinRef === undefined || ref === undefined || topic === undefined || event === undefined) {
    return rejectFrame("binary frame is not valid UTF-8", ref, topic);
  }
  return parseFields(joinRef, ref, topic, event, data.subarray(payloadStart));
}

/** The text between two offsets, null when there is none, undefined when it is not UTF-8. */
function readField(data: Buffer, start: number, end: number): string | null | undefined {
  if (start === end) return null;
  const text = data.toString("utf8", start, end);
  // Only a text with the replacement character can have been invalid.
  if (text.includes("\ufffd") && !isUtf8(data.subarray(start, end))) return undefined;
  return text;
}

/**
 * Makes the encoder of a channel's replies: what they have in common is encoded once, and joined into
 * flat text. `responseJson` is JSON text already and goes into the frame as it is.
 */
export function encodeRepliesV2(joinRef: string | null, topic: string): EncodeReply {
  const before = ["[", encodeJsonString(joinRef), ","].join("");
  const behind = [",", encodeJsonString(topic), ',"phx_reply",{"status":"'].join("");
  return (ref, status, responseJson) =>
    `${before}${encodeJsonString(ref)}${behind}${status}","response":${responseJson}}]`;
}

/** Makes the encoder of a channel's messages that answer nothing: their ref is null. */
export function encodePushesV2(joinRef: string | null, topic: string, event: string): EncodePush {
  const names = `${encodeJsonString(topic)},${encodeJsonString(event)}`;
  const before = ["[", encodeJsonString(joinRef), ",null,", names, ","].join("");
  return (payloadJson) => `${before}${payloadJson}]`;
}

/** A `phx_reply`. `responseJson` is JSON text already and goes into the frame as it is. */
export function encodeReplyV2(
  joinRef: string | null,
  ref: string | null,
  topic: string,
  status: ReplyStatus,
  responseJson: string,
): string {
  return encodeRepliesV2(joinRef, topic)(ref, status, responseJson);
}

/** A message that answers nothing: its ref is null. `payloadJson` is JSON text already. */
export function encodePushV2(
  joinRef: string | null,
  topic: string,
  event: string,
  payloadJson: string,
): string {
  return encodePushesV2(joinRef, topic, event)(payloadJson);
}

/** A message with a ref (`phx_close`, `phx_error`). `payloadJson` is JSON text already. */
export function encodeMessageV2(
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payloadJson: string,
): string {
  return `[${encodeJsonString(joinRef)},${encodeJsonString(ref)},${encodeJsonString(topic)},${encodeJsonString(event)},${payloadJson}]`;
}

/**
 * The binary form of a `phx_reply`.
 *
 * @throws RangeError when a field is longer than {@link maxFieldBytes}; those of a parsed frame
 * never are.
 */
export function encodeBinaryReplyV2(
  joinRef: string | null,
  ref: string | null,
  topic: string,
  status: ReplyStatus,
  response: Uint8Array,
): Buffer {
  const fields = [joinRef ?? "", ref ?? "", topic, status];
  return encodeBinary(kinds.reply, ["join_ref", "ref", "topic", "status"], fields, response);
}

/**
 * The binary form of a push; without a joinRef it is a broadcast, which is alike for every client
 * that joined the topic.
 *
 * @throws RangeError when a field is longer than {@link maxFieldBytes}; those of a parsed frame
 * never are.
 */
export function encodeBinaryPushV2(
  joinRef: string | null,
  topic: string,
  event: string,
  payload: Uint8Array,
): Buffer {
  if (joinRef === null) {
    return encodeBinary(kinds.broadcast, ["topic", "event"], [topic, event], payload);
  }
  const names = ["join_ref", "topic", "event"];
  return encodeBinary(kinds.push, names, [joinRef, topic, event], payload);
}

/** Kind, a length byte per field, the fields, the data. `names` serve the error alone. */
function encodeBinary(
  kind: number,
  names: readonly string[],
  fields: readonly string[],
  data: Uint8Array,
): Buffer {
  const lengths = fields.map((field) => Buffer.byteLength(field));
  let size = 1 + fields.length + data.length;
  for (const [i, length] of lengths.entries()) {
    if (length > maxFieldBytes) {
      throw new RangeError(
        `${names[i]} of a binary frame must be at most ${maxFieldBytes} bytes, got ${length}`,
      );
    }
    size += length;
  }
  const frame = Buffer.allocUnsafe(size);
  frame[0] = kind;
  frame.set(lengths, 1);
  let offset = 1 + fields.length;
  for (const field of fields) offset += frame.write(field, offset);
  frame.set(data, offset);
  return frame;
}
