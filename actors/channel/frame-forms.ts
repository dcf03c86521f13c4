/** What a channel sends, in the form in which its client spoke: as text, or with a binary payload. */

import type { ChunkTemplate } from "../request/index.ts";
import type { Codec } from "./codec.ts";
import type { EncodePush, EncodeReply, ReplyStatus } from "./frame.ts";
import type { Message } from "./message-framing.ts";

/** Where frames go that answer nothing. */
export interface PushAddress {
  readonly joinRef: string | null;
  readonly topic: string;
  readonly event: string;
}

/** What a channel sends; what its text frames have in common is encoded once, at the first of them. */
export class ChannelForms {
  readonly #codec: Codec;
  readonly #address: PushAddress;
  #encodePush: EncodePush | null = null;
  #encodeReply: EncodeReply | null = null;

  constructor(codec: Codec, address: PushAddress) {
    this.#codec = codec;
    this.#address = address;
  }

  /** Encodes JSON text as a push. */
  push(isBinary: boolean, json: string): Message {
    const { joinRef, topic, event } = this.#address;
    if (isBinary) return this.#codec.encodeBinaryPush(joinRef, topic, event, Buffer.from(json));
    this.#encodePush ??= this.#codec.encodePushes(joinRef, topic, event);
    return this.#encodePush(json);
  }

  /** Encodes JSON text as a `phx_reply`. */
  reply(ref: string | null, isBinary: boolean, status: ReplyStatus, json: string): Message {
    if (isBinary) return encodeReplyForm(this.#codec, this.#address, ref, true, status, json);
    const { joinRef, topic } = this.#address;
    this.#encodeReply ??= this.#codec.encodeReplies(joinRef, topic);
    return this.#encodeReply(ref, status, json);
  }
}

/** Encodes JSON text as a `phx_reply`, of a channel or of none. */
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
  const { joinRef, topic, event } = address;
  if (isBinary) {
    return (chunk) =>
      codec.encodeBinaryPush(joinRef, topic, event, Buffer.from(`${before}${chunk}${after}`));
  }
  const frame = codec.encodePush(joinRef, topic, event, `${before}${place}${after}`);
  const [head, tail] = frame.split(place) as [string, string];
  return (chunk) => head + chunk + tail;
}
