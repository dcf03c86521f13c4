/** What a channel sends, in the form in which its client spoke: as text, or with a binary payload. */

import type { ChunkTemplate } from "../request/index.ts";
import type { Codec } from "./codec.ts";
import type { ReplyStatus } from "./frame.ts";
import type { Message } from "./message-framing.ts";

/** Where frames go that answer nothing. */
export interface PushAddress {
  readonly joinRef: string | null;
  readonly topic: string;
  readonly event: string;
}

/** Encodes JSON text as a push. */
export function encodePushForm(
  codec: Codec,
  { joinRef, topic, event }: PushAddress,
  isBinary: boolean,
  json: string,
): Message {
  if (!isBinary) return codec.encodePush(joinRef, topic, event, json);
  return codec.encodeBinaryPush(joinRef, topic, event, Buffer.from(json));
}

/** Encodes JSON text as a `phx_reply`. */
export function encodeReplyForm(
  codec: Codec,
  { joinRef, topic }: Pick<PushAddress, "joinRef" | "topic">,
  ref: string | null,
  isBinary: boolean,
  status: ReplyStatus,
  json: string,
): Message {
  if (!isBinary) return codec.encodeReply(joinRef, ref, topic, status, json);
  return codec.encodeBinaryReply(joinRef, ref, topic, status, Buffer.from(json));
}

/** No JSON text contains it: control characters are escaped. */
const place = "\u0000";

/**
 * The encoder of a stream's chunks, each the JSON text of a result. All that the frames have in common
 * is encoded once; a chunk in text form costs one concatenation.
 */
export function encodeChunkForm(
  codec: Codec,
  address: PushAddress,
  isBinary: boolean,
  { before, after }: ChunkTemplate,
): (chunk: string) => Message {
  if (isBinary) {
    return (chunk) => encodePushForm(codec, address, true, `${before}${chunk}${after}`);
  }
  const { joinRef, topic, event } = address;
  const frame = codec.encodePush(joinRef, topic, event, `${before}${place}${after}`);
  const [head, tail] = frame.split(place) as [string, string];
  return (chunk) => head + chunk + tail;
}
