/**
 * The serializations of the protocol behind one face: a socket picks its codec once, by the `vsn`
 * of its URL, and nothing after that knows of versions.
 */

import {
  encodeBinaryPushV1,
  encodeBinaryReplyV1,
  encodeMessageV1,
  encodePushesV1,
  encodePushV1,
  encodeRepliesV1,
  encodeReplyV1,
  parseBinaryV1,
  parseTextV1,
} from "./codec-v1.ts";
import {
  encodeBinaryPushV2,
  encodeBinaryReplyV2,
  encodeMessageV2,
  encodePushesV2,
  encodePushV2,
  encodeRepliesV2,
  encodeReplyV2,
  parseBinaryV2,
  parseTextV2,
} from "./codec-v2.ts";
import type { EncodePush, EncodeReply, ParsedFrame, ReplyStatus } from "./frame.ts";

/**
 * Reads and writes frames of one serialization. Stateless; the functions need no `this`.
 *
 * Encoders take payloads as JSON text, which must be valid: it is not looked at, so that a payload
 * is stringified once however many frames carry it. A string result goes out as a text frame, a
 * `Buffer` as a binary one.
 */
export interface Codec {
  /** The serialization's version, `"1.0.0"` or `"2.0.0"`. */
  readonly vsn: string;
  /** Reads a text frame. Never throws. */
  readonly parseText: (text: string) => ParsedFrame;
  /** Reads a binary frame; the payload is a view of `data`. Never throws. */
  readonly parseBinary: (data: Buffer) => ParsedFrame;
  /** A `phx_reply`. */
  readonly encodeReply: (
    joinRef: string | null,
    ref: string | null,
    topic: string,
    status: ReplyStatus,
    responseJson: string,
  ) => string;
  /** A message with ref null; with joinRef null as well it suits every client of the topic. */
  readonly encodePush: (
    joinRef: string | null,
    topic: string,
    event: string,
    payloadJson: string,
  ) => string;
  /** Makes the encoder of a channel's replies, for many of them. */
  readonly encodeReplies: (joinRef: string | null, topic: string) => EncodeReply;
  /** Makes the encoder of a channel's messages with ref null. */
  readonly encodePushes: (joinRef: string | null, topic: string, event: string) => EncodePush;
  /** A message that carries a ref: `phx_close`, `phx_error`. */
  readonly encodeMessage: (
    joinRef: string | null,
    ref: string | null,
    topic: string,
    event: string,
    payloadJson: string,
  ) => string;
  /** A `phx_reply` whose response is bytes. RangeError when a field is over-long. */
  readonly encodeBinaryReply: (
    joinRef: string | null,
    ref: string | null,
    topic: string,
    status: ReplyStatus,
    response: Uint8Array,
  ) => string | Buffer;
  /** As `encodePush`, with bytes. RangeError when a field is over-long. */
  readonly encodeBinaryPush: (
    joinRef: string | null,
    topic: string,
    event: string,
    payload: Uint8Array,
  ) => string | Buffer;
}

const codecV1: Codec = {
  vsn: "1.0.0",
  parseText: parseTextV1,
  parseBinary: parseBinaryV1,
  encodeReply: encodeReplyV1,
  encodePush: encodePushV1,
  encodeReplies: encodeRepliesV1,
  encodePushes: encodePushesV1,
  encodeMessage: encodeMessageV1,
  encodeBinaryReply: encodeBinaryReplyV1,
  encodeBinaryPush: encodeBinaryPushV1,
};

const codecV2: Codec = {
  vsn: "2.0.0",
  parseText: parseTextV2,
  parseBinary: parseBinaryV2,
  encodeReply: encodeReplyV2,
  encodePush: encodePushV2,
  encodeReplies: encodeRepliesV2,
  encodePushes: encodePushesV2,
  encodeMessage: encodeMessageV2,
  encodeBinaryReply: encodeBinaryReplyV2,
  encodeBinaryPush: encodeBinaryPushV2,
};

const supportedVsn = /^([12])\.0\.\d{1,9}$/;

/**
 * The codec for the `vsn` parameter of a connection, undefined when there is none for it.
 *
 * As Phoenix (`~> 1.0.0`, `~> 2.0.0`): any patch version of 1.0 and of 2.0 is taken, 2.1 and 3.0
 * are not, since nobody knows what they would change. No `vsn` at all means 1.0.0, which is what
 * clients that never send one speak.
 */
export function codecFor(vsn: string | undefined): Codec | undefined {
  if (vsn === undefined) return codecV1;
  const major = supportedVsn.exec(vsn)?.[1];
  if (major === undefined) return undefined;
  return major === "1" ? codecV1 : codecV2;
}
